/// Directories that are shared with a group.
extension Network {
    struct Album {
        let alice: PeerProcess
        let bob: PeerProcess
        let original: String
    }

    /// Alice shares a directory `album` with the group `readers`, in which Bob is.
    func album(
        _ files: KeyValuePairs<String, Int>, sharerOptions: [String] = []
    ) async throws -> Album {
        let alice = try await member("alice", options: sharerOptions)
        let bob = try await member("bob")
        try await found("readers", owner: alice, members: ["bob": bob])
        let original = try scratch.tree("originals/album", files)
        try await alice("upload_file \(original) readers")
        return Album(alice: alice, bob: bob, original: original)
    }

    /// One more member of `readers`.
    func admitted(_ user: String, by owner: PeerProcess) async throws -> PeerProcess {
        let peer = try await member(user)
        try await peer("join_group readers")
        try await owner("accept_request readers \(user)")
        return peer
    }
}
