import Glibc

/// A peer that is let run for a moment at a time, so that what it does for others can be caught in
/// the middle.
struct Brake {
    private let peer: PeerProcess

    /// Halts the peer. While it runs it sends slowly: on a busy machine a moment may be long.
    init(_ peer: PeerProcess) async throws {
        self.peer = peer
        try await peer("limit up 16M")
        peer.process.signal(SIGSTOP)
    }

    /// Lets it run on, as fast as it can.
    func off() async throws {
        peer.process.signal(SIGCONT)
        try await peer("limit up off")
    }

    /// Lets it run for moments until the condition holds; it is halted then.
    func release(
        until what: String, within limit: Duration = .seconds(60),
        _ condition: () async throws -> Bool
    ) async throws {
        try await eventually(
            what, within: limit, longestPause: .milliseconds(1), context: peer.process.transcript
        ) {
            if try await condition() { return true }
            peer.process.signal(SIGCONT)
            // As long as it takes to start a small program: about a millisecond.
            _ = try await run("true", [])
            peer.process.signal(SIGSTOP)
            return false
        }
    }
}
