/// The pieces that were started: which of their blocks are asked for, arriving, or there.
///
/// A slab of slots with the blocks of all slots in one array: no allocation once it has grown.
struct ActivePieces {
    enum BlockState: UInt8, Sendable {
        case missing
        /// Fragments of it are being stored; `Block.contributor` is sending.
        case receiving
        /// Stored; `Block.contributor` sent it.
        case complete
    }

    struct Block: Sendable {
        fileprivate(set) var state = BlockState.missing
        /// How many peers have been asked and are expected to answer.
        fileprivate(set) var requests: UInt8 = 0
        /// How many have been asked and given up, and may still answer.
        fileprivate(set) var lateRequests: UInt16 = 0
        /// The id of a `PeerRecord`.
        fileprivate(set) var contributor: UInt32 = 0

        /// Whether nobody is expected to send it.
        var isUnrequested: Bool { requests == 0 && state != .complete }
    }

    enum Phase: UInt8, Sendable {
        /// The slot is unused.
        case free
        /// Blocks are being fetched.
        case collecting
        /// Every block is stored: nothing may be written until the hash is known.
        case verifying
        /// The hash was wrong: nothing may be written until its blocks are known by their
        /// fingerprints.
        case examining
    }

    struct Piece: Sendable {
        fileprivate(set) var phase = Phase.free
        fileprivate(set) var index = 0
        fileprivate(set) var blockCount = 0
        fileprivate(set) var completeCount = 0
        fileprivate(set) var unrequestedCount = 0
        /// No unrequested block comes before this one.
        fileprivate var cursor = 0
        /// The only peer that may send it (the id of a `PeerRecord`); 0 for anyone.
        fileprivate(set) var owner: UInt32 = 0
        /// Its place in `partial`; −1 for none.
        fileprivate var partialPosition = -1
        /// What it has in `unverifiedCount`.
        fileprivate var unverifiedCount = 0
        /// What it has in `verifyingCount`.
        fileprivate var verifyingCount = 0

        /// How many blocks somebody is expected to send.
        var requestedCount: Int { blockCount - completeCount - unrequestedCount }
    }

    private let geometry: TorrentGeometry
    private let stride: Int
    private(set) var pieces: [Piece] = []
    private var blocks: [Block] = []
    private var freeSlots: [Int] = []
    /// Slot of each piece; −1 for none.
    private var slots: [Int32]
    /// The slots of pieces with unrequested blocks, in no order that matters.
    private(set) var partial: [Int] = []
    private(set) var count = 0
    /// The blocks that are stored or expected, of pieces of which some block is expected or
    /// which are being verified: what will be verified, or given up, before long.
    private(set) var unverifiedCount = 0
    /// The blocks of the pieces that are being verified.
    private(set) var verifyingCount = 0
    /// How many pieces have an owner.
    private(set) var ownedCount = 0

    init(geometry: TorrentGeometry) {
        self.geometry = geometry
        stride = geometry.blocksPerPiece
        slots = [Int32](repeating: -1, count: geometry.pieceCount)
    }

    func slot(of piece: Int) -> Int? {
        slots[piece] >= 0 ? Int(slots[piece]) : nil
    }

    func block(_ block: Int, in slot: Int) -> Block { blocks[slot * stride + block] }

    /// Starts a piece, for everyone or for one peer alone. Returns its slot.
    mutating func start(_ piece: Int, owner: UInt32 = 0) -> Int {
        let slot = freeSlots.popLast() ?? pieces.count
        if slot == pieces.count {
            pieces.append(Piece())
            blocks.append(contentsOf: repeatElement(Block(), count: stride))
        }
        let blockCount = geometry.blockCount(ofPiece: piece)
        pieces[slot].phase = .collecting
        pieces[slot].index = piece
        pieces[slot].blockCount = blockCount
        pieces[slot].completeCount = 0
        pieces[slot].unrequestedCount = blockCount
        pieces[slot].cursor = 0
        pieces[slot].owner = owner
        for block in slot * stride..<slot * stride + blockCount { blocks[block] = Block() }
        slots[piece] = Int32(slot)
        count += 1
        if owner != 0 { ownedCount += 1 }
        enlist(slot)
        return slot
    }

