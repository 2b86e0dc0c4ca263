import Testing
import Wire

@testable import TrackerCore

@Suite struct PresenceTests {
    private let here = tracker(1)
    private let there = tracker(2)

    private static func tracker(_ seed: UInt64) -> TrackerInstance {
        var generator = SmallGenerator(seed: seed)
        return TrackerInstance(random: &generator)
    }

    private func session(_ number: UInt8) throws -> SessionID {
        try #require(SessionID([UInt8](repeating: number, count: 32)))
    }

    @Test func `a user is online as long as one session is`() throws {
        var presence = Presence()
        let (one, two) = (try session(1), try session(2))
        #expect(presence.begin(one, user: 7, port: 100, at: here) == true)
        #expect(presence.begin(two, user: 7, port: 200, at: here) == false)
        #expect(presence.begin(two, user: 7, port: 200, at: here) == false)
        #expect(presence.sessions(of: 7) == [one, two])
        let first = presence.end(one)
        #expect(first?.session.port == 100 && first?.isLast == false)
        #expect(presence.isOnline(7))
        #expect(presence.end(two)?.isLast == true)
        #expect(!presence.isOnline(7))
        #expect(presence.end(two) == nil)
    }

    @Test func `pieces are counted, and stay known when the user goes offline`() throws {
        var presence = Presence()
        let one = try session(1)
        _ = presence.begin(one, user: 7, port: 100, at: here)
        try presence.report(hash("f"), by: 7, bitfield: [0b1010_0000, 0x80], pieceCount: 9)
        _ = presence.end(one)
        #expect(presence.pieces(hash("f"), heldBy: 7, of: 9) == 3)
        #expect(presence.pieces(hash("f"), heldBy: 8, of: 9) == nil)
        try presence.report(hash("f"), by: 7, bitfield: [0xff, 0x80], pieceCount: 9)
        #expect(presence.pieces(hash("f"), heldBy: 7, of: 9) == 9)
        #expect(presence.holders(of: hash("f")) == [7])
        presence.forget(hash("f"), by: 7)
        #expect(presence.holders(of: hash("f")).isEmpty)
    }

    @Test func `a session that moves to another tracker stays online`() throws {
        var presence = Presence()
        let one = try session(1)
        #expect(presence.begin(one, user: 7, port: 100, at: here) == true)
        #expect(presence.begin(one, user: 7, port: 100, at: there) == false)
        #expect(presence.end(one, at: here) == nil)
        #expect(presence.end(one, at: here) == nil)
        #expect(presence.isOnline(7) && presence.sessions(of: 7) == [one])
        #expect(presence.end(one, at: there)?.isLast == true)
        #expect(!presence.isOnline(7))
    }

    @Test func `a tracker that is gone takes along who was online there alone`() throws {
        var presence = Presence()
        let (one, two, three) = (try session(1), try session(2), try session(3))
        _ = presence.begin(two, user: 8, port: 200, at: there)
        _ = presence.begin(one, user: 7, port: 100, at: there)
        _ = presence.begin(three, user: 9, port: 300, at: there)
        _ = presence.begin(three, user: 9, port: 300, at: here)
        let ended = presence.endAll(at: there)
        #expect(ended.map(\.session.user) == [7, 8])
        #expect(ended.allSatisfy { $0.isLast })
        #expect(presence.onlineSessions == [three])
        #expect(presence.endAll(at: there) == [])
    }

    @Test func `what is known of a user's pieces is told as it was reported`() throws {
        var presence = Presence()
        try presence.report(hash("a"), by: 7, bitfield: [0xff, 0x80], pieceCount: 9)
        try presence.report(hash("b"), by: 7, bitfield: [0x40], pieceCount: 8)
        try presence.report(hash("b"), by: 8, bitfield: [0x80], pieceCount: 8)
        #expect(
            Set(presence.records(of: 7)) == [
                .holdsAll(hash("a"), user: 7), .holds(hash("b"), user: 7, bitfield: [0x40]),
            ])
        presence.forget(hash("a"))
        presence.forget(hash("b"), by: 7)
        #expect(presence.records(of: 7).isEmpty)
    }

    @Test func `a file without pieces is held whole`() throws {
        var presence = Presence()
        try presence.report(hash("f"), by: 7, bitfield: [], pieceCount: 0)
        #expect(presence.pieces(hash("f"), heldBy: 7, of: 0) == 0)
    }

    @Test(arguments: [[UInt8](), [0xff], [0xff, 0x80, 0], [0xff, 0xc0], [0, 1]])
    func `a bitfield that doesn't fit the file is refused`(bitfield: [UInt8]) {
        var presence = Presence()
        #expect(throws: Presence.ReportError.wrongBitfield) {
            try presence.report(hash("f"), by: 7, bitfield: bitfield, pieceCount: 9)
        }
    }

    @Test func `one user can't store bitfields without end`() throws {
        var presence = Presence()
        let half = Presence.bitfieldBytesPerUser / 2
        let bits = [0x80] + [UInt8](repeating: 0, count: half - 1)
        try presence.report(hash("a"), by: 7, bitfield: bits, pieceCount: half * 8)
        try presence.report(hash("b"), by: 7, bitfield: bits, pieceCount: half * 8)
        #expect(throws: Presence.ReportError.self) {
            try presence.report(hash("c"), by: 7, bitfield: [0], pieceCount: 8)
        }
        try presence.report(hash("c"), by: 7, bitfield: [0xff], pieceCount: 8)
        try presence.report(hash("c"), by: 8, bitfield: [0], pieceCount: 8)
        presence.forget(hash("a"))
        try presence.report(hash("d"), by: 7, bitfield: [0], pieceCount: 8)
    }
}

