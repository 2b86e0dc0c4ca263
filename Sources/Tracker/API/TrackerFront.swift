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
        guard let resource = request.withPathBytes({ StatusFront.Resource($0) }) else {
            return api.handle(request, exchange)
        }
        guard request.method == .get || request.method == .head else {
            return exchange.respond(APIError.methodNotAllowed(allow: "GET, HEAD").response)
        }
        let client = service.configuration.trustedProxies.client(of: request, on: exchange)
        status.handle(resource, request, from: client, exchange)
    }
}
