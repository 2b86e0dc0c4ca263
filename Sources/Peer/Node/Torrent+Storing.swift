import Reactor

/// Blocks on their way into the files.
extension Torrent {
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) {
        if writes.append(bytes, at: offset) { return }
        flushWrites()
        let isTaken = writes.append(bytes, at: offset)
        assert(isTaken, "an empty batch takes anything")
    }

    func flushWrites() {
        guard !writes.isEmpty, let file = content.openFile(0),
            let code = writes.flush(to: file)
        else { return }
        fail(DiskFile.failure("writing", content.path, code))
    }

    /// Hashes a piece that is all in the files, off the loop's thread.
    func verify(_ piece: Int) {
        guard let download = content as? DownloadContent else {
            preconditionFailure("a share has nothing to verify")
        }
        node.diskWorkers.run {
            try download.matches(piece)
        } then: { [weak self] result in
            switch result {
            case .success(let isRight): self?.deliver(.verified(piece: piece, ok: isRight))
            case .failure(let error): self?.fail(CommandError(wrapping: error))
            }
        }
    }
}
