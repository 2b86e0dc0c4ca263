import Testing
import Wire

@testable import PeerCore

struct BlameTests {
    private func record(_ id: UInt32, suspicion: Int = 0) -> PeerRecord {
        let record = PeerRecord(
            id: id, peerID: SwarmScript.peerID("a"), endpoint: SwarmScript.endpoint("a"))
        record.suspicion = suspicion
        return record
    }

    @Test func `a sole sender is convicted`() {
        let culprit = record(1)
        #expect(Blame.convict([culprit]) === culprit)
    }

    @Test func `several senders go on parole`() {
        let suspects = [record(1), record(2)]
        #expect(Blame.convict(suspects) == nil)
        #expect(suspects.allSatisfy { $0.isOnParole && $0.suspicion == 1 })
    }

    @Test func `who was there every time is convicted by comparison`() {
        let culprit = record(1, suspicion: 3)
        #expect(Blame.convict([record(2), culprit, record(3, suspicion: 1)]) === culprit)
        #expect(Blame.convict([record(2, suspicion: 3), record(1, suspicion: 3)]) == nil)
    }

    @Test func `a good piece sent alone ends parole`() {
        let suspect = record(1)
        suspect.isOnParole = true
        #expect(!Blame.acquit([suspect, record(2)]))
        #expect(suspect.isOnParole)
        #expect(Blame.acquit([suspect]))
        #expect(!suspect.isOnParole)
        #expect(!Blame.acquit([suspect]))
    }
}
