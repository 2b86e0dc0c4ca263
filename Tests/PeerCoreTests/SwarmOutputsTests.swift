import Testing
import Wire

@testable import PeerCore

struct SwarmOutputsTests {
    private let a = ConnectionID(slot: 1, generation: 1)
    private let b = ConnectionID(slot: 2, generation: 1)

    @Test func `an array of actions costs no reference counts`() {
        #expect(_isPOD(SwarmAction.self))
    }

    @Test func `messages to the same peer are one send`() {
        var outputs = SwarmOutputs()
        outputs.send(a, .unchoke)
        outputs.send(a, .have(1))
        outputs.send(b, .choke)
        outputs.send(a, .choke)
        #expect(outputs.actions == [.send(a, 0..<14), .send(b, 14..<19), .send(a, 19..<24)])
        outputs.removeAll()
        #expect(outputs.actions.isEmpty && outputs.bytes.isEmpty)
    }

    @Test func `another action keeps the order`() {
        var outputs = SwarmOutputs()
        outputs.send(a, .choke)
        outputs.actions.append(.verify(piece: 1, isUrgent: false))
        outputs.send(a, .unchoke)
        #expect(
            outputs.actions == [
                .send(a, 0..<5), .verify(piece: 1, isUrgent: false), .send(a, 5..<10),
            ])
    }
}
