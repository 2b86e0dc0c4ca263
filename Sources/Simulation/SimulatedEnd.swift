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
    /// What it takes of the receiver's buffer: messages without a block are left out where whole
    /// ones are carried, as they are so few bytes.
    var bufferedCount = 0
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
///
/// There are tens of thousands of them, too many for any cache: what each segment takes lies
/// together.
final class SimulatedEnd {
    /// Nil once this end is closed.
    var other: SimulatedEnd?
    let peer: SimulatedPeer

    /// Whether it is among its peer's connections.
    var isOpen = true
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
    /// The handshake of an accepted connection has been read.
    var isIntroduced: Bool

    // What arrives.
    var queuedSegments: Int32 = 0
    var heldSegments: Int32 = 0
    /// Segments that come here: those that wait for this peer's line, then those that can't get
    /// through at present, then those on their way.
    var incoming = Ring<Segment>()
    /// The bytes of these, and those that wait for the other end's link.
    private var incomingBytes = ByteQueue()
    /// Bytes that are on their way from here and haven't been read.
    var onTheWay = 0

    // What waits for the peer's link.
    private var waitingBytes = 0
    private var waitingBlockBytes = 0
    /// Nothing that is sent arrives before what was sent earlier; in nanoseconds.
    var lastArrival: Int64 = 0
    /// Bytes but those of blocks that have left in all, to tell the blocks' positions by.
    private var sentBytes = 0
    private var blocks = Ring<OutgoingBlock>()

    let id: ConnectionID
    /// What its peer may send and ask for on it; nil where that isn't looked at.
    var monitor: WireMonitor?
    var received: [UInt8] = []

    init(id: ConnectionID, peer: SimulatedPeer, isOutgoing: Bool) {
        self.id = id
        self.peer = peer
        isIntroduced = isOutgoing
    }

    /// Bytes that wait, those of blocks included.
    var pendingCount: Int { waitingBytes + waitingBlockBytes }
    var hasBlocks: Bool { !blocks.isEmpty }

    func append(_ bytes: UnsafeRawBufferPointer) {
        waitingBytes += bytes.count
        other?.incomingBytes.append(bytes)
    }

    func append(_ request: BlockRequest, wrong: UInt64) {
        let block = OutgoingBlock(
            request: request, wrong: wrong, position: sentBytes + waitingBytes)
        blocks.append(block)
        waitingBlockBytes += block.count
    }

    /// The next so many bytes.
    func next(_ count: Int) -> Segment { Segment(byteCount: count, bufferedCount: count) }

    /// The messages up to the next block and this.
    func nextMessages() -> Segment {
        guard let block = blocks.first else { return Segment(byteCount: waitingBytes) }
        let count = block.position - sentBytes
        return Segment(byteCount: count, block: block, bufferedCount: count + block.count)
    }

    /// The next segment leaves for the other end.
    func send(_ segment: Segment, to other: SimulatedEnd) {
        if segment.block != nil {
            waitingBlockBytes -= blocks.removeFirst().count
        }
        sentBytes += segment.byteCount
        waitingBytes -= segment.byteCount
        onTheWay += segment.bufferedCount
        other.incoming.append(segment)
    }

    /// Takes the bytes of the next segment out.
    func receive(_ count: Int, into target: UnsafeMutableRawBufferPointer) {
        incomingBytes.take(count, into: target)
    }
}
