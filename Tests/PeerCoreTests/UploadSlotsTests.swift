import Testing

@testable import PeerCore

struct UploadSlotsTests {
    private func slots(_ configure: (inout SwarmConfiguration) -> Void = { _ in }) -> UploadSlots {
        var configuration = SwarmConfiguration()
        configuration.initialSlots = 32
        configuration.minimumSlots = 4
        configuration.slotRate = 1_000
        configure(&configuration)
        return UploadSlots(configuration)
    }

    private func load(
        _ rate: Double, _ holding: Int, isWanted: Bool = true, isMoving: Bool = true
    ) -> UploadSlots.Load {
        UploadSlots.Load(rate: rate, isMoving: isMoving, holding: holding, isWanted: isWanted)
    }

    @Test func `there are soon as many as the rate affords`() {
        var slots = slots()
        #expect(slots.count == 32)
        slots.look(load(31_000, 32))
        #expect(slots.count == 32)
        slots.look(load(2_000_000, 32))
        #expect(slots.count == 2_000)
        slots.look(load(0, 2_000))
        #expect(slots.count == 2_000)
    }

    @Test func `where nobody asks for anything those who wait may`() {
        var slots = slots()
        var idle = load(0, 32)
        idle.isMoving = false
        slots.look(idle)
        #expect(slots.count == 64)
    }

    @Test func `what was given because nobody asked goes back once somebody does`() {
        var slots = slots { $0.initialSlots = 5 }
        for _ in 0..<4 { slots.look(load(0, slots.count, isMoving: false)) }
        slots.endRound(load(0, slots.count, isMoving: false))
        #expect(slots.count == 160)
        // Now there are pieces to ask for: all of them do.
        slots.look(load(3_000, 160))
        #expect(slots.count == 160)
        slots.endRound(load(8_000, 160))
        #expect(slots.count == 8)
        // What was earned since isn't taken.
        slots.look(load(40_000, 8))
        slots.endRound(load(40_000, 40, isWanted: false))
        #expect(slots.count == 40)
    }

    @Test func `an uplink at its limit has fewer, by half at most in a round`() {
        var slots = slots()
        var counts: [Int] = []
        for _ in 0..<10 {
            slots.endRound(load(5_000, slots.count, isWanted: false))
            counts.append(slots.count)
        }
        #expect(counts == [16, 16, 8, 8, 5, 5, 5, 5, 5, 5])
    }

    @Test func `there are never fewer than the least`() {
        var slots = slots()
        for _ in 0..<10 { slots.endRound(load(100, slots.count, isWanted: false)) }
        #expect(slots.count == 4)
    }

    @Test func `where fewer take less the peers are slow, and there are more`() {
        // Each takes a tenth of what a slot is for; there are 500.
        var slots = slots()
        var rounds = 0
        while slots.count < 500, rounds < 100 {
            slots.endRound(load(Double(slots.count) * 100, slots.count))
            rounds += 1
        }
        #expect(slots.count >= 500)
        #expect(rounds < 30)
    }

    @Test func `where others wait more are tried, and kept if that brings anything`() {
        var slots = slots()
        slots.endRound(load(32_000, 32))
        #expect(slots.count == 64)
        slots.endRound(load(64_000, 64))
        #expect(slots.count == 64)
        slots.endRound(load(64_000, 64))
        #expect(slots.count == 128)
        slots.endRound(load(70_000, 128))
        #expect(slots.count == 70)
    }

    @Test func `trials that bring nothing get rare`() {
        var slots = slots()
        var trials = 0
        for _ in 0..<200 {
            let before = slots.count
            slots.endRound(load(32_000, min(slots.count, 64)))
            if slots.count > before { trials += 1 }
        }
        #expect(trials > 3 && trials < 12)
    }

    @Test func `where nothing moves others have a chance`() {
        var slots = slots()
        slots.endRound(load(0, 32, isWanted: false, isMoving: false))
        #expect(slots.count == 32)
        slots.endRound(load(0, 32))
        #expect(slots.count == 32)
        slots.endRound(load(0, 32, isMoving: false))
        #expect(slots.count == 64)
    }

    @Test func `an upload limit bounds them`() {
        var slots = slots()
        slots.setLimit(10_000)
        #expect(slots.count == 10)
        slots.look(load(50_000, 10))
        #expect(slots.count == 10)
        slots.setLimit(1)
        #expect(slots.count == 4)
        slots.setLimit(nil)
        slots.look(load(50_000, 4))
        #expect(slots.count == 50)
    }

    @Test func `a fixed number stays`() {
        var slots = slots { $0.uploadSlots = 2 }
        slots.look(load(50_000, 2))
        slots.setLimit(1)
        slots.endRound(load(1, 2))
        #expect(slots.count == 2)
    }
}
