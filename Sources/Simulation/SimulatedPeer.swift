import PeerCore
import Wire

/// What a peer of the simulation does to others.
package enum SimulatedBehavior: Equatable, Sendable {
    case honest
    /// Every block it sends has a wrong byte.
    case corrupting
    /// One block in so many has a wrong byte: what it sends alone may be right.
    case corruptingSome(every: Int)
    /// Stops sending, but stays connected, after so many blocks.
    case stalling(afterBlocks: Int)
    /// Sends next to nothing, a byte at a time, after so many blocks.
    case trickling(afterBlocks: Int)
    /// Ends the connection in the middle of a block, after so many.
    case hangingUp(afterBlocks: Int)
    /// Sends bytes that are no messages, after so many blocks.
    case garbling(afterBlocks: Int)
    /// Says it has everything, and rejects whatever it is asked for.
    case rejecting
    /// Sends every block once more, unasked.
    case repeating
}

/// How a peer is connected to the rest.
package struct SimulatedLink: Sendable {
    /// What it can send, in bytes a second, over all of its connections.
    package var uploadRate: Int
    /// One way, to every other peer; the larger one of two counts.
    package var latency: Duration

    package init(uploadRate: Int = 50_000_000, latency: Duration = .milliseconds(1)) {
        self.uploadRate = uploadRate
        self.latency = latency
    }
}

/// One end of a simulated connection: bytes arrive in order, cut anywhere, never lost.
final class SimulatedEnd {
    let id: ConnectionID
    let peer: SimulatedPeer
    /// Nil once this end is closed.
    var other: SimulatedEnd?
    /// What waits for the peer's link, and how far it has been sent.
    var outbox: [UInt8] = []
    var sent = 0
    /// Blocks were handed out since `drained` was last reported.
    var owesDrained = false
    /// To be closed once the outbox is empty.
    var isClosing = false
    /// The handshake of an accepted connection has been read.
    var isIntroduced: Bool
    var received: [UInt8] = []
    /// Nothing arrives before what was sent earlier.
    var lastArrival = Instant.zero

    init(id: ConnectionID, peer: SimulatedPeer, isOutgoing: Bool) {
        self.id = id
        self.peer = peer
        isIntroduced = isOutgoing
    }

    var pendingCount: Int { outbox.count - sent }

    /// The next so many bytes, which leave the outbox.
    func take(_ count: Int) -> [UInt8] {
        let segment = [UInt8](outbox[sent..<sent + count])
        sent += count
        if sent == outbox.count {
            outbox.removeAll(keepingCapacity: true)
            sent = 0
        } else if sent > 1 << 20 {
            outbox.removeFirst(sent)
            sent = 0
        }
        return segment
    }
}

/// A peer of the simulation: a real swarm, with storage and a link that are not.
package final class SimulatedPeer {
    package let index: Int
    package let endpoint: Endpoint
    package let behavior: SimulatedBehavior
    package let link: SimulatedLink
    package internal(set) var swarm: Swarm
    package internal(set) var storage: SimulatedStorage
    /// When it became complete.
    package internal(set) var completedAt: Instant?
    /// Peers that its swarm blamed for a corrupt piece.
    package internal(set) var blamed: [Endpoint] = []
    /// Why its swarm closed connections.
    package internal(set) var closeReasons: [SwarmCloseReason] = []

    var ends: [ConnectionID: SimulatedEnd] = [:]
    /// Ends with bytes to send, in turn.
    var sendQueue: [SimulatedEnd] = []
    var isSending = false
    var isRunning = false
    var blocksSent = 0
    var scheduledDeadline: Instant?
    private var freeSlots: [UInt32] = []
    private var generation: UInt32 = 0

    init(
        index: Int, endpoint: Endpoint, behavior: SimulatedBehavior, link: SimulatedLink,
        swarm: consuming Swarm, storage: SimulatedStorage
    ) {
        self.index = index
        self.endpoint = endpoint
        self.behavior = behavior
        self.link = link
        self.swarm = swarm
        self.storage = storage
    }

    func makeConnectionID() -> ConnectionID {
        generation += 1
        return ConnectionID(
            slot: freeSlots.popLast() ?? UInt32(ends.count), generation: generation)
    }

    func remove(_ end: SimulatedEnd) {
        ends[end.id] = nil
        end.other = nil
        freeSlots.append(end.id.slot)
        sendQueue.removeAll { $0 === end }
    }
}
