import Testing

@testable import PeerCore

struct BlameTests {
    @Test func `a sole sender is convicted`() {
        var blame = Blame()
        #expect(blame.convict(piece: 3, senders: [7, 7, 7]) == 7)
        #expect(!blame.isSuspect(3))
    }

    @Test func `of several senders those are convicted whose blocks were wrong`() {
        var blame = Blame()
        #expect(blame.convict(piece: 3, senders: [7, 8, 7, 9]) == nil)
        #expect(blame.isSuspect(3) && !blame.isSuspect(4))
        blame.learn([1, 2, 3, 4], ofFailed: 3)
        #expect(blame.convict(piece: 4, right: [0, 0, 0, 0]) == [])
        #expect(blame.convict(piece: 3, right: [1, 2, 30, 40]) == [7, 9])
        #expect(!blame.isSuspect(3))
    }

    @Test func `every failure of a piece counts`() {
        var blame = Blame()
        _ = blame.convict(piece: 3, senders: [7, 8])
        blame.learn([10, 2], ofFailed: 3)
        _ = blame.convict(piece: 3, senders: [8, 9])
        blame.learn([1, 20], ofFailed: 3)
        #expect(blame.convict(piece: 3, right: [1, 2]) == [7, 9])
    }

    @Test func `what isn't known blames nobody`() {
        var blame = Blame()
        _ = blame.convict(piece: 3, senders: [7, 8])
        #expect(blame.convict(piece: 3, right: [1, 2]) == [])
        blame.learn([1, 2], ofFailed: 3)
        #expect(blame.failures.isEmpty)
    }

    @Test func `the oldest failures are forgotten`() {
        var blame = Blame()
        for piece in 0..<Blame.maxFailures + 5 { _ = blame.convict(piece: piece, senders: [1, 2]) }
        #expect(blame.failures.count == Blame.maxFailures)
        #expect(!blame.isSuspect(4) && blame.isSuspect(5))
    }
}
