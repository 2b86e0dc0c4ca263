import PeerCore
import Reactor
import Wire

/// Blocks on their way to peers.
///
/// The blocks that the core releases to a connection together are a run. A run whose files are open
/// goes into the connection's stream at once; else a worker opens them, and the run, with those
/// that come for the connection meanwhile, waits for it.
extension Torrent {
    /// Sends what was gathered.
    func serveRun() {
        guard let id = run.connection else { return }
        defer { run.removeAll() }
        guard let connection = connections[id] else { return }
        if node.uploads.isLimited || !connection.held.isEmpty {
            connection.held.append(contentsOf: run.blocks)
            node.uploads.enqueue(connection)
        } else {
            serve(run.blocks, on: connection)
        }
    }

    /// Sends a quantum's worth of the blocks that the upload limit holds back, as far as the
    /// connection takes them; what goes over it is taken off its next turn.
    /// - Returns: the bytes.
    func giveTurn(to connection: PeerConnection, quantum: Int) -> Int {
        guard isRunning, !connection.held.isEmpty, connection.hasRoomInStream else { return 0 }
        let allowed = connection.turnBytes.addingReportingOverflow(quantum)
        var left = allowed.overflow ? .max : allowed.partialValue
        var count = 0
        var bytes = 0
        while count < connection.held.count, left > 0 {
            let length = PeerMessage.pieceHeaderLength + Int(connection.held[count].length)
            left -= length
            bytes += length
            count += 1
        }
        let blocks = Array(connection.held.prefix(count))
        connection.held.removeFirst(count)
        connection.turnBytes = min(left, 0)
        serve(blocks, on: connection)
        settle()
        if !connection.held.isEmpty { node.uploads.enqueue(connection) }
        return bytes
    }

    private func serve(_ blocks: [BlockRequest], on connection: PeerConnection) {
        if connection.waiting.isEmpty, let files = openFiles(of: blocks) {
            send(blocks, from: files, on: connection)
        } else {
            connection.waiting.append(contentsOf: blocks)
            prepare(connection)
        }
    }

    private func send(
        _ blocks: [BlockRequest], from files: OpenFiles, on connection: PeerConnection
    ) {
        guard isUnchanged(files) else { return }
        for block in blocks { connection.send(block, of: content.layout, in: files, info) }
        if refilled.last != connection.id { refilled.append(connection.id) }
    }

    /// The files that blocks lie in, if all of them are open.
    private func openFiles(of blocks: [BlockRequest]) -> OpenFiles? {
        var files = OpenFiles()
        for block in blocks {
            var isOpen = true
            content.layout.forEachSpan(of: info.range(of: block)) { span in
                guard span.place != .pad, files[span.place] == nil else { return }
                if let file = content.openFile(span.place) {
                    files.add(file, at: span.place)
                } else {
                    isOpen = false
                }
            }
            guard isOpen else { return nil }
        }
        return files
    }

    // MARK: Files that aren't open

    /// Has a worker open the files of what waits, and sends it then.
    private func prepare(_ connection: PeerConnection) {
        guard !connection.isPreparing else { return }
        connection.isPreparing = true
        let (id, content, info, blocks) = (connection.id, content, info, connection.waiting)
        node.diskWorkers.run {
            try Self.open(blocks, info, content)
        } then: { [weak self] result in
            self?.prepared(blocks.count, id, result)
        }
    }

    private static func open(
        _ blocks: [BlockRequest], _ info: Info, _ content: any Content
    ) throws(CommandError) -> OpenFiles {
        var files = OpenFiles()
        for block in blocks {
            try content.layout.forEachSpan(of: info.range(of: block)) {
                span throws(CommandError) in
                guard span.place != .pad, files[span.place] == nil else { return }
                files.add(try content.open(span.place), at: span.place)
            }
        }
        return files
    }

    private func prepared(_ count: Int, _ id: ConnectionID, _ result: Result<OpenFiles, any Error>)
    {
        guard isRunning else { return }
        switch result {
        case .failure(let error):
            fail(CommandError(wrapping: error))
        case .success(let files):
            guard let connection = connections[id] else { return }
            connection.isPreparing = false
            let blocks = Array(connection.waiting.prefix(count))
            connection.waiting.removeFirst(count)
            send(blocks, from: files, on: connection)
            guard isRunning else { return }
            if !connection.waiting.isEmpty { prepare(connection) }
            settle()
        }
    }

    // MARK: Files that changed

    /// Whether shared files are still what was hashed; looked at once a second at most. One that
    /// isn't ends the share.
    private func isUnchanged(_ files: OpenFiles) -> Bool {
        let now = node.now
        guard lastIdentityCheck.duration(to: now) > .seconds(1) else { return true }
        lastIdentityCheck = now
        for (place, file) in files.all where !content.isUnchanged(place, file) {
            fail(SharedContent.changed(content.path(of: place)))
            return false
        }
        return true
    }
}

extension Info {
    /// The piece space's part that a block is.
    func range(of block: BlockRequest) -> Range<Int64> {
        let start = offset(ofPiece: Int(block.piece)) + Int64(block.begin)
        return start..<start + Int64(block.length)
    }
}
