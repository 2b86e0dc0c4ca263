import Foundation

/// Hosts on one switch: network namespaces, each with one end of a veth(4) pair whose other end is
/// a port of a bridge. A host can be unplugged, and plugged in again: what it sends and what is sent
/// to it is lost in between, and nobody is told.
final class SwitchedNetwork: Sendable {
    let hosts: [LossyNetwork.Host]
    private let holder: ChildProcess

    /// The addresses are 10.78.0.1 and so on.
    init(hosts count: Int) async throws {
        holder = try ChildProcess(
            "/usr/bin/python3", ["-u", "-c", SwitchedNetwork.script, "\(count)"])
        let answer = try await holder.line("the hosts") { $0.hasPrefix("hosts ") }
        hosts = answer.split(separator: " ").dropFirst().enumerated().map { number, pid in
            LossyNetwork.Host(
                address: "10.78.0.\(number + 1)",
                entrance: ["nsenter", "--target", String(pid), "--net", "--"])
        }
    }

    /// Whether this machine lets us; where it doesn't, it is said what is in the way.
    static func isPossible() async -> Bool {
        let links = "ip link add port type veth peer name plug && ip link add switch type bridge"
        let obstacle: String
        if geteuid() != 0 {
            obstacle = "PostgreSQL's server can't be run in a namespace but by root"
        } else if (try? await run("unshare", ["--net", "sh", "-c", links]))?.code != 0 {
            obstacle = "no network namespaces, or no veth pairs and bridges in them"
        } else {
            return true
        }
        print("no hosts can be made here that are cut from each other: \(obstacle)")
        return false
    }

    func unplug(_ host: Int) async throws { try await tell("nomaster", host) }

    func plug(_ host: Int) async throws { try await tell("master switch", host) }

    private func tell(_ words: String, _ host: Int) async throws {
        let start = holder.output.count
        holder.send("link set port\(host) \(words)")
        try await holder.line("\(words) of host \(host)", from: start) { $0 == "done" }
    }

    private static let script = """
        import ctypes, subprocess, sys
        libc = ctypes.CDLL(None, use_errno=True)

        def ip(words, *entrance):
            subprocess.run([*entrance, 'ip', *words.split()], check=True)

        # CLONE_NEWNET.
        if libc.unshare(0x40000000) != 0:
            raise OSError(ctypes.get_errno(), 'unshare')
        ip('link add switch type bridge')
        ip('link set switch up')
        holders = []
        for number in range(int(sys.argv[1])):
            # It says when it is there, keeps its namespace, and ends with us.
            holder = subprocess.Popen(
                ['unshare', '--net', 'sh', '-c', 'echo there; exec cat'],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            holder.stdout.readline()
            holders.append(holder)
            inside = ['nsenter', '--target', str(holder.pid), '--net', '--']
            ip(f'link add port{number} type veth peer name plug netns {holder.pid}')
            ip(f'link set port{number} master switch')
            ip(f'link set port{number} up')
            ip('link set lo up', *inside)
            ip(f'address add 10.78.0.{number + 1}/24 dev plug', *inside)
            ip('link set plug up', *inside)
        print('hosts', *(holder.pid for holder in holders))
        # The standard input ends with the tests.
        for line in sys.stdin:
            ip(line)
            print('done')
        """
}
