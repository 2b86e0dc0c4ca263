import Foundation
import Testing
import Wire

/// A day's worth of peers that come and go, in seconds: nothing of them stays.
@Suite(.inTurn) struct SoakTests {
    /// At which point a peer goes.
    private enum Exit: CaseIterable {
        case beforeHandshake, inHandshake, afterHandshake, afterInterest, betweenBlocks, inBlock
    }

    private static let threads = 6

    /// Calls `visit` with each exit, and whether the connection ends with a reset, on several
    /// threads at once. The number is another one each time, for the peer id.
    private func visits(
        rounds: Range<Int>, _ visit: @escaping @Sendable (Exit, Bool, Int) throws -> Void
    ) async throws {
        try await withThrowingTaskGroup { group in
            for thread in 0..<Self.threads {
                group.addTask {
                    try await onThread {
                        for round in rounds {
                            for (place, exit) in Exit.allCases.enumerated() {
                                let number = (round * Self.threads + thread) * 10 + place
                                try visit(exit, round % 2 == 0, number)
                            }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Visits to warm up, then many more: the footprint doesn't grow from the former to the latter.
    private func soak(
        _ peer: PeerProcess, rounds: Int,
        _ visit: @escaping @Sendable (Exit, Bool, Int) throws -> Void
    ) async throws {
        let before = try peer.footprint()
        try await visits(rounds: 0..<40, visit)
        // The file itself may stay open.
        try await peer.descriptors(fallTo: before.descriptors + 1)
        let warm = try peer.footprint()
        try await visits(rounds: 40..<40 + rounds, visit)
        try await peer.descriptors(fallTo: warm.descriptors)
        let after = try peer.footprint()
        // Some buffers are kept warm. A block of each visit would be ten times as much.
        #expect(after.anonymous <= warm.anonymous + 8 << 20, "\(before) → \(warm) → \(after)")
    }

    /// The connection as far as the exit, up to what the two sides do differently.
    private static func link(
        to port: UInt16, _ infoHash: InfoHash, _ exit: Exit, resets: Bool, number: Int
    ) throws -> Link? {
        let link = try Link(port: port)
        if resets { link.willReset() }
        if exit == .beforeHandshake { return nil }
        let hello = Handshake(infoHash: infoHash, peerID: .scripted(number)).encoded()
        if exit == .inHandshake {
            try link.send(Array(hello.prefix(1 + number % 67)))
            return nil
        }
        try link.send(hello)
        if exit == .afterHandshake { return nil }
        _ = try link.receiveHandshake()
        return link
    }

    @Test func `leechers that come and go by the thousand leave nothing behind`() async throws {
        let network = try await Network()
        let file = try network.openFile(size: 4 << 20, pieceLength: 65_536)
        let alice = try await network.visitor("alice")
        try await alice("share \(file.original) \(file.description)")
        let port = alice.port
        try await soak(alice, rounds: 250) { exit, resets, number in
            let link = try Self.link(
                to: port, file.content.info.infoHash, exit, resets: resets, number: number)
            guard let link else { return }
            try link.send(.interested)
            if exit == .afterInterest { return }
            try link.await { $0 == .unchoke }
            for request in file.content.requests.shuffled().prefix(20) {
                try link.send(.request(request))
            }
            _ = link.hears(within: 10_000)
            if exit == .inBlock { return }
            for _ in 0..<20 {
                while true { if case .block = try link.next() { break } }
            }
        }
        let bob = try await network.visitor("bob")
        try await bob("get \(file.description) \(network.scratch("copy.bin"))")
        try await bob("wait")
        #expect(try await same(network.scratch("copy.bin"), file.original))
    }

    @Test func `sharers that come and go by the thousand leave nothing behind`() async throws {
        let network = try await Network()
        // More than they bring.
        let file = try network.openFile(size: 96 << 20, pieceLength: 1 << 20)
        let bob = try await network.visitor("bob")
        try await bob("get \(file.description) \(network.scratch("copy.bin"))")
        let port = bob.port
        try await soak(bob, rounds: 250) { exit, resets, number in
            let link = try Self.link(
                to: port, file.content.info.infoHash, exit, resets: resets, number: number)
            guard let link else { return }
            try link.send(.bitfield(file.content.fullBitfield))
            if exit == .afterInterest { return try link.await { $0 == .interested } }
            try link.send(.unchoke)
            var answer: [UInt8] = []
            try link.await { message in
                guard case .request(let request) = message else { return false }
                answer = file.content.answer(to: request)
                return true
            }
            try link.send(exit == .inBlock ? Array(answer.prefix(10_000)) : answer)
        }
        #expect(try await bob.shownDownload(of: "book.bin").state == "D")
        let alice = try await network.visitor("alice")
        try await alice("share \(file.original) \(file.description)")
        try await bob("wait")
        #expect(try await same(network.scratch("copy.bin"), file.original))
    }
}
