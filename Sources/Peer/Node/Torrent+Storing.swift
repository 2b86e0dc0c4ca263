import PeerCore
import Reactor

/// Blocks on their way into the files: gathered in memory, stored and hashed by workers.
extension Torrent {
    /// Takes a fragment of a block.
    func store(_ bytes: UnsafeRawBufferPointer, piece: Int, begin: Int) {
        let staged = staged[piece] ?? beginStaging(piece)
        staged.store(bytes, at: begin)
        // A piece of a single segment waits for the core's word that it is whole.
        if staged.length > StagedPiece.maxSegmentLength { advance(staged) }
        if node.staging.isOverLimit { relieveMemory() }
    }

    private func beginStaging(_ piece: Int) -> StagedPiece {
        let new = StagedPiece(
            piece: piece, length: info.length(ofPiece: piece), pool: node.staging)
        staged[piece] = new
        while let oldest = stagingOrder.first, staged[oldest] == nil {
            _ = stagingOrder.removeFirst()
        }
        stagingOrder.append(piece)
        return new
    }

    /// Hashes a piece that is all there, and answers the core.
    func verify(_ piece: Int, isUrgent: Bool) {
        guard let staged = staged[piece] else { preconditionFailure("a piece without bytes") }
        staged.awaitsVerdict = true
        advance(staged)
        let isLast = swarm.isAllRequested && self.staged.values.allSatisfy(\.awaitsVerdict)
        if isUrgent || isLast { node.verifier.flush() }
    }

    private func advance(_ staged: StagedPiece) {
        guard !staged.isBusy else { return }
        let parcels = staged.takeWhole()
        guard !parcels.isEmpty, let download = content as? DownloadContent else { return }
        staged.isBusy = true
        let (piece, hash) = (staged.piece, staged.hash)
        let parcel = parcels[0]
        if parcel.length == staged.length, parcel.isWhole {
            let work = PieceVerifier.Work(content: download, piece: piece, parcel: parcel)
            node.verifier.verify(work) { [self] in
                taken(parcels, of: staged, $0.map(Optional.some))
            }
        } else {
            node.diskWorkers.run {
                try download.take(parcels, of: piece, hash)
            } then: { [self] in
                taken(parcels, of: staged, $0)
            }
        }
    }

    /// A worker has stored and hashed what it was given of a piece.
    /// - Parameter result: whether the piece has its hash; nil: more of it is to come.
    private func taken(
        _ parcels: [StagedPiece.Parcel], of staged: StagedPiece, _ result: Result<Bool?, any Error>
    ) {
        staged.takeBack(parcels)
        staged.isBusy = false
        guard self.staged[staged.piece] === staged else { return }
        switch result {
        case .failure(let error): fail(CommandError(wrapping: error))
        case .success(nil): advance(staged)
        case .success(let isRight?):
            precondition(staged.awaitsVerdict, "the core knows when a piece is whole")
            self.staged[staged.piece] = nil
            deliver(.verified(piece: staged.piece, ok: isRight))
        }
    }

    /// A peer has gone, maybe in the middle of a block that nobody else may ever send: what it
    /// left must not stay in memory.
    func peerHasGone() {
        if !staged.isEmpty { relieveMemory() }
    }

    func endStaging() {
        node.verifier.flush()
        staged.removeAll()
        stagingOrder.removeAll()
    }

    /// Stores what came of the piece that was begun first, whole or not, so that its memory is
    /// free; it is read back when it is hashed.
    private func relieveMemory() {
        guard let download = content as? DownloadContent else { return }
        // Their turn comes again.
        var passed: [Int] = []
        defer { for piece in passed { stagingOrder.append(piece) } }
        while !stagingOrder.isEmpty {
            let piece = stagingOrder.removeFirst()
            guard let staged = staged[piece] else { continue }
            let parcels = staged.isBusy ? [] : staged.takeAll()
            guard !parcels.isEmpty else {
                passed.append(piece)
                continue
            }
            staged.isBusy = true
            node.diskWorkers.run {
                for parcel in parcels { try download.store(parcel, of: piece) }
            } then: { [self] result in
                staged.takeBack(parcels)
                staged.isBusy = false
                guard self.staged[piece] === staged else { return }
                switch result {
                case .failure(let error): fail(CommandError(wrapping: error))
                case .success:
                    stagingOrder.append(piece)
                    advance(staged)
                }
            }
            return
        }
    }

    /// Hashes each block of a piece by itself, off the loop's thread: a bad one is told by it.
    func fingerprint(_ piece: Int) {
        let (content, geometry) = (content, swarm.geometry)
        let start = info.offset(ofPiece: piece)
        node.diskWorkers.run {
            try (0..<geometry.blockCount(ofPiece: piece)).map { block in
                let begin = start + Int64(block * geometry.blockLength)
                let length = Int64(geometry.length(ofBlock: block, inPiece: piece))
                let digest = try content.digest(of: begin..<begin + length)
                return digest.bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            }
        } then: { [weak self] result in
            switch result {
            case .success(let fingerprints):
                self?.deliver(.fingerprinted(piece: piece, fingerprints))
            case .failure(let error): self?.fail(CommandError(wrapping: error))
            }
        }
    }
}
