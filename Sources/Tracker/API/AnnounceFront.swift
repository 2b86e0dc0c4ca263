import TrackerCore
import Wire

/// Sorts what comes over HTTP by its bytes: answers announces and scrapes, and leaves all else to
/// others.
final class AnnounceFront: HTTPHandler {
    /// What a path asks for.
    private enum Target {
        case announce(AnnouncePath)
        case scrape(AnnouncePath)
        case other
    }

    private let service: AnnounceService
    private let others: (HTTPRequest, HTTPExchange) -> Void
    /// The body of the announce that is being answered.
    private var body: [UInt8] = []
    /// Announces of this turn that wait until all have been read, and where they belong.
    private var noted: [(announce: AnnounceService.ArrivedAnnounce, exchange: HTTPExchange)] = []
    private var places: [Swarms.Key] = []

    init(
        service: AnnounceService, others: @escaping (HTTPRequest, HTTPExchange) -> Void
    ) {
        self.service = service
        self.others = others
    }

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        let target = request.withPathBytes { Self.target($0) }
        if case .other = target { return others(request, exchange) }
        guard request.method == .get || request.method == .head else {
            return exchange.respond(APIError.methodNotAllowed(allow: "GET, HEAD").response)
        }
        switch target {
        case .announce(let path): announce(request, path, exchange)
        case .scrape(let path): scrape(request, path, exchange)
        case .other: break
        }
    }

    private static func target(_ path: UnsafeRawBufferPointer) -> Target {
        if let path = AnnouncePath(path, behind: "/announce") { return .announce(path) }
        if let path = AnnouncePath(path, behind: "/scrape") { return .scrape(path) }
        return .other
    }

    private func announce(
        _ request: HTTPRequest, _ path: AnnouncePath, _ exchange: HTTPExchange
    ) {
        body.removeAll(keepingCapacity: true)
        request.withQueryBytes { query in
            service.answerAnnounce(
                query: query, path: path, from: client(of: request, exchange), into: &body)
        }
        respondWithBody(exchange)
    }

    /// Of an announce that is in order, all there is to know is read at once, and the memory that
    /// each has to wait for in the swarms is waited for together.
    func note(_ request: HTTPRequestView, _ exchange: HTTPExchange) -> Bool {
        guard request.method == .get, !service.trustsProxies,
            case .announce(let path) = Self.target(request.path),
            let announce = try? AnnounceRequest(parsingQuery: request.query)
        else { return false }
        let arrived = service.arrived(announce, path: path, from: exchange.connection.address)
        noted.append((arrived, exchange))
        places.append(arrived.place)
        return true
    }

    func answerNoted() {
        guard !noted.isEmpty else { return }
        service.swarms.lookAhead(to: places)
        for (announce, exchange) in noted {
            body.removeAll(keepingCapacity: true)
            service.answer(announce, into: &body)
            respondWithBody(exchange)
        }
        noted.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
    }

    private func client(of request: HTTPRequest, _ exchange: HTTPExchange) -> IPAddress {
        service.configuration.trustedProxies.client(of: request, on: exchange)
    }

    private func scrape(
        _ request: HTTPRequest, _ path: AnnouncePath, _ exchange: HTTPExchange
    ) {
        body.removeAll(keepingCapacity: true)
        request.withQueryBytes { query in
            service.answerScrape(
                query: query, path: path, from: client(of: request, exchange), into: &body)
        }
        respondWithBody(exchange)
    }

    /// In bencoding and with status 200, refusals too: clients show the reason then.
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
