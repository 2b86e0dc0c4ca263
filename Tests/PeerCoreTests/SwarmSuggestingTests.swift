import Testing
import Wire

@testable import PeerCore

/// A seeder with the only copy says what it would like to be asked for (BEP 6).
struct SwarmSuggestingTests {
    private func seeder() -> SwarmScript {
        SwarmScript(pieces: 100, pieceLength: 128 << 10, have: Array(0..<100))
    }

    private func suggested(_ lines: [String], _ name: String) -> [UInt32] {
        lines.compactMap { line in
            let prefix = "\(name) < suggest("
            return line.hasPrefix(prefix) ? UInt32(line.dropFirst(prefix.count).dropLast()) : nil
        }
    }

    private func join(_ name: String, _ script: SwarmScript) -> [UInt32] {
        script.join(name, fast: true)
        return suggested(script.say(name, .haveNone, .interested), name)
    }

    @Test func `two peers are told of different pieces, one alone of none`() {
        let script = seeder()
        #expect(join("a", script) == [])
        let second = join("b", script)
        let third = join("c", script)
        #expect(second.count == 2 && third.count == 2)
        #expect(Set(second).isDisjoint(with: third))
    }

    @Test func `who asks for a suggested piece is told of a further one`() {
        let script = seeder()
        _ = join("a", script)
        let first = join("b", script)
        let request = BlockRequest(piece: first[0], begin: 0, length: 1 << 14)
        let further = suggested(script.say("b", .request(request)), "b")
        #expect(further.count == 1 && !first.contains(further[0]))
        #expect(suggested(script.say("b", .have(first[1])), "b").count == 1)
    }

    @Test func `nothing is suggested once others have all pieces`() {
        let script = seeder()
        script.join("s", pieces: Array(0..<100), fast: true)
        #expect(join("a", script) == [])
        #expect(join("b", script) == [])
    }

    @Test func `pieces that nobody else has are not allowed to everyone alike`() {
        let script = SwarmScript(pieces: 100, have: Array(0..<100)) {
            $0.allowedFastCount = 3
            $0.uploadSlots = 1
        }
        _ = join("a", script)
        script.join("b", fast: true)
        #expect(script.say("b", .haveNone).about("b < allowed") == [])
    }

    @Test func `a piece that is suggested and nobody else has comes before a started one`() {
        let script = SwarmScript(pieces: 4, pieceLength: 64 << 10) { $0.pipelineDepth = 1...1 }
        script.join("a", fast: true)
        _ = script.say("a", .haveAll)
        #expect(script.say("a", .unchoke).about("a < request").count == 1)
        script.join("b", fast: true)
        _ = script.say("b", .haveAll, .suggest(3), .suggest(2))
        let started = script.swarm.picker.active.pieces.first { $0.phase == .collecting }!.index
        let lines = script.say("b", .unchoke)
        let wanted = started == 3 ? 2 : 3
        #expect(lines == ["b < request \(wanted)@0+16384"])
    }

    @Test func `suggestions that were taken up make room for others`() {
        let script = SwarmScript(pieces: 4, pieceLength: 16 << 10) { $0.maxSuggested = 2 }
        script.join("a", fast: true)
        _ = script.say("a", .haveAll, .suggest(0), .suggest(1))
        #expect(script.swarm.connections[script.id("a")]!.suggested == [0, 1])
        #expect(script.say("a", .unchoke).count == 4)
        _ = script.say("a", .suggest(2))
        #expect(script.swarm.connections[script.id("a")]!.suggested == [2])
    }

    private func request(_ piece: UInt32, _ block: UInt32 = 0) -> PeerMessage {
        .request(BlockRequest(piece: piece, begin: block << 14, length: 1 << 14))
    }

    /// A seeder with two slots, which a and b hold; b is getting a piece. While c is there, it waits.
    private func scarce(
        isWanted: Bool = true, isFast: Bool = true
    ) -> (script: SwarmScript, taken: UInt32) {
        let script = SwarmScript(
            pieces: 100, pieceLength: 128 << 10, have: Array(0..<100)
        ) { $0.uploadSlots = 2 }
        script.join("a", fast: isFast)
        _ = isFast ? script.say("a", .haveNone, .interested) : script.say("a", .interested)
        let piece = join("b", script)[0]
        _ = script.say("b", request(piece))
        if isWanted { _ = join("c", script) }
        return (script, piece)
    }

    @Test func `while others wait, a piece that one peer is getting isn't given to another`() {
        let (script, taken) = scarce()
        #expect(script.say("a", request(taken)).contains("a < reject \(taken)@0+16384"))
        #expect(script.say("b", request(taken, 1)).contains("b < block \(taken)@16384+16384"))
        let other = taken == 50 ? 51 : 50 as UInt32
        #expect(script.say("a", request(other)).contains("a < block \(other)@0+16384"))
    }

    @Test func `a piece that others have isn't given while nobody has another one`() {
        let (script, taken) = scarce()
        script.join("s", pieces: Array(0..<99), fast: true)
        #expect(taken != 99)
        #expect(script.say("a", request(5)) == ["a < reject 5@0+16384", "a < suggest(99)"])
        #expect(script.say("a", request(99)) == ["a < block 99@0+16384"])
        // Now nothing is left that could go out instead.
        #expect(script.say("a", request(5)) == ["a < block 5@0+16384"])
    }

    @Test func `where nobody waits, everyone gets what it asks for`() {
        let (script, taken) = scarce(isWanted: false)
        #expect(script.say("a", request(taken)).contains("a < block \(taken)@0+16384"))
    }

    @Test func `who can't be told that a request is refused gets what it asks for`() {
        let (script, taken) = scarce(isFast: false)
        #expect(script.say("a", request(taken)).contains("a < block \(taken)@0+16384"))
    }

    @Test func `who goes on asking for what others have gets it in the end`() {
        let (script, _) = scarce()
        script.join("s", pieces: Array(0..<20), fast: true)
        let answers = (0..<9).map { script.say("a", request($0)) }
        #expect((0..<8).allSatisfy { answers[$0].contains("a < reject \($0)@0+16384") })
        #expect(answers[8].contains("a < block 8@0+16384"))
    }
}
