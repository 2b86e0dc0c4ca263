import Glibc
import Testing

@testable import Peer

struct DescriptorPlanTests {
    @Test(arguments: [
        (1024, 672, 224), (4096, 3456, 512), (65_536, 10_000, 512), (1 << 30, 10_000, 512),
    ])
    func `connections get what files and others leave`(
        allowed: Int, connections: Int, files: Int
    ) throws {
        let plan = try DescriptorPlan(allowed: allowed, askedConnections: nil)
        #expect(plan.connections == connections && plan.files == files)
    }

    @Test func `as many as are asked for, if there is room`() throws {
        #expect(try DescriptorPlan(allowed: 65_536, askedConnections: 50_000).connections == 50_000)
        #expect(try DescriptorPlan(allowed: 1024, askedConnections: 672).connections == 672)
        let error = #expect(throws: CommandError.self) {
            try DescriptorPlan(allowed: 1024, askedConnections: 673)
        }
        #expect(error?.exitCode == .usage)
        #expect(
            error?.message
                == "--max-connections 673: this system allows the program 1024 open files, which"
                + " is room for 672 connections: name a smaller number, or raise the limit"
                + " (ulimit -Hn, LimitNOFILE= of a service)")
    }

    @Test func `even the smallest system has room for some`() throws {
        for allowed in [0, 20, 130] {
            let plan = try DescriptorPlan(allowed: allowed, askedConnections: nil)
            #expect(plan.connections >= 1 && plan.files >= 1)
        }
    }

    @Test func `the soft limit is raised to the hard one`() {
        let allowed = DescriptorPlan.raiseLimit()
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #expect(limit.rlim_cur == limit.rlim_max)
        #expect(allowed == Int(min(limit.rlim_cur, rlim_t(Int32.max))))
    }
}