    /// Forgets a piece, whatever its state.
    mutating func end(_ slot: Int) {
        delist(slot)
        slots[pieces[slot].index] = -1
        pieces[slot].phase = .free
        recount(slot)
        freeSlots.append(slot)
        count -= 1
        if pieces[slot].owner != 0 { ownedCount -= 1 }
    }

    /// The next block at or after `start` that nobody is expected to send.
    func unrequestedBlock(in slot: Int, from start: Int = 0) -> Int? {
        let begin = max(start, pieces[slot].cursor)
        guard pieces[slot].unrequestedCount > 0, begin < pieces[slot].blockCount else {
            return nil
        }
        let base = slot * stride
        for block in begin..<pieces[slot].blockCount
        where blocks[base + block].isUnrequested {
            return block
        }
        return nil
    }

    /// Notes that a peer is asked for unrequested blocks from this one on, `limit` of them at
    /// most. Returns how many.
    mutating func requestRun(slot: Int, block: Int, limit: Int) -> Int {
        let base = slot * stride
        let end = min(block + limit, pieces[slot].blockCount)
        var next = block
        while next < end, blocks[base + next].isUnrequested {
            blocks[base + next].requests = 1
            next += 1
        }
        noteRequested(slot, block..<next)
        return next - block
    }

    /// Notes that one more peer is asked for a block that isn't complete.
    mutating func addRequest(slot: Int, block: Int) {
        let position = slot * stride + block
        if blocks[position].isUnrequested { noteRequested(slot, block..<block + 1) }
        blocks[position].requests += 1
    }

    /// Notes that a peer won't send a block after all, or is no longer expected to (`isLate`).
    /// What has arrived of it from that peer is lost. Returns whether the piece is untouched
    /// now, nothing of it being stored or expected.
    mutating func dropRequest(
        slot: Int, block: Int, contributor: UInt32, isLate: Bool
    ) -> Bool {
        let position = slot * stride + block
        guard blocks[position].state != .complete else { return false }
        blocks[position].requests -= 1
        if isLate, blocks[position].lateRequests < .max { blocks[position].lateRequests += 1 }
        forgetFragments(position, of: contributor)
        if blocks[position].requests == 0 { noteUnrequested(slot, block) }
        return pieces[slot].completeCount == 0
            && pieces[slot].unrequestedCount == pieces[slot].blockCount
    }

    /// Notes that a late request won't be answered any more.
    mutating func dropLateRequest(slot: Int, block: Int, contributor: UInt32) {
        let position = slot * stride + block
        forgetFragments(position, of: contributor)
        if blocks[position].lateRequests > 0 { blocks[position].lateRequests -= 1 }
    }

    /// Notes that a peer begins to send a block it was asked for. Returns whether to store it:
    /// who begins last is the fastest, unless it had been given up.
    mutating func begin(
        slot: Int, block: Int, contributor: UInt32, isLate: Bool
    ) -> Bool {
        let position = slot * stride + block
        guard pieces[slot].phase == .collecting, blocks[position].state != .complete,
            !isLate || blocks[position].state == .missing
        else { return false }
        blocks[position].state = .receiving
        blocks[position].contributor = contributor
        return true
    }

    /// Whether fragments of a block from this peer are to be stored.
    func isReceiving(slot: Int, piece: Int, block: Int, from contributor: UInt32) -> Bool {
        let state = blocks[slot * stride + block]
        return pieces[slot].index == piece && pieces[slot].phase == .collecting
            && state.state == .receiving && state.contributor == contributor
    }

    /// Notes that a block being received is whole. Returns whether the piece is now to be
    /// verified. Other peers asked for it have to be told; the counts of requests are cleared.
    mutating func complete(slot: Int, block: Int) -> Bool {
        let position = slot * stride + block
        if blocks[position].isUnrequested { noteRequested(slot, block..<block + 1) }
        blocks[position].state = .complete
        blocks[position].requests = 0
        blocks[position].lateRequests = 0
        return noteComplete(slot, 1)
    }