@Suite struct LoginThrottleTests {
    private func at(_ milliseconds: Int) -> Instant {
        Instant.zero.advanced(by: .milliseconds(milliseconds))
    }

    @Test func `failures slow the user down more and more, up to a bound`() {
        var throttle = LoginThrottle()
        var now = Instant.zero
        var waits: [Duration] = []
        for _ in 0..<10 {
            guard case .after(let wait) = throttle.admit("a", at: now) else {
                Issue.record("turned away")
                return
            }
            waits.append(wait)
            now = now.advanced(by: wait)
        }
        let milliseconds = [0, 0, 0, 0, 500, 1000, 2000, 4000, 8000, 8000]
        #expect(waits == milliseconds.map { .milliseconds($0) })
        #expect(throttle.admit("b", at: now) == .after(.zero))
    }

    @Test func `many attempts at once wait in line, and the line is bounded`() {
        var throttle = LoginThrottle()
        var verdicts: [LoginThrottle.Verdict] = []
        for _ in 0..<12 { verdicts.append(throttle.admit("a", at: .zero)) }
        let waits = [0, 0, 0, 0, 500, 1500, 3500, 7500, 15500, 23500]
        #expect(verdicts.prefix(10) == waits.map { .after(.milliseconds($0)) }[...])
        #expect(verdicts.suffix(2).allSatisfy { $0 == .tooMany(retryAfter: .seconds(8)) })
    }

    @Test func `the right password clears the record`() {
        var throttle = LoginThrottle()
        for _ in 0..<6 { _ = throttle.admit("a", at: .zero) }
        throttle.succeeded("a")
        #expect(throttle.recordCount == 0)
        #expect(throttle.admit("a", at: .zero) == .after(.zero))
    }

    @Test func `an attempt that wasn't looked at doesn't count`() {
        var throttle = LoginThrottle()
        for _ in 0..<20 {
            #expect(throttle.admit("a", at: .zero) == .after(.zero))
            throttle.withdrew("a")
        }
    }

    @Test func `failures are forgotten after a while, with the names that were tried`() {
        var throttle = LoginThrottle()
        for number in 0..<50 { _ = throttle.admit("user\(number)", at: .zero) }
        for _ in 0..<5 { _ = throttle.admit("a", at: .zero) }
        #expect(throttle.recordCount == 51)
        #expect(throttle.admit("a", at: at(901_000)) == .after(.zero))
        #expect(throttle.recordCount == 1)
    }
}

@Suite struct TimeoutQueueTests {
    private func at(_ seconds: Int) -> Instant { Instant.zero.advanced(by: .seconds(seconds)) }

    @Test func `slots expire in order of their restart`() {
        var queue = TimeoutQueue(duration: .seconds(10))
        queue.restart(5, at: at(0))
        queue.restart(2, at: at(1))
        queue.restart(9, at: at(2))
        queue.restart(5, at: at(3))
        #expect(queue.popExpired(at: at(10)) == nil)
        #expect(queue.popExpired(at: at(11)) == 2)
        #expect(queue.popExpired(at: at(13)) == 9)
        #expect(queue.popExpired(at: at(13)) == 5)
        #expect(queue.popExpired(at: at(99)) == nil)
    }

    @Test func `who is started over within the tolerance keeps its deadline`() {
        var queue = TimeoutQueue(duration: .seconds(10), tolerance: .seconds(2))
        queue.restart(1, at: at(0))
        queue.restart(2, at: at(0))
        queue.restart(1, at: at(1))
        queue.restart(2, at: at(2))
        #expect(queue.popExpired(at: at(10)) == 1)
        #expect(queue.popExpired(at: at(11)) == nil)
        #expect(queue.popExpired(at: at(12)) == 2)
    }

    @Test func `a removed slot doesn't expire`() {
        var queue = TimeoutQueue(duration: .seconds(10))
        for slot in 0..<4 { queue.restart(slot, at: at(slot)) }
        queue.remove(0)
        queue.remove(2)
        queue.remove(2)
        queue.remove(77)
        #expect(queue.popExpired(at: at(99)) == 1)
        #expect(queue.popExpired(at: at(99)) == 3)
        #expect(queue.popExpired(at: at(99)) == nil)
        queue.restart(2, at: at(100))
        #expect(queue.contains(2))
        #expect(queue.popExpired(at: at(110)) == 2)
    }
}
