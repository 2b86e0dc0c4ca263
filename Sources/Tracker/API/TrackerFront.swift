import TrackerCore
import Wire

/// Sorts what comes over HTTP: announces and scrapes by their bytes, the rest by its path.
final class TrackerFront: HTTPHandler {
    private let api: API

    init(service: TrackerService) {
        api = API(service: service)
    }

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        api.handle(request, exchange)
    }

    func response(to error: HTTPError) -> HTTPResponse { APIError(error).response }

    func responseToSlowRequest() -> HTTPResponse { APIError.slowRequest.response }
}
