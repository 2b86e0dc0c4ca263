import Wire

/// Requests that were cancelled and that their peer answers all the same, by a block or by a
/// rejection (BEP 6). What comes first for one that was made again meanwhile is the answer to the
/// cancelled one.
struct WithdrawnRequests {
    private struct Entry {
        let request: BlockRequest
        let withdrawnAt: Instant
    }

    /// More than are asked of a peer at a time in the usual case.
    static let limit = 512

    private var entries: [Entry] = []

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    mutating func append(_ request: BlockRequest, at now: Instant) {
        if entries.count == Self.limit { entries.removeFirst() }
        entries.append(Entry(request: request, withdrawnAt: now))
    }

    /// The peer has answered a request. Returns whether it is one of these, which then goes.
    mutating func answered(_ request: BlockRequest) -> Bool {
        guard let index = entries.firstIndex(where: { $0.request == request }) else { return false }
        entries.remove(at: index)
        return true
    }

    /// Some never answer what was cancelled: forgets what is older than that.
    mutating func forget(before instant: Instant) {
        entries.removeAll { $0.withdrawnAt < instant }
    }
}
