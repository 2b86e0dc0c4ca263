import Foundation
import Testing
import Wire

/// One of five sharers sends what isn't the file: it is banned, and costs little.
@Suite(.inTurn) struct PoisoningTests {
    /// Each of the poisoner's blocks is wrong, or one in eight.
    @Test(arguments: [1, 8])
    func `a poisoner is banned before two pieces are loaded in vain`(oneIn: Int) async throws {
        let network = try await Network()
        let file = try network.openFile(size: 24 << 20, pieceLength: 1 << 20)
        let bob = try await network.visitor("bob")
        let copy = network.scratch("copy.bin")
        let honest = try (1...4).map {
            try ScriptedSharer(
                of: file.content, id: $0, script: ScriptedSharer.honest(bytesPerSecond: 4 << 20))
        }
        let mallory = try ScriptedSharer(of: file.content, id: 9) { play in
            try play.open()
            var count = 0
            try play.serve { request in
                count += 1
                if count % oneIn != 0 { return play.content.answer(to: request) }
                play.note { $0.misdeeds += 1 }
                return PeerMessage.pieceHeader(for: request)
                    + play.content.block(request).map { ~$0 }
            }
        }
        for sharer in honest + [mallory] { try await network.announce(sharer) }
        try await bob("get \(file.description) \(copy)")
        try await bob("wait book.bin", within: .seconds(90))
        #expect(try await same(copy, file.original))
        let ledger = mallory.ledger
        #expect(ledger.misdeeds > 0 && ledger.drops == ledger.connections && ledger.drops > 0)
        #expect(ledger.connections <= 2, "\(ledger.connections)")
        for sharer in honest { #expect(sharer.ledger.connections == 1) }
        let received = try await bob.shownDownload(of: "book.bin").received
        let inVain = received - file.content.size
        #expect(inVain < 2 * file.content.info.pieceLength, "\(inVain)")
    }
}
