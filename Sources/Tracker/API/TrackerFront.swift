import TrackerCore
import Wire

/// What isn't an announce: the tracker's own pages, and the API.
struct TrackerFront {
    private let service: TrackerService
    private let status: StatusFront
    private let api: API

    init(service: TrackerService, status: StatusFront) {
        self.service = service
        self.status = status
        api = API(service: service)
    }

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        let isHealth = request.withPathBytes { $0.elementsEqual("/healthz".utf8) }
        let resource = request.withPathBytes { StatusFront.Resource($0) }
        guard isHealth || resource != nil else { return api.handle(request, exchange) }
        guard request.method == .get || request.method == .head else {
            return exchange.respond(APIError.methodNotAllowed(allow: "GET, HEAD").response)
        }
        guard let resource else { return exchange.respond(health) }
        let client = service.configuration.trustedProxies.client(of: request, on: exchange)
        status.handle(resource, request, from: client, exchange)
    }

    /// Of status 200 without a database too: announces are answered, and a tracker that is taken
    /// out of use would not even do that.
    private var health: HTTPResponse {
        let word = service.isDegraded ? "degraded" : "ok"
        return HTTPResponse(
            status: 200, headers: [(name: "Content-Type", value: "text/plain")],
            body: Array("\(word)\n".utf8))
    }
}
