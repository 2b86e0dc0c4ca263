import Foundation
import Testing
import Wire

/// What peers may do amiss with the fast extension (BEP 6), the extension protocol (BEP 10) and
/// blocks longer than 16 KiB: nobody else suffers.
@Suite(.inTurn) struct HostileExtensionTests {
    typealias Play = ScriptedSharer.Play

    /// A sharer of both extensions, who says `hello` in the extension handshake.
    struct Misdeed: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var hello = ExtensionHandshake(requestQueueLength: 100)
        /// After the handshakes.
        var opening: @Sendable (Play) throws -> Void = { try $0.link.send(.haveAll) }
        /// For each request.
        let reply: @Sendable (Play, BlockRequest) throws -> [UInt8]
    }

    private static let long = ExtensionHandshake(requestQueueLength: 100, maxBlockLength: 1 << 20)

    /// The header of a block, and bytes as it promises.
    private static func wrong(_ request: BlockRequest) -> [UInt8] {
        PeerMessage.pieceHeader(for: request)
            + [UInt8](repeating: 0xbb, count: Int(request.length))
    }

    private static let misdeeds: [Misdeed] = [
        Misdeed(testDescription: "rejects every request") { _, request in
            PeerMessage.reject(request).encoded()
        },
        Misdeed(testDescription: "rejects every request, and chokes and unchokes") { _, request in
            PeerMessage.reject(request).encoded() + PeerMessage.choke.encoded()
                + PeerMessage.unchoke.encoded()
        },
        Misdeed(
            testDescription: "rejects what wasn't asked for",
            opening: { play in
                try play.link.send(.haveAll)
                for request in play.content.requests { try play.link.send(.reject(request)) }
            }, reply: { _, _ in [] }),
        Misdeed(
            testDescription: "has all, has none, has some, and has all again",
            opening: { play in
                try play.link.send(.haveAll)
                try play.link.send(.haveNone)
                try play.link.send(.bitfield(play.content.bitfield { $0 % 2 == 0 }))
                try play.link.send(.haveAll)
            }, reply: { _, _ in [] }),
        Misdeed(
            testDescription: "suggests and allows pieces that aren't there",
            opening: { play in
                try play.link.send(.haveAll)
                for piece in [UInt32(play.content.info.pieceCount), .max] {
                    try play.link.send(.suggest(piece))
                    try play.link.send(.allowedFast(piece))
                }
            }, reply: { _, _ in [] }),
        Misdeed(
            testDescription: "allows all pieces while it chokes, and sends none",
            opening: { play in
                try play.link.send(.haveAll)
                for piece in 0..<play.content.info.pieceCount {
                    try play.link.send(.allowedFast(UInt32(piece)))
                }
            }, reply: { _, _ in PeerMessage.choke.encoded() }),
        Misdeed(
            testDescription: "takes one request at a time, and answers none",
            hello: ExtensionHandshake(requestQueueLength: 1)
        ) { _, _ in [] },
        Misdeed(
            testDescription: "takes blocks of 4 GiB",
            hello: ExtensionHandshake(
                requestQueueLength: 1 << 40, listenPort: 1, maxBlockLength: 0xffff_ffff)
        ) { _, _ in [] },
        Misdeed(testDescription: "answers long requests by halves", hello: long) { play, request in
            var half = request
            half.length = max(1, request.length / 2)
            return play.content.answer(to: half)
        },
        Misdeed(
            testDescription: "answers with another piece of the same length", hello: long
        ) { play, request in
            var other = request
            other.piece = (request.piece + 1) % UInt32(play.content.info.pieceCount - 1)
            return play.content.answer(to: other)
        },
        Misdeed(
            testDescription: "ends a long block in the middle of one of 16 KiB", hello: long
        ) { play, request in
            try play.link.send(
                Array(play.content.answer(to: request).dropLast(1000)))
            throw LinkEnded()
        },
        Misdeed(testDescription: "has wrong bytes in long blocks", hello: long) { _, request in
            wrong(request)
        },
    ]

    @Test(arguments: misdeeds)
    func `a download ends well beside a sharer that`(misdeed: Misdeed) async throws {
        let network = try await Network()
        let file = try network.openFile(size: (8 << 20) + 1, pieceLength: 131_072)
        let alice = try await network.visitor("alice")
        let bob = try await network.visitor("bob")
        let copy = network.scratch("copy.bin")
        try await alice("share \(file.original) \(file.description)")
        let mallory = try ScriptedSharer(of: file.content, id: 1) { play in
            try play.openExtended(misdeed.hello)
            play.note { $0.misdeeds += 1 }
            try misdeed.opening(play)
            try play.serve {
                play.note { $0.misdeeds += 1 }
                return try misdeed.reply(play, $0)
            }
        }
        try await network.announce(mallory)
        let before = try bob.footprint()
        let brake = try await Brake(alice)
        try await bob("get \(file.description) \(copy)")
        // It gets enough requests to do its worst, or is dropped before.
        try await eventually("the misdeed", context: bob.process.transcript) {
            mallory.ledger.misdeeds > 1 || mallory.ledger.drops > 0
        }
        try await brake.off()
        try await bob("wait book.bin", within: .seconds(90))
        #expect(try await same(copy, file.original))
        let download = try await bob.shownDownload(of: "book.bin")
        #expect(download.received <= file.content.size + 4 << 20, "\(download.sources)")
        // Neither asked nor called again and again.
        let ledger = mallory.ledger
        #expect(ledger.connections <= 8, "\(ledger.connections)")
        #expect(ledger.misdeeds <= 20 * file.content.requests.count, "\(ledger.misdeeds)")
        let after = try bob.footprint()
        #expect(after.anonymous <= before.anonymous + 48 << 20, "\(before) → \(after)")
    }
}
