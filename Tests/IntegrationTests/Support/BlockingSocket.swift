import Foundation
import Glibc
import Testing

/// A blocking socket that is connected to a port of 127.0.0.1, and waits for some seconds at most.
final class BlockingSocket {
    private let descriptor: Int32

    init(port: UInt16, type: __socket_type, milliseconds: Int = 10_000) throws {
        descriptor = socket(AF_INET, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var limit = timeval(
            tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in.loopback(port)
        let result = address.withPointer { [descriptor] in connect(descriptor, $0, $1) }
        try #require(result == 0)
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) {
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Nil when nothing comes in time.
    func receive() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return count < 0 && errno != ECONNRESET ? nil : Array(bytes.prefix(max(0, count)))
    }

    /// Nil when it doesn't end in time.
    func receiveToEnd() -> [UInt8]? {
        var all: [UInt8] = []
        while let bytes = receive() {
            if bytes.isEmpty { return all }
            all += bytes
        }
        return nil
    }
}

/// Requests of BEP 15, and an announce over HTTP.
enum AnnounceBytes {
    static func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    static func connect(_ transaction: UInt32) -> [UInt8] {
        bigEndian(UInt64(0x417_2710_1980)) + bigEndian(UInt32(0)) + bigEndian(transaction)
    }

    /// Of a leecher in an open swarm, at port 6881.
    static func announce(_ connectionID: [UInt8], _ transaction: UInt32) -> [UInt8] {
        connectionID + bigEndian(UInt32(1)) + bigEndian(transaction)
            + [UInt8](repeating: 7, count: 40) + [UInt8](repeating: 0, count: 15) + [1]
            + [UInt8](repeating: 0, count: 20) + [0, 0, 0, 50, 0x1a, 0xe1]
    }

    static let overHTTP = Array(
        ("GET /announce?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-XX0001-aaaaaaaaaaaa&port=6881"
            + "&left=1&key=12ab HTTP/1.1\r\nHost: x\r\n\r\n").utf8)
}
