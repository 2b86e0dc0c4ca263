import Testing

@testable import Peer

struct GroupLeaversTests {
    private var leavers = GroupLeavers()

    @Test mutating func `an answer names them all`() {
        leavers.left("ann")
        leavers.ask()
        leavers.take(answer: ["bob"])
        #expect(leavers.contains("bob") && !leavers.contains("ann"))
        leavers.ask()
        leavers.take(answer: [])
        #expect(!leavers.contains("bob"))
    }

    @Test mutating func `what the stream says counts at once`() {
        leavers.left("bob")
        #expect(leavers.contains("bob"))
        leavers.joined("bob")
        #expect(!leavers.contains("bob"))
    }

    @Test mutating func `who leaves while it is being asked stays out, whatever the answer`() {
        leavers.ask()
        leavers.left("bob")
        leavers.take(answer: ["carol"])
        #expect(leavers.contains("bob") && leavers.contains("carol"))
        // The next answer is of later.
        leavers.ask()
        leavers.take(answer: [])
        #expect(!leavers.contains("bob"))
    }

    @Test mutating func `who comes back while it is being asked is in, whatever the answer`() {
        leavers.ask()
        leavers.left("bob")
        leavers.joined("bob")
        leavers.take(answer: ["bob"])
        #expect(!leavers.contains("bob"))
        leavers.ask()
        leavers.take(answer: ["bob"])
        #expect(leavers.contains("bob"))
    }

    @Test mutating func `who comes back and goes again while it is being asked is out`() {
        leavers.ask()
        leavers.joined("bob")
        leavers.left("bob")
        leavers.take(answer: [])
        #expect(leavers.contains("bob"))
    }
}
