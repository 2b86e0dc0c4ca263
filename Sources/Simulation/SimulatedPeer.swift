import PeerCore
import Wire

/// How a peer of the simulation is to be.
package struct SimulatedPeerPlan: Sendable {
    /// It has everything from the beginning.
    package var isSeed = false
    /// The pieces it wants; nil for all.
    package var wanted: Bitfield?
    package var behavior = SimulatedBehavior.honest
    package var link = SimulatedLink()
    package var clock = SimulatedClock()
    /// Where it is: between sites there may be a narrow line.
    package var site = 0
    /// A user of the tracker who isn't a member of the group.
    package var isOutsider = false

    package init() {}
}

/// A peer of the simulation: a real swarm, with a disk, a link and a clock that are not.
package final class SimulatedPeer {
    package let index: Int
    package let endpoint: Endpoint
    package let plan: SimulatedPeerPlan
    package internal(set) var swarm: Swarm
    package let storage: SimulatedStorage
    /// When it became complete.
    package internal(set) var completedAt: Instant?
    /// Peers that its swarm blamed for a corrupt piece.
    package internal(set) var blamed: [Endpoint] = []
    /// Why its swarm closed connections.
    package internal(set) var closeReasons: [SwarmCloseReason] = []
    package internal(set) var isRunning = false
    /// Its disk was full: it doesn't go on by itself.
    package internal(set) var hasFailed = false
    /// It crashed and wasn't started anew.
    package internal(set) var isDown = false
    /// How many times it has been started anew after a crash; what was under way before is void.
    package internal(set) var life = 0
    /// Bytes of blocks that came and that went, over all of its lives.
    package internal(set) var takenBytes = 0
    package internal(set) var givenBytes = 0

    let line: SimulatedLine
    var announcing = SimulatedAnnouncing()
    var blocksSent = 0
    var scheduledDeadline: Instant?

    // Its line: ends with bytes to send, in turn, and ends of segments that arrive.
    var sendQueue = Ring<SimulatedEnd>()
    var touched: [SimulatedEnd] = []
    var isSending = false
    /// Bytes that went past the queue because they are so few.
    var uploadDebt = 0
    var arrivals = Ring<SimulatedEnd>()

    private(set) var ends: [SimulatedEnd?] = []
    private var freeSlots: [UInt32] = []
    private var generation: UInt32 = 0

    init(
        index: Int, endpoint: Endpoint, plan: SimulatedPeerPlan, swarm: consuming Swarm,
        storage: SimulatedStorage
    ) {
        self.index = index
        self.endpoint = endpoint
        self.plan = plan
        line = SimulatedLine(plan.link)
        self.swarm = swarm
        self.storage = storage
    }

    package var behavior: SimulatedBehavior { plan.behavior }
    package var link: SimulatedLink { plan.link }
    package var connectionCount: Int { ends.count - freeSlots.count }

    /// Its swarm's state, by its own clock.
    package func progress(at now: Instant) -> SwarmProgress {
        swarm.progress(at: plan.clock.local(now))
    }

    func makeEnd(isOutgoing: Bool) -> SimulatedEnd {
        generation += 1
        let slot = freeSlots.popLast() ?? UInt32(ends.count)
        let id = ConnectionID(slot: slot, generation: generation)
        let end = SimulatedEnd(id: id, peer: self, isOutgoing: isOutgoing)
        if Int(slot) == ends.count { ends.append(end) } else { ends[Int(slot)] = end }
        return end
    }

    func end(_ id: ConnectionID) -> SimulatedEnd? {
        guard Int(id.slot) < ends.count, let end = ends[Int(id.slot)], end.id == id else {
            return nil
        }
        return end
    }

    func remove(_ end: SimulatedEnd) {
        guard end.isOpen else { return }
        end.isOpen = false
        ends[Int(end.id.slot)] = nil
        end.other = nil
        freeSlots.append(end.id.slot)
    }
}
