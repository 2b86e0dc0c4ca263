import PeerCore
import Wire

/// What travels at once on a connection, in one direction: bytes, of which the receiving end keeps
/// as many, and a block after them.
struct Segment {
    /// How many bytes it has but for the block.
    var byteCount: Int
    /// Comes after the bytes, where whole messages are carried.
    var block: OutgoingBlock?
    /// Nothing comes after it: the sender has closed its end.
    var isLast = false

    /// How long it is on the wire.
    var count: Int { byteCount + (block?.count ?? 0) }
}

/// A `piece` message of which the bytes of its block aren't carried.
struct OutgoingBlock {
    let request: BlockRequest
    /// A bit for each of its blocks that isn't as it should be, from the lowest.
    let wrong: UInt64
    /// So many bytes of the connection go before it.
    let position: Int
    var count: Int { PeerMessage.pieceHeaderLength + Int(request.length) }
}

/// Ends at which segments arrive at the same moment, one after the other: what a swarm tells
/// everyone.
final class SimulatedArrivals {
    var instant: Int64 = 0
    var ends: ContiguousArray<SimulatedEnd> = []
}

/// One end of a simulated connection: bytes arrive in order, cut anywhere, never lost while both
/// ends are there.
final class SimulatedEnd {
    let id: ConnectionID
    let peer: SimulatedPeer
    /// Nil once this end is closed.
    var other: SimulatedEnd?
    /// What its peer may send and ask for on it; nil where that isn't looked at.
    var monitor: WireMonitor?

    /// Whether it is among its peer's connections.
    var isOpen = true

    // What waits for the peer's link.
    private var outbox = ByteQueue()
    private var blocks = Queue<OutgoingBlock>()
    private var waitingBlockBytes = 0
    /// Bytes taken of the outbox in all, to tell the blocks' positions by.
    private var takenBytes = 0
    /// It waits among those that share the link.
    var isQueued = false
    /// Something was put into the outbox by the event that is being handled.
    var isTouched = false
    /// Blocks were handed out since `drained` was last reported.
    var owesDrained = false
    /// To be closed once the outbox is empty.
    var isClosing = false
    /// Nothing more is sent, though this end still reads.
    var isShut = false
    /// Nothing that is sent arrives before what was sent earlier; in nanoseconds.
    var lastArrival: Int64 = 0
    /// Bytes that are on their way from here and haven't been read.
    var onTheWay = 0

    // What arrives.
    /// The handshake of an accepted connection has been read.
    var isIntroduced: Bool
    var received: [UInt8] = []
    /// Segments that come here: those that wait for this peer's line, then those that can't get
    /// through at present, then those on their way.
    var incoming = Queue<Segment>()
    /// The bytes of these.
    var incomingBytes = ByteQueue()
    var queuedSegments = 0
    var heldSegments = 0

    init(id: ConnectionID, peer: SimulatedPeer, isOutgoing: Bool) {
        self.id = id
        self.peer = peer
        isIntroduced = isOutgoing
    }

    /// Bytes that wait, those of blocks included.
    var pendingCount: Int { outbox.count + waitingBlockBytes }
    var hasBlocks: Bool { !blocks.isEmpty }

    func append(_ bytes: UnsafeRawBufferPointer) { outbox.append(bytes) }

    func append(_ request: BlockRequest, wrong: UInt64) {
        let block = OutgoingBlock(
            request: request, wrong: wrong, position: takenBytes + outbox.count)
        blocks.append(block)
        waitingBlockBytes += block.count
    }

    /// The next so many bytes.
    func next(_ count: Int) -> Segment { Segment(byteCount: count) }

    /// The messages up to the next block and this.
    func nextMessages() -> Segment {
        guard let block = blocks.first else { return Segment(byteCount: outbox.count) }
        return Segment(byteCount: block.position - takenBytes, block: block)
    }

    /// The next segment leaves the outbox for the other end.
    func send(_ segment: Segment, to other: SimulatedEnd) {
        if segment.block != nil {
            waitingBlockBytes -= blocks.removeFirst().count
        }
        takenBytes += segment.byteCount
        outbox.move(segment.byteCount, to: &other.incomingBytes)
        onTheWay += segment.count
        other.incoming.append(segment)
    }
}
