import TrackerCore
import Wire

/// Sorts what comes over HTTP: announces and scrapes by their bytes, the rest by its path.
final class TrackerFront: HTTPHandler {
    /// What a path asks for, as far as its bytes alone tell.
    private enum Target {
        case announce(PathKey)
        case scrape(PathKey)
        case health
        case other
    }

    /// The part of an announce path behind `/announce`.
    private enum PathKey {
        case none
        case passkey(Passkey)
        /// Not 32 hex digits.
        case malformed
    }

    private let service: TrackerService
    private let api: API
    /// The body of the announce that is being answered.
    private var body: [UInt8] = []

    init(service: TrackerService) {
        self.service = service
        api = API(service: service)
    }

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        let target = request.withPathBytes { Self.target($0) }
        if case .other = target { return api.handle(request, exchange) }
        guard request.method == .get || request.method == .head else {
            return exchange.respond(APIError.methodNotAllowed(allow: "GET, HEAD").response)
        }
        switch target {
        case .announce(let key): announce(request, key, exchange)
        case .scrape(let key): scrape(request, key, exchange)
        case .health:
            body.removeAll(keepingCapacity: true)
            body.append(contentsOf: "ok\n".utf8)
            respondWithBody(exchange)
        case .other: break
        }
    }

    private static func target(_ path: UnsafeRawBufferPointer) -> Target {
        if let key = pathKey(path, behind: "/announce") { return .announce(key) }
        if let key = pathKey(path, behind: "/scrape") { return .scrape(key) }
        return path.elementsEqual("/healthz".utf8) ? .health : .other
    }

    /// Nil where the path is another.
    private static func pathKey(
        _ path: UnsafeRawBufferPointer, behind prefix: StaticString
    ) -> PathKey? {
        let count = prefix.utf8CodeUnitCount
        guard path.count >= count else { return nil }
        for index in 0..<count where path[index] != prefix.utf8Start[index] { return nil }
        if path.count == count { return PathKey.none }
        guard path[count] == UInt8(ascii: "/") else { return nil }
        let digits = UnsafeRawBufferPointer(rebasing: path[(count + 1)...])
        return Passkey(hexDigits: digits).map { .passkey($0) } ?? .malformed
    }

    private func announce(_ request: HTTPRequest, _ key: PathKey, _ exchange: HTTPExchange) {
        answer(key, exchange) { [service] passkey, body in
            request.withQueryBytes { query in
                service.answerAnnounce(
                    query: query, passkey: passkey, source: exchange.remoteAddress, into: &body)
            }
        }
    }

    private func scrape(_ request: HTTPRequest, _ key: PathKey, _ exchange: HTTPExchange) {
        answer(key, exchange) { [service] passkey, body in
            request.withQueryBytes { query in
                service.answerScrape(query: query, passkey: passkey, into: &body)
            }
        }
    }

    /// Answers in bencoding and with status 200, refusals too: clients show the reason then.
    private func answer(
        _ key: PathKey, _ exchange: HTTPExchange, _ write: (Passkey?, inout [UInt8]) -> Void
    ) {
        body.removeAll(keepingCapacity: true)
        switch key {
        case .none: write(nil, &body)
        case .passkey(let passkey): write(passkey, &body)
        case .malformed:
            let refusal = AnnounceDecision.Refusal.unknownPasskey
            AnnounceFailure(reason: refusal.reason, retryIn: .never).encode(into: &body)
        }
        respondWithBody(exchange)
    }

    private func respondWithBody(_ exchange: HTTPExchange) {
        exchange.respond { [body] bytes, keepAlive in
            HTTPResponse.appendHead(
                status: 200, contentType: "text/plain", contentLength: body.count,
                keepAlive: keepAlive, to: &bytes)
            if !exchange.isHead { bytes.append(contentsOf: body) }
        }
    }

    func response(to error: HTTPError) -> HTTPResponse { APIError(error).response }

    func responseToSlowRequest() -> HTTPResponse { APIError.slowRequest.response }
}
