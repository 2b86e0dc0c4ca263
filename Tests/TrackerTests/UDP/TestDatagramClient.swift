import Glibc
import Testing
import Wire

/// A blocking client of BEP 15 over a plain UDP socket of its own.
final class TestDatagramClient {
    private let descriptor: Int32

    /// - Parameter host: where the tracker listens; `127.0.0.1` or `::1`.
    init(port: UInt16, host: String = "127.0.0.1") throws {
        let address = try #require(IPAddress(host))
        descriptor = socket(
            address.isIPv4 ? AF_INET : AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let result = Endpoint(address: address, port: port).withSockaddr {
            connect(descriptor, $0, $1)
        }
        guard result == 0 else {
            throw ClientError("connect: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) throws {
        let count = bytes.withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count == bytes.count else {
            throw ClientError("send: \(String(cString: strerror(errno)))")
        }
    }

    func receive() throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        guard count >= 0 else { throw ClientError("recv: \(String(cString: strerror(errno)))") }
        return Array(bytes[..<count])
    }

    func ask(_ bytes: [UInt8]) throws -> [UInt8] {
        try send(bytes)
        return try receive()
    }

    func head(_ connectionID: UInt64, _ action: UInt32, _ transaction: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(connectionID)
        bytes.appendBigEndian(action)
        bytes.appendBigEndian(transaction)
        return bytes
    }

    func connectionID() throws -> UInt64 {
        let answer = try ask(head(TrackerDatagram.protocolID, 0, 77))
        guard answer.count == 16, Array(answer[..<8]) == [0, 0, 0, 0, 0, 0, 0, 77] else {
            throw ClientError("not an answer to connect: \(answer)")
        }
        return answer.withRawBytes { $0.loadBigEndian(at: 8, as: UInt64.self) }
    }

    func announceBytes(
        _ infoHash: InfoHash, connectionID: UInt64, left: UInt64 = 0, event: UInt32 = 0,
        port: UInt16, wanted: Int32 = -1, urlData: String? = nil
    ) -> [UInt8] {
        var bytes = head(connectionID, 1, 5) + infoHash.bytes
        bytes += Array("-XX0000-\(port)000000000000".utf8.prefix(20))
        for number in [UInt64(0), left, 0] { bytes.appendBigEndian(number) }
        for number in [event, 0, UInt32(port), UInt32(bitPattern: wanted)] {
            bytes.appendBigEndian(number)
        }
        bytes.appendBigEndian(port)
        if let urlData {
            for start in stride(from: 0, to: urlData.utf8.count, by: 255) {
                let piece = urlData.utf8.dropFirst(start).prefix(255)
                bytes += [2, UInt8(piece.count)] + piece
            }
        }
        return bytes
    }

    /// What an announce was answered with: the numbers and the compact peers.
    struct Announced: Equatable {
        var interval: UInt32
        var leechers: UInt32
        var seeders: UInt32
        var peers: [UInt8]
    }

    func announce(
        _ infoHash: InfoHash, left: UInt64 = 0, event: UInt32 = 0, port: UInt16,
        wanted: Int32 = -1, urlData: String? = nil
    ) throws -> Announced {
        let answer = try ask(
            announceBytes(
                infoHash, connectionID: try connectionID(), left: left, event: event, port: port,
                wanted: wanted, urlData: urlData))
        guard answer.count >= 20, Array(answer[..<8]) == [0, 0, 0, 1, 0, 0, 0, 5] else {
            throw ClientError(String(decoding: answer.dropFirst(8), as: UTF8.self))
        }
        return answer.withRawBytes {
            Announced(
                interval: $0.loadBigEndian(at: 8, as: UInt32.self),
                leechers: $0.loadBigEndian(at: 12, as: UInt32.self),
                seeders: $0.loadBigEndian(at: 16, as: UInt32.self), peers: Array($0[20...]))
        }
    }

    /// The text of the error that this request is answered with.
    func error(_ bytes: [UInt8]) throws -> String {
        let answer = try ask(bytes)
        guard answer.count >= 8, Array(answer[..<4]) == [0, 0, 0, 3],
            Array(answer[4..<8]) == Array(bytes[12..<16])
        else { throw ClientError("not an error: \(answer)") }
        return String(decoding: answer[8...], as: UTF8.self)
    }
}
