import PeerCore
import Wire

/// What travels at once on a connection, in one direction.
struct Segment {
    var bytes: [UInt8] = []
    /// Comes after the bytes, where whole messages are carried.
    var block: OutgoingBlock?
    /// How long it is on the wire.
    var count: Int
    /// Nothing comes after it: the sender has closed its end.
    var isLast = false
}

/// A `piece` message of which the bytes of its block aren't carried.
struct OutgoingBlock {
    let request: BlockRequest
    /// A stamp for each of its blocks.
    let stamps: [UInt64]
    /// So many bytes of the connection go before it.
    let position: Int
    var count: Int { PeerMessage.pieceHeaderLength + Int(request.length) }
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

    // What waits for the peer's link.
    private var outbox: [UInt8] = []
    private var sent = 0
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
    var queuedSegments = 0
    var heldSegments = 0

    init(id: ConnectionID, peer: SimulatedPeer, isOutgoing: Bool) {
        self.id = id
        self.peer = peer
        isIntroduced = isOutgoing
    }

    /// Bytes that wait, those of blocks included.
    var pendingCount: Int { outbox.count - sent + waitingBlockBytes }
    var hasBlocks: Bool { !blocks.isEmpty }

    func append(_ bytes: ArraySlice<UInt8>) { outbox.append(contentsOf: bytes) }

    func append(_ request: BlockRequest, stamps: [UInt64]) {
        let block = OutgoingBlock(
            request: request, stamps: stamps, position: takenBytes + outbox.count - sent)
        blocks.append(block)
        waitingBlockBytes += block.count
    }

    /// The next so many bytes, which leave the outbox.
    func take(_ count: Int) -> Segment {
        Segment(bytes: takeBytes(count), count: count)
    }

    /// The messages up to the next block and this, which leave the outbox.
    func takeMessages() -> Segment {
        guard let block = blocks.first else { return take(outbox.count - sent) }
        let bytes = takeBytes(block.position - takenBytes)
        _ = blocks.removeFirst()
        waitingBlockBytes -= block.count
        return Segment(bytes: bytes, block: block, count: bytes.count + block.count)
    }

    private func takeBytes(_ count: Int) -> [UInt8] {
        takenBytes += count
        if sent == 0, count == outbox.count {
            var bytes: [UInt8] = []
            swap(&bytes, &outbox)
            return bytes
        }
        let bytes = [UInt8](outbox[sent..<sent + count])
        sent += count
        if sent == outbox.count {
            outbox.removeAll(keepingCapacity: true)
            sent = 0
        } else if sent > 1 << 20 {
            outbox.removeFirst(sent)
            sent = 0
        }
        return bytes
    }
}
