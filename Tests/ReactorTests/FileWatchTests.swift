import Glibc
import Testing

@testable import Reactor

@Suite struct FileWatchTests {
    @Test func `a write by anybody is told, and nothing after closing`() throws {
        var template = Array("/tmp/mtorrent-tests-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        #expect(descriptor >= 0)
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        defer {
            close(descriptor)
            unlink(path)
        }
        let loop = try EventLoop()
        var calls = 0
        let watch = try FileWatch(loop: loop, path: path) {
            calls += 1
            loop.stop()
        }
        for expected in 1...3 {
            #expect(write(descriptor, "x", 1) == 1)
            let limit = loop.schedule(after: .seconds(20)) { loop.stop() }
            loop.run()
            loop.cancel(limit)
            #expect(calls == expected)
        }
        watch.close()
        #expect(write(descriptor, "x", 1) == 1)
        loop.schedule(after: .milliseconds(1)) { loop.stop() }
        loop.run()
        #expect(calls == 3)
        loop.shutdown()
    }

    @Test func `a file that isn't there can't be watched`() throws {
        let loop = try EventLoop()
        #expect(throws: SystemError.self) { try FileWatch(loop: loop, path: "/dev/null/x") {} }
        loop.shutdown()
    }
}
