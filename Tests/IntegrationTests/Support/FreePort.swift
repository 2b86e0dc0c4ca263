import Foundation
import Synchronization

/// A TCP port of 127.0.0.1 for programs that must be told one. Below those that the system takes
/// for connections, which could take it in the meantime, and another one for each caller.
func freePort() throws -> UInt16 {
    for _ in 0..<1000 {
        let port = nextPort.withLock { port in
            defer { port = port == 32_000 ? 12_000 : port + 1 }
            return port
        }
        if isFree(port) { return port }
    }
    throw SpawnError(description: "no free port")
}

private let nextPort = Mutex(UInt16.random(in: 12_000...32_000))

private func isFree(_ port: UInt16) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    // As the programs do: connections that linger from an earlier run don't count.
    var on: Int32 = 1
    setsockopt(
        descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafeBytes(of: &address) { bytes in
        let pointer = bytes.assumingMemoryBound(to: sockaddr.self).baseAddress
        return bind(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
    }
}
