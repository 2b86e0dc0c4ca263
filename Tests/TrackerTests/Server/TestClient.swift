import FoundationEssentials
import Glibc
import Testing
import Wire

@testable import Tracker

struct ClientError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

struct TestAnswer {
    let head: HTTPResponseHead
    let body: [UInt8]

    var status: Int { head.status }

    /// The code of an error's body.
    var errorCode: String? {
        (try? WireJSON.decode(APIErrorBody.self, from: body))?.error.code
    }

    var errorMessage: String? {
        (try? WireJSON.decode(APIErrorBody.self, from: body))?.error.message
    }

    func decode<T: Decodable>(_ type: T.Type, status: Int = 200) throws -> T {
        guard self.status == status else {
            let text = String(decoding: body, as: UTF8.self)
            throw ClientError("status \(self.status), not \(status): \(text)")
        }
        return try WireJSON.decode(type, from: body)
    }
}

/// A blocking client over a plain socket. Everything it waits for is bounded by `timeout`.
final class TestClient {
    private let descriptor: Int32
    private var decoder = HTTPResponseDecoder()
    private var buffer: [UInt8] = []

    /// - Parameter host: where the tracker listens.
    init(port: UInt16, host: String = "127.0.0.1", timeout: Int = 20) throws {
        let endpoint = Endpoint(address: try #require(IPAddress(host)), port: port)
        descriptor = socket(
            endpoint.address.isIPv4 ? AF_INET : AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
        var limit = timeval(tv_sec: timeout, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let result = endpoint.withSockaddr { connect(descriptor, $0, $1) }
        guard result == 0 else {
            throw ClientError("connect: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else {
                throw ClientError("send: \(String(cString: strerror(errno)))")
            }
            rest = rest.dropFirst(count)
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// As much as comes at once; empty: the other end has closed.
    func receive() throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        if count < 0, errno == ECONNRESET { return [] }
        guard count >= 0 else {
            throw ClientError("recv: \(String(cString: strerror(errno)))")
        }
        return Array(bytes[..<count])
    }

    /// Everything until the other end closes.
    func receiveToEnd() throws -> String {
        var all = buffer
        buffer = []
        while true {
            let bytes = try receive()
            if bytes.isEmpty { return String(decoding: all, as: UTF8.self) }
            all += bytes
        }
    }

    /// Sending fails when nothing can be sent for so long.
    func limitSending(milliseconds: Int) {
        var limit = timeval(tv_sec: 0, tv_usec: milliseconds * 1000)
        setsockopt(
            descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    func shutdownWrite() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// The next answer, to a request of this method.
    func answer(to method: HTTPMethod = .get) throws -> TestAnswer {
        decoder.expectResponse(to: method)
        var head: HTTPResponseHead?
        var body: [UInt8] = []
        while true {
            let bytes = buffer.isEmpty ? try receive() : buffer
            if bytes.isEmpty {
                _ = try decoder.finish()
                throw ClientError("the connection was closed before the answer")
            }
            var position = 0
            while let event = try bytes.withUnsafeBytes({
                try decoder.next(in: $0, from: &position)
            }) {
                switch event {
                case .head(let found): head = found
                case .body(let range): body += bytes[range]
                case .end:
                    buffer = Array(bytes[position...])
                    return TestAnswer(head: try #require(head), body: body)
                }
            }
            buffer = []
        }
    }

    func request(
        _ method: HTTPMethod, _ target: String, token: String? = nil, body: [UInt8]? = nil
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        var headers: [(name: String, value: String)] = []
        if let token { headers.append(("Authorization", "Bearer \(token)")) }
        HTTPRequest.encode(
            method, target: target, host: "localhost", headers: headers, body: body,
            into: &bytes)
        return bytes
    }

    func call(
        _ method: HTTPMethod, _ target: String, token: String? = nil,
        body: (any Encodable)? = nil
    ) throws -> TestAnswer {
        let json = body.map { WireJSON.encode($0) }
        try send(request(method, target, token: token, body: json))
        return try answer(to: method)
    }

    func announce(
        _ infoHash: InfoHash, passkey: String?, left: UInt64 = 0,
        event: AnnounceRequest.Event = .none, port: UInt16, numwant: Int? = nil,
        compact: Bool = true, peerID: String? = nil, key: UInt32? = nil
    ) throws -> AnnounceResponse {
        let id = Array((peerID ?? "-XX0000-\(port)000000000000").utf8.prefix(20))
        let request = AnnounceRequest(
            infoHash: infoHash, peerID: try #require(PeerID(id)), port: port, left: left,
            event: event, numwant: numwant, compact: compact, key: key)
        let path = passkey.map { "/announce/\($0)" } ?? "/announce"
        let answer = try call(.get, "\(path)?\(request.query())")
        guard answer.status == 200 else { throw ClientError("status \(answer.status)") }
        return try AnnounceResponse(decoding: answer.body)
    }

    func scrape(_ infoHashes: [InfoHash], passkey: String?) throws -> ScrapeResponse {
        let path = passkey.map { "/scrape/\($0)" } ?? "/scrape"
        let query = ScrapeRequest(infoHashes: infoHashes).query()
        return try ScrapeResponse(decoding: try call(.get, "\(path)?\(query)").body)
    }
}

/// An open event stream.
final class TestEventStream {
    private let client: TestClient
    private var events = ServerSentEventDecoder()
    private var decoder = HTTPResponseDecoder()
    private var pending: [UInt8] = []

    init(port: UInt16, token: String, expectingHello: Bool = true) throws {
        client = try TestClient(port: port)
        try client.send(client.request(.get, "/api/v1/events", token: token))
        decoder.expectResponse(to: .get)
        guard expectingHello else { return }
        guard case .hello = try next(), case .passkey = try next() else {
            throw ClientError("hello and the passkey didn't come first")
        }
    }

    /// The next event; comments are passed over.
    func next() throws -> TrackerEvent {
        while true {
            var position = 0
            let event = try pending.withUnsafeBytes { try events.next(in: $0, from: &position) }
            pending.removeFirst(position)
            if let event {
                guard let known = try TrackerEvent.decode(event) else {
                    throw ClientError("unknown event \(event.event)")
                }
                return known
            }
            guard try readMore() else { throw ClientError("the event stream has ended") }
        }
    }

    /// Whether the tracker ends the stream, events before that passed over.
    func ends() throws -> Bool {
        while try readMore() { pending = [] }
        return true
    }

    /// The next bytes of the stream as they are.
    func nextBytes() throws -> [UInt8] {
        while pending.isEmpty {
            guard try readMore() else { throw ClientError("the event stream has ended") }
        }
        defer { pending = [] }
        return pending
    }

    private func readMore() throws -> Bool {
        let bytes = try client.receive()
        if bytes.isEmpty { return false }
        var position = 0
        while let event = try bytes.withUnsafeBytes({
            try decoder.next(in: $0, from: &position)
        }) {
            switch event {
            case .head(let head):
                guard head.status == 200 else { throw ClientError("status \(head.status)") }
            case .body(let range): pending += bytes[range]
            case .end: return false
            }
        }
        return true
    }
}
