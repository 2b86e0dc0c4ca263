import Foundation
import Glibc
import Testing
import Wire

/// Connections that begin a TLS handshake and go no further, from many addresses of the loopback.
final class HalfHandshakes: @unchecked Sendable {
    private let port: UInt16
    private let hello: [UInt8]
    private var open: [Connection] = []
    private var made = 0

    /// - Parameter name: what they ask for.
    init(port: UInt16, name: String) async throws {
        self.port = port
        hello = try await HalfHandshakes.hello(asking: name)
    }

    /// The first message of openssl(1).
    private static func hello(asking name: String) async throws -> [UInt8] {
        let listener = try LoopbackListener()
        let openssl = try ChildProcess(
            "openssl", ["s_client", "-connect", "127.0.0.1:\(listener.port)", "-servername", name])
        defer { openssl.kill() }
        return try await onThread {
            let link = Link(descriptor: try listener.accept())
            let head = try link.receive(5)
            return head + (try link.receive(Int(head[3]) << 8 | Int(head[4])))
        }
    }

    /// Makes so many more, each address in its turn: one in eight sends a whole first message, which
    /// is answered, the others a part of it.
    func add(_ count: Int, addresses: UInt32) throws {
        for _ in 0..<count {
            // From 127.0.1.1 on.
            let source = IPAddress(ipv4: 0x7f00_0101 + UInt32(made) % addresses)
            let connection = try Connection(port: port, from: source)
            let length = made % 8 == 0 ? hello.count : 1 + made % (hello.count - 1)
            connection.send(Array(hello[..<length]))
            open.append(connection)
            made += 1
        }
    }

    /// How many the other side hasn't closed.
    func countOpen() -> Int {
        open.removeAll { $0.isClosed }
        return open.count
    }

    func end() { open = [] }

    /// Makes ten thousand, hundreds at a time, and waits each time until the other side holds no more
    /// than it may.
    /// - Returns: the most descriptors that it had.
    static func tenThousand(
        at port: UInt16, of process: ChildProcess, name: String, limit: Int
    ) async throws -> (HalfHandshakes, mostDescriptors: Int) {
        let flood = try await HalfHandshakes(port: port, name: name)
        var most = 0
        for _ in 0..<40 {
            try flood.add(250, addresses: 40)
            try await eventually("the end of what is too much", context: process.transcript) {
                most = max(most, try Footprint(of: process.pid).descriptors)
                return flood.countOpen() <= limit
            }
        }
        return (flood, most)
    }
}
