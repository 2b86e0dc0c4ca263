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
    /// How much to ask of a peer.
    struct Demand {
        private var blocks: Int
        private var requests: Int
        private let runLength: Int
        private var isBegun = false

        /// So many blocks, in so many requests at most, each of so many blocks at most.
        init(blocks: Int, requests: Int = .max, runLength: Int = 1) {
            self.blocks = blocks
            self.requests = requests
            self.runLength = runLength
        }

        var longestRun: Int { min(runLength, blocks) }

        /// What is less than a run is left for the next time, unless it is all that there is.
        var isMet: Bool {
            blocks <= 0 || requests <= 0 || (isBegun && blocks < runLength)
        }

        mutating func meet(_ count: Int) {
            blocks -= count
            requests -= 1
            isBegun = true
        }
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

    /// Whether some block of a missing piece is asked of nobody.
    func hasUnrequested(_ piece: Int) -> Bool {
        if wanted.contains(piece) { return true }
        guard let slot = active.slot(of: piece) else { return false }
        return active.pieces[slot].unrequestedCount > 0
    }

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

    /// Appends what to ask of a peer, as far as there is demand, and notes it as requested.
    mutating func pick(
        _ demand: Demand, for peer: PeerConnection, into picked: inout [BlockRun]
    ) {
        var demand = demand
        if isOnTrial(peer, { $0.newPiece(for: peer) }, &demand, &picked) { return }
        if isSequential {
            for slot in startedInOrder where !demand.isMet && isOpen(slot, to: peer) {
                take(slot, peer, &demand, &picked)
            }
        } else {
            pickStarted(peer, &demand, &picked)
        }
        while !demand.isMet, let piece = newPiece(for: peer) {
            take(start(piece, with: peer), peer, &demand, &picked)
        }
    }

    /// The same of a peer that chokes us, among the pieces that it allows all the same (BEP 6).
    mutating func pickAllowed(
        _ demand: Demand, for peer: PeerConnection, into picked: inout [BlockRun]
    ) {
        var demand = demand
        let allowed = peer.allowedFast.map(Int.init)
        if isOnTrial(
            peer, { picker in allowed.first { picker.wanted.contains($0) && peer.offers($0) } },
            &demand, &picked)
        {
            return
        }
        for piece in allowed where !demand.isMet {
            if let slot = active.slot(of: piece) {
                if isOpen(slot, to: peer) { take(slot, peer, &demand, &picked) }
            } else if wanted.contains(piece), peer.offers(piece) {
                take(start(piece, with: peer), peer, &demand, &picked)
            }
        }
    }

    /// Of whom nothing was right yet one piece is asked, and of nobody else: so it is soon known for
    /// what it is, and what it may spoil is that piece.
    /// - Parameter newPiece: gives the piece, if there is one that hasn't been begun.
    /// - Returns: false for who is proven, and where all has been begun: then it may help.
    private mutating func isOnTrial(
        _ peer: PeerConnection, _ newPiece: (inout PiecePicker) -> Int?, _ demand: inout Demand,
        _ picked: inout [BlockRun]
    ) -> Bool {
        let record = peer.record
        guard !record.isProven else { return false }
        if let piece = record.trialPiece {
            if let slot = active.slot(of: piece) {
                if isOpen(slot, to: peer), peer.mayBeAsked(for: piece) {
                    take(slot, peer, &demand, &picked)
                } else if !peer.offers(piece) {
                    // It refuses the rest: others send that, and it waits for the verdict.
                    _ = share(slot)
                }
                return true
            }
            record.trialPiece = nil
            // It has failed: whoever is asked for it now is convicted by it, or proven.
            if wanted.contains(piece), peer.offers(piece), peer.mayBeAsked(for: piece) {
                return beginTrial(piece, peer, &demand, &picked)
            }
        }
        guard let piece = newPiece(&self) else { return false }
        return beginTrial(piece, peer, &demand, &picked)
    }

    private mutating func beginTrial(
        _ piece: Int, _ peer: PeerConnection, _ demand: inout Demand, _ picked: inout [BlockRun]
    ) -> Bool {
        peer.record.trialPiece = piece
        take(start(piece, with: peer), peer, &demand, &picked)
        return true
    }

    /// The same of a peer that knows what nobody else has: that, and what was begun with it.
    mutating func pickSuggested(
        _ demand: Demand, for peer: PeerConnection, into picked: inout [BlockRun]
    ) {
        var demand = demand
        pickSuggested(peer, &demand, &picked)
    }

    private mutating func pickSuggested(
        _ peer: PeerConnection, _ demand: inout Demand, _ picked: inout [BlockRun]
    ) {
        if isOpen(peer.currentSlot, to: peer) { take(peer.currentSlot, peer, &demand, &picked) }
        // What nobody else has comes before what others can give as well.
        for piece in peer.suggested.map(Int.init)
        where !demand.isMet && wanted.contains(piece) && availability[piece] == 0
            && peer.offers(piece)
        {
            take(start(piece, with: peer), peer, &demand, &picked)
        }
    }

    private mutating func pickStarted(
        _ peer: PeerConnection, _ demand: inout Demand, _ picked: inout [BlockRun]
    ) {
        pickSuggested(peer, &demand, &picked)
        var position = 0
        while !demand.isMet, position < active.partial.count {
            let slot = active.partial[position]
            if isOpen(slot, to: peer) { take(slot, peer, &demand, &picked) }
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
        return piece.owner == 0 || piece.owner == peer.record.id
    }

    /// Asks the peer for what is left of a piece, but for what it was asked before and gave late.
    private mutating func take(
        _ slot: Int, _ peer: PeerConnection, _ demand: inout Demand, _ picked: inout [BlockRun]
    ) {
        let piece = active.pieces[slot].index
        var next = 0
        while !demand.isMet, let block = active.unrequestedBlock(in: slot, from: next) {
            var limit = demand.longestRun
            if peer.pipeline.lateCount > 0 {
                limit =
                    (0..<limit).prefix { count in
                        peer.pipeline.index(piece: piece, block: block + count) == nil
                    }.count
            }
            next = block + 1
            guard limit > 0 else { continue }
            let count = active.requestRun(slot: slot, block: block, limit: limit)
            next = block + count
            picked.append(BlockRun(piece: piece, block: block, count: count))
            demand.meet(count)
        }
        peer.currentSlot = slot
    }

    private mutating func start(_ piece: Int, with peer: PeerConnection) -> Int {
        wanted.remove(piece)
        let isAlone = singleSourcePieces.contains(piece) || peer.record.trialPiece == piece
        return active.start(piece, owner: isAlone ? peer.record.id : 0)
    }

    /// The piece to be started with this peer: the rarest, among them what it suggests (BEP 6), or
    /// any of them at the very beginning.
    private mutating func newPiece(for peer: PeerConnection) -> Int? {
        guard !wanted.isEmpty else { return nil }
        let offered = peer.offeredPieces
        // What failed comes first, so that its senders are soon known for what they are.
        let failed = singleSourcePieces.filter { wanted.contains($0) && offered.contains($0) }
        if let piece = failed.min() { return piece }
        if isSequential { return wanted.firstMember(sharedWith: offered) }
        let isRandom = randomPiecesLeft > 0
        let suggested = peer.suggested
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
                let rarity = isRandom ? 0 : UInt64(availability[piece]) * 2
                let isSuggested = !suggested.isEmpty && suggested.contains(UInt32(piece))
                let rank = isSuggested ? rarity : rarity + 1
                let key = rank << 32 | UInt64(Self.shuffle(UInt32(piece), salt))
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

    /// A block that a peer was expected to send may not come in time: others may be asked.
    mutating func expire(piece: Int, block: Int, by id: UInt32) {
        drop(piece, block, id, isLate: true)
    }

    /// A block that a peer was asked for won't come, whether it was expected or had been given up
    /// (`isLate`).
    mutating func forget(piece: Int, block: Int, by id: UInt32, isLate: Bool) {
        guard isLate else { return drop(piece, block, id, isLate: false) }
        guard let slot = active.slot(of: piece) else { return }
        active.dropLateRequest(slot: slot, block: block, contributor: id)
    }

    private mutating func drop(_ piece: Int, _ block: Int, _ id: UInt32, isLate: Bool) {
        guard let slot = active.slot(of: piece) else { return }
        let isUntouched = active.dropRequest(
            slot: slot, block: block, contributor: id, isLate: isLate)
        if isUntouched { reopen(slot) }
        epoch += 1
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

    /// Blocks have come as a whole that only this peer was asked for. Returns whether the piece is
    /// to be verified; nil when others were asked, or some is there already.
    mutating func completeRun(slot: Int, _ run: BlockRun, by id: UInt32) -> Bool? {
        active.completeRun(slot: slot, run.blocks, contributor: id)
    }

    /// Who sent each block of a piece that is being verified; nil when it isn't.
    func sendersOfVerifying(_ piece: Int) -> [UInt32]? {
        guard let slot = active.slot(of: piece), active.pieces[slot].phase == .verifying else {
            return nil
        }
        return active.contributors(in: slot)
    }

    /// The piece being verified has its hash.
    mutating func succeeded(_ piece: Int) {
        guard let slot = active.slot(of: piece) else { return }
        active.end(slot)
        randomPiecesLeft -= 1
        // Who was waiting for this verdict may be asked for more.
        if singleSourcePieces.remove(piece) != nil { epoch += 1 }
    }

    /// The piece being verified hasn't its hash, and is to be fetched again: after it was examined,
    /// from one peer alone, when it came from several.
    mutating func failed(_ piece: Int, isExamined: Bool) {
        guard let slot = active.slot(of: piece) else { return }
        guard isExamined else { return reopen(slot) }
        singleSourcePieces.insert(piece)
        active.examine(slot)
    }

    /// The blocks of a failed piece are known by their fingerprints. Returns false when it wasn't
    /// being examined.
    mutating func examined(_ piece: Int) -> Bool {
        guard let slot = active.slot(of: piece), active.pieces[slot].phase == .examining else {
            return false
        }
        reopen(slot)
        return true
    }

    /// Lets others help with a piece that one was to send alone; false for one that has failed.
    mutating func share(_ slot: Int) -> Bool {
        let piece = active.pieces[slot]
        if piece.owner == 0 { return true }
        if singleSourcePieces.contains(piece.index) { return false }
        active.disown(slot)
        epoch += 1
        return true
    }

    /// Lets anyone send the rest of the pieces that only this peer was to send.
    mutating func disown(_ id: UInt32) {
        guard active.ownedCount > 0 else { return }
        for slot in active.pieces.indices
        where active.pieces[slot].phase == .collecting && active.pieces[slot].owner == id {
            active.disown(slot)
            epoch += 1
        }
    }

    /// The slot of a piece of which a late block has come; a piece given up is started again.
    private mutating func slotForLateBlock(of piece: Int, from peer: PeerConnection) -> Int? {
        if let slot = active.slot(of: piece) {
            let owner = active.pieces[slot].owner
            return owner == 0 || owner == peer.record.id ? slot : nil
        }
        return wanted.contains(piece) ? start(piece, with: peer) : nil
    }

    private mutating func reopen(_ slot: Int) {
        wanted.insert(active.pieces[slot].index)
        active.end(slot)
        epoch += 1
    }
}
