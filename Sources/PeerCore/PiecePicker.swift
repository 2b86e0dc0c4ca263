/// Decides which blocks to ask of which peer.
///
/// First the rest of the piece that the peer is at, then of any other started piece, so that
/// pieces are soon whole and can be passed on; then a new one, the rarest first with ties at
/// random, the very first ones at random (BEP 3's "Piece downloading strategy" and Cohen 2003).
///
/// How many peers have a piece is counted as they tell. The rarest is found by a walk over the
/// bits of what the peer has and we lack, bounded in proportion to the piece's length: exact
/// with up to 4,096 pieces of 2 MiB or 1,024 of 512 KiB, a sample from a random place beyond.
/// A piece of 1500 bytes so costs about as little a byte as one of a megabyte.
struct PiecePicker {
    struct Block: Equatable, Sendable {
        let piece: Int
        let block: Int
    }

    private let geometry: TorrentGeometry
    private let candidateLimit: Int
    private var random: SeededRandom
    /// Missing and not started.
    private(set) var wanted: Bitfield
    private(set) var active: ActivePieces
    /// How many peers have a piece, not counting those that have them all.
    private(set) var availability: [UInt16]
    /// How many more pieces are picked at random.
    private var randomPiecesLeft: Int
    /// Whether pieces are picked in the order of the file.
    var isSequential = false
    /// Pieces that failed their hash with several senders: next time from one alone.
    private var singleSourcePieces: Set<Int> = []
    /// Changes whenever something becomes pickable that wasn't. From 1.
    private(set) var epoch: UInt64 = 1

    /// A picker of the pieces in `wanted`, until so many of which are verified they are picked at
    /// random.
    init(
        geometry: TorrentGeometry, wanted: Bitfield, randomFirstPieces: Int, seed: UInt64
    ) {
        self.geometry = geometry
        candidateLimit = min(max(geometry.pieceLength / 512, 64), 4096)
        random = SeededRandom(seed: seed)
        self.wanted = wanted
        active = ActivePieces(geometry: geometry)
        availability = [UInt16](repeating: 0, count: geometry.pieceCount)
        randomPiecesLeft = randomFirstPieces
    }

    /// The picker of who has everything: it takes no memory, and is asked nothing.
    static func ofNothing(_ geometry: TorrentGeometry) -> PiecePicker {
        PiecePicker(
            geometry: TorrentGeometry(
                infoHash: geometry.infoHash, length: 0, pieceLength: geometry.pieceLength),
            wanted: Bitfield(bitCount: 0), randomFirstPieces: 0, seed: 0)
    }

    /// Whether every missing block is asked of someone.
    var isEndgame: Bool { wanted.isEmpty && active.partial.isEmpty }

    // MARK: What peers have

    mutating func add(_ pieces: Bitfield) {
        for piece in pieces.members { add(piece) }
    }

    mutating func remove(_ pieces: Bitfield) {
        for piece in pieces.members where availability[piece] > 0 { availability[piece] -= 1 }
    }

    mutating func add(_ piece: Int) {
        if availability[piece] < .max { availability[piece] += 1 }
    }

    // MARK: Choosing

    /// Appends up to `count` blocks to be asked of a peer and notes them as requested.
    mutating func pick(
        _ count: Int, for peer: PeerConnection, into picked: inout [Block]
    ) {
        let end = picked.count + count
        let id = peer.record.id
        if isSequential {
            for slot in startedInOrder where picked.count < end && isOpen(slot, to: peer) {
                take(slot, peer, end, &picked)
            }
        } else {
            pickStarted(end, peer, &picked)
        }
        while picked.count < end, let piece = newPiece(for: peer) {
            let isAlone = peer.record.isOnParole || singleSourcePieces.contains(piece)
            take(start(piece, owner: isAlone ? id : 0), peer, end, &picked)
        }
    }

    private mutating func pickStarted(
        _ end: Int, _ peer: PeerConnection, _ picked: inout [Block]
    ) {
        if isOpen(peer.currentSlot, to: peer) { take(peer.currentSlot, peer, end, &picked) }
        var position = 0
        while picked.count < end, position < active.partial.count {
            let slot = active.partial[position]
            if isOpen(slot, to: peer) { take(slot, peer, end, &picked) }
            // A slot that is used up has left the list, and another took its place.
            if position < active.partial.count, active.partial[position] == slot { position += 1 }
        }
    }

    private var startedInOrder: [Int] {
        active.partial.sorted { active.pieces[$0].index < active.pieces[$1].index }
    }

    private func isOpen(_ slot: Int, to peer: PeerConnection) -> Bool {
        guard slot >= 0 else { return false }
        let piece = active.pieces[slot]
        guard piece.phase == .collecting, piece.unrequestedCount > 0,
            peer.offers(piece.index)
        else { return false }
        return piece.owner == peer.record.id || (piece.owner == 0 && !peer.record.isOnParole)
    }

    /// Asks the peer for what is left of a piece, but for what it was asked before and gave late.
    private mutating func take(
        _ slot: Int, _ peer: PeerConnection, _ end: Int, _ picked: inout [Block]
    ) {
        let piece = active.pieces[slot].index
        var next = 0
        while picked.count < end, let block = active.unrequestedBlock(in: slot, from: next) {
            next = block + 1
            if peer.pipeline.lateCount > 0,
                peer.pipeline.index(piece: piece, block: block) != nil
            {
                continue
            }
            active.addRequest(slot: slot, block: block)
            picked.append(Block(piece: piece, block: block))
        }
        peer.currentSlot = slot
    }