    private mutating func noteComplete(_ slot: Int, _ count: Int) -> Bool {
        pieces[slot].completeCount += count
        let isWhole = pieces[slot].completeCount == pieces[slot].blockCount
        if isWhole { pieces[slot].phase = .verifying }
        recount(slot)
        return isWhole
    }

    /// Notes that blocks are whole that one peer alone was asked for and nobody has given late.
    /// Returns whether the piece is now to be verified; nil, changing nothing, when they aren't
    /// such blocks.
    mutating func completeRun(
        slot: Int, _ range: Range<Int>, contributor: UInt32
    ) -> Bool? {
        guard pieces[slot].phase == .collecting else { return nil }
        let base = slot * stride
        for position in base + range.lowerBound..<base + range.upperBound {
            let block = blocks[position]
            guard block.state == .missing, block.requests == 1, block.lateRequests == 0 else {
                return nil
            }
        }
        for position in base + range.lowerBound..<base + range.upperBound {
            blocks[position].state = .complete
            blocks[position].contributor = contributor
            blocks[position].requests = 0
        }
        return noteComplete(slot, range.count)
    }

    /// Turns a late request that is about to be answered into an expected one. Returns false
    /// when the block needs no further sender.
    mutating func adoptLateRequest(slot: Int, block: Int) -> Bool {
        let position = slot * stride + block
        guard blocks[position].isUnrequested else { return false }
        if blocks[position].lateRequests > 0 { blocks[position].lateRequests -= 1 }
        addRequest(slot: slot, block: block)
        return true
    }

    /// Who sent each block of a whole piece.
    func contributors(in slot: Int) -> [UInt32] {
        blocks[slot * stride..<slot * stride + pieces[slot].blockCount].map(\.contributor)
    }

    /// The piece is wrong, and is going to be examined.
    mutating func examine(_ slot: Int) {
        pieces[slot].phase = .examining
        recount(slot)
    }

    /// Lets anyone send the rest of a piece.
    mutating func disown(_ slot: Int) {
        pieces[slot].owner = 0
        ownedCount -= 1
    }

    private mutating func forgetFragments(_ position: Int, of contributor: UInt32) {
        if blocks[position].state == .receiving, blocks[position].contributor == contributor {
            blocks[position].state = .missing
        }
    }

    private mutating func noteRequested(_ slot: Int, _ blocks: Range<Int>) {
        pieces[slot].unrequestedCount -= blocks.count
        if blocks.lowerBound == pieces[slot].cursor { pieces[slot].cursor = blocks.upperBound }
        if pieces[slot].unrequestedCount == 0 { delist(slot) }
        recount(slot)
    }

    private mutating func noteUnrequested(_ slot: Int, _ block: Int) {
        pieces[slot].unrequestedCount += 1
        pieces[slot].cursor = min(pieces[slot].cursor, block)
        enlist(slot)
        recount(slot)
    }

    /// Brings `unverifiedCount` and `verifyingCount` up to date after a change of a piece.
    private mutating func recount(_ slot: Int) {
        let piece = pieces[slot]
        let isLive =
            switch piece.phase {
            case .free, .examining: false
            case .collecting: piece.requestedCount > 0
            case .verifying: true
            }
        let count = isLive ? piece.blockCount - piece.unrequestedCount : 0
        unverifiedCount += count - piece.unverifiedCount
        pieces[slot].unverifiedCount = count
        let verifying = piece.phase == .verifying ? piece.blockCount : 0
        verifyingCount += verifying - piece.verifyingCount
        pieces[slot].verifyingCount = verifying
    }

    private mutating func enlist(_ slot: Int) {
        guard pieces[slot].partialPosition < 0 else { return }
        pieces[slot].partialPosition = partial.count
        partial.append(slot)
    }

    private mutating func delist(_ slot: Int) {
        let position = pieces[slot].partialPosition
        guard position >= 0 else { return }
        let last = partial.removeLast()
        if last != slot {
            partial[position] = last
            pieces[last].partialPosition = position
        }
        pieces[slot].partialPosition = -1
    }
}
