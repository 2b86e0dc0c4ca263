import Foundation
import Testing
import Wire

/// A sealed group of Alice, who shares a file, Bob, who may download it, and Mallory, a member in
/// whose name a test does what no peer should.
struct SealedStage {
    let network: Network
    let alice: PeerProcess
    let bob: PeerProcess
    let mallory: PeerProcess
    let original: String
    let ticket: Ticket
    /// Mallory's certificate and key.
    let pem: String

    init(size: Int = 3_000_000) async throws {
        network = try await Network()
        alice = try await network.member("alice")
        bob = try await network.member("bob")
        mallory = try await network.member("mallory")
        try await alice("create_group readers sealed")
        for (user, peer) in ["bob": bob, "mallory": mallory] {
            try await peer("join_group readers")
            try await alice("accept_request readers \(user)")
        }
        original = try network.scratch.file("originals/book.bin", size: size, seed: 1)
        try await alice("upload_file \(original) readers")
        let torrent = network.scratch("mallory.torrent")
        try await mallory("export readers book.bin \(torrent)")
        (ticket, pem) = (try Ticket(torrent), torrent + ".pem")
    }

    var infoHash: InfoHash { ticket.info.infoHash }

    func leecher(_ number: Int) throws -> SealedLink {
        try .leecher(port: alice.port, infoHash, pem: pem, id: number)
    }

    /// Bob is served, whatever the others do.
    func bobIsServed() async throws {
        let copy = network.scratch("copy.bin")
        try await bob.download("book.bin", of: "readers", to: copy)
        #expect(try await same(copy, original))
    }
}
