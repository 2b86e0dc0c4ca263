import Foundation
import Testing
import Wire

/// Sharers that do what no peer should: the download ends well all the same, and liars are dropped.
@Suite(.inTurn) struct HostileSharerTests {
    /// What a sharer does, beside the honest one, who is halted until it is done.
    struct Misdeed: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// It can't be a mistake: the connection has to be closed.
        var isDropped = false
        let script: ScriptedSharer.Script

        init(
            _ name: String, isDropped: Bool = false, script: @escaping ScriptedSharer.Script
        ) {
            (testDescription, self.isDropped, self.script) = (name, isDropped, script)
        }
    }

    private static let slow: [Misdeed] = [
        Misdeed("stalls after five blocks") { play in
            try play.open()
            var left = 5
            try play.serve { request in
                left -= 1
                if left >= 0 { return play.answer(to: request) }
                play.note { $0.misdeeds += 1 }
                return []
            }
        },
        Misdeed("says that it has everything, piece by piece, and sends nothing") { play in
            try play.open(bitfield: play.content.bitfield { _ in false })
            for piece in 0..<play.content.info.pieceCount {
                try play.link.send(.have(UInt32(piece)))
            }
            try play.serve { _ in
                play.note { $0.misdeeds += 1 }
                return []
            }
        },
        Misdeed("closes in the middle of a block") { play in
            try play.open()
            try play.serve { request in
                play.note { $0.misdeeds += 1 }
                let answer = play.content.answer(to: request)
                try play.link.send(Array(answer[..<(answer.count / 2)]))
                throw LinkEnded()
            }
        },
        Misdeed("sends a byte a second") { play in
            try play.open()
            var pending: [UInt8] = []
            try play.link.send(.unchoke)
            try play.link.await { message in
                guard case .request(let request) = message else { return false }
                pending = play.content.answer(to: request)
                return true
            }
            for byte in pending {
                try play.link.send([byte])
                play.note { $0.misdeeds += 1 }
                while play.link.hears(within: 1000) { _ = try play.link.next() }
            }
        },
        Misdeed("chokes and unchokes all the time, and sends nothing") { play in
            try play.open()
            try play.serve { _ in
                play.note { $0.misdeeds += 1 }
                return PeerMessage.choke.encoded() + PeerMessage.unchoke.encoded()
            }
        },
    ]

    private static let lies: [Misdeed] = [
        Misdeed("sends random bytes after the handshake", isDropped: true) { play in
            try play.open()
            play.note { $0.misdeeds += 1 }
            try play.link.send(TestBytes.make(count: 100_000, seed: 7))
            play.link.outlast()
            throw LinkEnded()
        },
        Misdeed("sends what wasn't asked for, without an end", isDropped: true) { play in
            try play.open()
            play.note { $0.misdeeds += 1 }
            while true {
                for request in play.content.requests {
                    try play.link.send(play.content.answer(to: request))
                }
            }
        },
        Misdeed("shakes hands for another torrent", isDropped: true) { play in
            _ = try play.link.receiveHandshake()
            play.note { $0.misdeeds += 1 }
            let other = InfoHash(SHA1Hasher.hash(Array("another".utf8)))
            try play.link.send(Handshake(infoHash: other, peerID: play.peerID).encoded())
            try play.link.send(.bitfield(play.content.fullBitfield))
            play.link.outlast()
            throw LinkEnded()
        },
        Misdeed("announces a message of 4 GiB", isDropped: true) { play in
            try play.open()
            play.note { $0.misdeeds += 1 }
            try play.link.send([0xff, 0xff, 0xff, 0xff, 7])
            play.link.outlast()
            throw LinkEnded()
        },
        Misdeed("announces a block of 1 GiB", isDropped: true) { play in
            try play.open()
            play.note { $0.misdeeds += 1 }
            try play.link.send([0x40, 0, 0, 9, 7] + [UInt8](repeating: 0, count: 8))
            play.link.outlast()
            throw LinkEnded()
        },
        Misdeed("sets spare bits of its bitfield", isDropped: true) { play in
            play.note { $0.misdeeds += 1 }
            let bits = [UInt8](repeating: 0xff, count: play.content.fullBitfield.count)
            try play.open(bitfield: bits)
            play.link.outlast()
            throw LinkEnded()
        },
        Misdeed("sends a bitfield that is too short", isDropped: true) { play in
            play.note { $0.misdeeds += 1 }
            try play.open(bitfield: Array(play.content.fullBitfield.dropLast()))
            play.link.outlast()
            throw LinkEnded()
        },
        Misdeed("has a piece behind the last one", isDropped: true) { play in
            try play.open()
            play.note { $0.misdeeds += 1 }
            try play.link.send(.have(UInt32(play.content.info.pieceCount)))
            play.link.outlast()
            throw LinkEnded()
        },
        Misdeed("answers each request with wrong bytes", isDropped: true) { play in
            try play.open()
            try play.serve { request in
                play.note { $0.misdeeds += 1 }
                let wrong = [UInt8](repeating: 0xee, count: Int(request.length))
                return PeerMessage.pieceHeader(for: request) + wrong
            }
        },
    ]

    @Test(arguments: slow + lies)
    func `a download ends well beside a sharer that`(misdeed: Misdeed) async throws {
        let network = try await Network()
        // Spare bits: 257 pieces, the last of them short.
        let file = try network.openFile(size: (8 << 20) + 1, pieceLength: 32_768)
        let alice = try await network.visitor("alice")
        let bob = try await network.visitor("bob")
        let copy = network.scratch("copy.bin")
        try await alice("share \(file.original) \(file.description)")
        let mallory = try ScriptedSharer(of: file.content, id: 1, script: misdeed.script)
        try await network.announce(mallory)
        let before = try bob.footprint()
        let brake = try await Brake(alice)
        try await bob("get \(file.description) \(copy)")
        try await eventually("the misdeed", context: bob.process.transcript) {
            mallory.ledger.misdeeds > 0
        }
        if misdeed.isDropped {
            try await eventually("the end of its connection", context: bob.process.transcript) {
                mallory.ledger.drops > 0
            }
            #expect(try await bob.shownDownload(of: "book.bin").verified == 0)
        }
        try await brake.off()
        try await bob("wait book.bin", within: .seconds(90))
        #expect(try await same(copy, file.original))
        let download = try await bob.shownDownload(of: "book.bin")
        #expect(download.isComplete)
        #expect(download.sources[alice.address] ?? 0 > 8 << 20 - 5 * 16_384, "\(download)")
        // What came twice is little.
        let received = download.received
        #expect(received <= file.content.size + (1 << 20), "\(download.sources)")
        // It isn't called again and again.
        #expect(mallory.ledger.connections <= 8, "\(mallory.ledger.connections)")
        let after = try bob.footprint()
        #expect(after.anonymous <= before.anonymous + 48 << 20, "\(before) → \(after)")
    }
}
