import Wire

/// A whole answer to one request.
struct TrackerReply {
    let status: Int
    let body: [UInt8]
}

/// One request on its way through the client: what to send, and whom to tell.
final class TrackerExchange {
    let method: HTTPMethod
    /// Path and query, percent-encoded.
    let target: String
    let body: [UInt8]?
    /// How long one tracker may take, connecting included.
    let timeout: Duration
    /// Whether asking another tracker the same can do no harm, even where this one has heard it
    /// and may do it much later.
    let isIdempotent: Bool
    let completion: (Result<TrackerReply, TrackerError>) -> Void
    /// Trackers that couldn't be reached for it so far.
    var failedTrackers = 0
    /// A kept-alive connection turned out to be closed; once is nobody's fault.
    var wasRetried = false

    init(
        _ method: HTTPMethod, target: String, body: [UInt8]?, timeout: Duration,
        isIdempotent: Bool = true,
        completion: @escaping (Result<TrackerReply, TrackerError>) -> Void
    ) {
        self.method = method
        self.target = target
        self.body = body
        self.timeout = timeout
        self.isIdempotent = isIdempotent
        self.completion = completion
    }
}