    private mutating func start(_ piece: Int, owner: UInt32) -> Int {
        wanted.remove(piece)
        return active.start(piece, owner: owner)
    }

    /// The piece to be started with this peer: the rarest, or any of them at the very beginning.
    private mutating func newPiece(for peer: PeerConnection) -> Int? {
        guard !wanted.isEmpty else { return nil }
        let offered = peer.offeredPieces
        if isSequential { return wanted.firstMember(sharedWith: offered) }
        let isRandom = randomPiecesLeft > 0
        let salt = UInt32(truncatingIfNeeded: random.next())
        let wordCount = wanted.words.count
        var word = candidateLimit < wanted.setCount ? random.below(wordCount) : 0
        var best: (piece: Int, key: UInt64)?
        var candidates = 0
        for _ in 0..<wordCount {
            var bits = wanted.words[word] & offered.words[word]
            candidates += bits.nonzeroBitCount
            while bits != 0 {
                let lead = bits.leadingZeroBitCount
                bits &= ~(1 << UInt64(63 - lead))
                let piece = word << 6 + lead
                let rarity = isRandom ? 0 : UInt64(availability[piece])
                let key = rarity << 32 | UInt64(Self.shuffle(UInt32(piece), salt))
                if best == nil || key < best!.key { best = (piece, key) }
            }
            if candidates >= candidateLimit { break }
            word = word + 1 == wordCount ? 0 : word + 1
        }
        return best?.piece
    }

    /// A random order of the pieces for each salt, so that ties are broken evenly in one pass.
    private static func shuffle(_ piece: UInt32, _ salt: UInt32) -> UInt32 {
        var mixed = (piece ^ salt) &* 0x9E37_79B1
        mixed ^= mixed >> 15
        mixed = mixed &* 0x85EB_CA6B
        return mixed ^ mixed >> 13
    }

    // MARK: What becomes of requests

    /// Asks one more peer for a block that is asked of others already (endgame).
    mutating func duplicate(slot: Int, block: Int) {
        active.addRequest(slot: slot, block: block)
    }

    /// A request won't be answered, or not in time (`isLate`).
    mutating func release(piece: Int, block: Int, by id: UInt32, isLate: Bool) {
        guard let slot = active.slot(of: piece) else { return }
        let isUntouched = active.dropRequest(
            slot: slot, block: block, contributor: id, isLate: isLate)
        if isUntouched { reopen(slot) }
        epoch += 1
    }

    /// A late request won't be answered any more.
    mutating func releaseLate(piece: Int, block: Int, by id: UInt32) {
        guard let slot = active.slot(of: piece) else { return }
        active.dropLateRequest(slot: slot, block: block, contributor: id)
    }

    /// A late request will be answered after all. Returns whether that is of use.
    mutating func adopt(piece: Int, block: Int, by peer: PeerConnection) -> Bool {
        guard let slot = slotForLateBlock(of: piece, from: peer) else { return false }
        return active.adoptLateRequest(slot: slot, block: block)
    }

    /// A peer begins to send a block it was asked for. Returns the slot if it is to be stored.
    mutating func begin(
        piece: Int, block: Int, from peer: PeerConnection, isLate: Bool
    ) -> Int? {
        let known = active.slot(of: piece)
        guard let slot = isLate ? slotForLateBlock(of: piece, from: peer) : known else {
            return nil
        }
        let isWanted = active.begin(
            slot: slot, block: block, contributor: peer.record.id, isLate: isLate)
        return isWanted ? slot : nil
    }

    /// A block being received is whole. Returns whether the piece is to be verified.
    mutating func complete(slot: Int, block: Int) -> Bool {
        active.complete(slot: slot, block: block)
    }

    /// The piece has its hash, or not; returns who sent it. Nil when it isn't being verified.
    mutating func verified(piece: Int, ok: Bool) -> [UInt32]? {
        guard let slot = active.slot(of: piece), active.pieces[slot].phase == .verifying else {
            return nil
        }
        let contributors = active.contributors(in: slot)
        if ok {
            active.end(slot)
            randomPiecesLeft -= 1
            singleSourcePieces.remove(piece)
        } else {
            if contributors.count > 1 { singleSourcePieces.insert(piece) }
            reopen(slot)
        }
        return contributors
    }

    /// Gives up the pieces that only this peer may send: what it sent of them is lost.
    /// Returns the bytes.
    mutating func disown(_ id: UInt32) -> Int {
        guard active.ownedCount > 0 else { return 0 }
        var lost = 0
        for slot in active.pieces.indices {
            let piece = active.pieces[slot]
            guard piece.phase == .collecting, piece.owner == id else { continue }
            lost += piece.completeCount * geometry.blockLength
            reopen(slot)
        }
        return lost
    }

    /// The slot of a piece of which a late block has come; a piece given up is started again.
    private mutating func slotForLateBlock(of piece: Int, from peer: PeerConnection) -> Int? {
        let id = peer.record.id
        if let slot = active.slot(of: piece) {
            let owner = active.pieces[slot].owner
            return owner == id || (owner == 0 && !peer.record.isOnParole) ? slot : nil
        }
        guard wanted.contains(piece) else { return nil }
        let isAlone = peer.record.isOnParole || singleSourcePieces.contains(piece)
        return start(piece, owner: isAlone ? id : 0)
    }

    private mutating func reopen(_ slot: Int) {
        wanted.insert(active.pieces[slot].index)
        active.end(slot)
        epoch += 1
    }
}
