import Testing
import Wire

@testable import PeerCore

/// Requests that are cancelled, answered all the same, and made again meanwhile.
struct SwarmWithdrawingTests {
    private func block(_ index: UInt32) -> BlockRequest {
        BlockRequest(piece: 3, begin: index << 14, length: 1 << 14)
    }

    /// Peer a was asked for both blocks of the last piece and sent one; b sent the other, which was
    /// cancelled at a, which had sent so many bytes of it. The piece was wrong, and a is asked for
    /// all of it again.
    private func askedAgain(afterBytes count: Int = 0) -> SwarmScript {
        let script = SwarmScript(have: [0, 1, 2])
        script.join("a", pieces: [3], fast: true)
        #expect(script.say("a", .unchoke).about("a < request").count == 2)
        script.join("b", pieces: [3], fast: true)
        _ = script.say("b", .unchoke)
        #expect(script.advance(.seconds(3)).contains("b < request 3@16384+16384"))
        #expect(script.sendBlock("b", 3, 1).about("a <") == ["a < cancel 3@16384+16384"])
        #expect(script.sendBlock("a", 3, 0).contains("verify 3"))
        _ = script.sendBytes("a", [UInt8](script.blockBytes(3, 1).prefix(count)))
        #expect(script.tell(.verified(piece: 3, ok: false)) == ["fingerprint 3"])
        let again = script.tell(.fingerprinted(piece: 3, [1, 2]))
        #expect(again == ["a < request 3@0+16384", "a < request 3@16384+16384"])
        return script
    }

    @Test func `the rejection of a cancelled request isn't that of the same one made again`() {
        let script = askedAgain()
        #expect(script.say("a", .reject(block(1))) == [])
        #expect(script.sendBlock("a", 3, 0) == ["store 3@0+16384"])
        #expect(script.sendBlock("a", 3, 1) == ["store 3@16384+16384", "verify 3"])
        #expect(script.brokenInvariants() == [])
    }

    @Test func `the rejection of the one made again is taken for what it is`() {
        let script = askedAgain()
        #expect(script.say("a", .reject(block(1))) == [])
        let lines = script.say("a", .choke, .reject(block(0)), .reject(block(1)))
        #expect(lines.about("b < request").count == 2)
        #expect(script.brokenInvariants() == [])
    }

    @Test func `the answer to a cancelled request makes the same one superfluous`() {
        let script = askedAgain()
        let lines = script.sendBlock("a", 3, 1)
        #expect(lines == ["a < cancel 3@16384+16384", "store 3@16384+16384"])
        #expect(script.say("a", .reject(block(1))) == [])
        #expect(script.sendBlock("a", 3, 0) == ["store 3@0+16384", "verify 3"])
        #expect(script.brokenInvariants() == [])
    }

    @Test func `a cancelled block that is arriving answers no request made meanwhile`() {
        let script = askedAgain(afterBytes: 5_000)
        let rest = [UInt8](script.blockBytes(3, 1).dropFirst(5_000))
        #expect(script.sendBytes("a", rest) == [])
        #expect(script.sendBlock("a", 3, 0) == ["store 3@0+16384"])
        #expect(script.sendBlock("a", 3, 1) == ["store 3@16384+16384", "verify 3"])
        #expect(script.brokenInvariants() == [])
    }

    @Test func `what a silent peer was asked for is cancelled before it is asked again`() {
        let script = SwarmScript(have: [0, 1, 2])
        script.join("a", pieces: [3], fast: true)
        _ = script.say("a", .unchoke)
        #expect(script.advance(.seconds(30)).about("a < cancel") == [])
        let lines = script.advance(.seconds(45)).about("a <")
        #expect(
            lines == [
                "a < cancel 3@0+16384", "a < cancel 3@16384+16384", "a < request 3@0+16384",
            ])
    }

    @Test func `a cancelled request is still withdrawn while the peer chokes`() {
        let script = SwarmScript(have: [0, 1, 2])
        script.join("a", pieces: [3], fast: true)
        script.join("b", pieces: [3], fast: true)
        _ = script.say("a", .unchoke)
        _ = script.say("b", .unchoke)
        _ = script.advance(.seconds(3))
        _ = script.say("a", .choke)
        #expect(script.sendBlock("b", 3, 1).about("a <") == ["a < cancel 3@16384+16384"])
    }

    @Test func `withdrawn requests are forgotten with time, and bounded`() {
        var withdrawn = WithdrawnRequests()
        for index in 0..<600 {
            withdrawn.append(block(UInt32(index)), at: Instant(nanoseconds: Int64(index)))
        }
        #expect(withdrawn.count == 512)
        withdrawn.forget(before: Instant(nanoseconds: 598))
        #expect(withdrawn.count == 2)
        let answers = [597, 598, 598].map { withdrawn.answered(block($0)) }
        #expect(answers == [false, true, false])
    }
}
