import Testing
import Wire

@testable import PeerCore

/// Peers that say anything at any time: nothing may trap, no count may go wrong.
struct SwarmFuzzTests {
    private static let names = ["a", "b", "c", "x", "y", "z"]

    @Test(arguments: UInt64(0)..<60)
    func `any course of events keeps the invariants`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let pieceLength = [120_000, 40_000, 16_384, 1_500][random.below(4)]
        let pieces = 1 + random.below(12)
        let script = SwarmScript(
            pieces: pieces, pieceLength: pieceLength, have: random.below(4) == 0 ? [0] : [],
            wanted: random.below(3) == 0 ? Array(0..<1 + random.below(pieces)) : nil
        ) {
            $0.maxUnverifiedBytes = 200_000
            $0.uploadSlots = 2
            $0.requestQueueLimit = 10
            $0.pipelineDepth = 1...24
            $0.releasedBytes = 20_000...20_000
            $0.allowedFastCount = 2
        }
        var disk: [DiskJob] = []
        var verified: Set<Int> = []
        for step in 0..<400 {
            let lines = event(script, &random, &disk)
            for line in lines {
                let words = line.split(separator: " ")
                switch words[0] {
                case "verify": disk.append(.verify(Int(words[1])!))
                case "fingerprint": disk.append(.fingerprint(Int(words[1])!))
                case "piece": verified.insert(Int(words[1])!)
                case "store":
                    let piece = Int(words[1].split(separator: "@")[0])!
                    #expect(!verified.contains(piece))
                default: break
                }
            }
            let broken = script.brokenInvariants()
            #expect(broken == [], "seed \(seed), step \(step), after \(lines)")
            if !broken.isEmpty { return }
        }
    }

    private enum DiskJob {
        case verify(Int)
        case fingerprint(Int)
    }

    private func event(
        _ script: SwarmScript, _ random: inout SeededRandom, _ disk: inout [DiskJob]
    ) -> [String] {
        let name = Self.names[random.below(Self.names.count)]
        let isConnected = script.swarm.connections.entries.contains {
            $0?.isActive == true && $0?.record.peerID == SwarmScript.peerID(name)
        }
        guard isConnected else {
            let pieces = (0..<script.geometry.pieceCount).filter { _ in random.below(3) > 0 }
            return script.join(
                name, pieces: pieces, extensions: random.below(2) == 0,
                fast: random.below(2) == 0)
        }
        switch random.below(25) {
        case 0: return script.tell(.closed(script.id(name)))
        case 1: return script.tell(.drained(script.id(name)))
        case 2: return script.advance(.milliseconds(random.below(20_000)))
        case 3: return script.advance(.milliseconds(random.below(300)))
        case 4..<7:
            guard !disk.isEmpty else { return [] }
            switch disk.remove(at: random.below(disk.count)) {
            case .verify(let piece):
                return script.tell(.verified(piece: piece, ok: random.below(4) > 0))
            case .fingerprint(let piece):
                let count = script.geometry.blockCount(ofPiece: piece)
                let fingerprints = (0..<count).map { _ in UInt64(random.below(2)) }
                return script.tell(.fingerprinted(piece: piece, fingerprints))
            }
        case 7..<16: return sendAsked(script, name, &random)
        case 24: return script.tell(.setSequential(random.below(2) == 0))
        case 16:
            return random.below(10) == 0 ? script.tell(.stop) + script.tell(.start) : []
        default: return script.sendBytes(name, message(script, &random))
        }
    }

    /// What was asked for, or one block of it, or a part; or a rejection of it.
    private func sendAsked(
        _ script: SwarmScript, _ name: String, _ random: inout SeededRandom
    ) -> [String] {
        guard let peer = script.swarm.connections[script.id(name)], peer.pipeline.count > 0 else {
            return script.say(name, .unchoke)
        }
        let run = peer.pipeline[random.below(peer.pipeline.count)].run
        switch random.below(8) {
        case 0: return script.sendBlock(name, run.piece, run.blocks.randomElement(using: &random)!)
        case 1: return script.say(name, .reject(script.geometry.request(for: run)))
        case 2:
            let bytes = script.bytes(of: run)
            return script.sendBytes(name, Array(bytes.prefix(13 + random.below(bytes.count - 13))))
        default: return script.sendBytes(name, script.bytes(of: run))
        }
    }

    private func message(_ script: SwarmScript, _ random: inout SeededRandom) -> [UInt8] {
        let piece = UInt32(random.below(script.geometry.pieceCount))
        let block = random.below(script.geometry.blockCount(ofPiece: Int(piece)))
        let request = script.geometry.request(for: BlockRun(piece: Int(piece), block: block))
        switch random.below(17) {
        case 0: return PeerMessage.choke.encoded()
        case 1..<4: return PeerMessage.unchoke.encoded()
        case 4: return PeerMessage.interested.encoded()
        case 5: return PeerMessage.notInterested.encoded()
        case 6: return PeerMessage.have(piece).encoded()
        case 7: return PeerMessage.request(request).encoded()
        case 8: return PeerMessage.cancel(request).encoded()
        case 9: return script.blockBytes(Int(piece), block)
        case 10:
            // Half a block; what follows is taken for the rest.
            let bytes = script.blockBytes(Int(piece), block)
            return [UInt8](bytes.prefix(13 + random.below(bytes.count - 13)))
        case 11: return PeerMessage.reject(request).encoded()
        case 12: return PeerMessage.allowedFast(piece).encoded()
        case 13: return PeerMessage.haveAll.encoded()
        case 14: return PeerMessage.haveNone.encoded()
        case 15: return PeerMessage.suggest(piece).encoded()
        default:
            let extensions = ExtensionHandshake(
                requestQueueLength: 1 + random.below(20), listenPort: 6881,
                isUploadOnly: random.below(4) == 0, maxBlockLength: 1 + random.below(100_000))
            return PeerMessage.extended(id: 0, payload: extensions.encoded()).encoded()
        }
    }
}
