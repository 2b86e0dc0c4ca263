import PeerCore
import Reactor
import Wire

/// Blocks on their way to peers.
///
/// The blocks that the core releases to a connection together are a run. A run whose bytes are in
/// memory goes into the connection's stream at once; else it waits for a worker, and those that
/// come for the connection meanwhile wait behind it.
extension Torrent {
    /// Sends what was gathered.
    func serve(_ run: inout BlockRun) {
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
        if !connection.isReading, connection.waiting.isEmpty,
            case .ready(let files) = readiness(of: blocks)
        {
            send(blocks, from: files, on: connection)
        } else {
            connection.wait(blocks)
            awaitBytes(for: connection)
        }
    }

    func send(_ blocks: [BlockRequest], from files: OpenFiles, on connection: PeerConnection) {
        let layout = content.layout
        blocks.forEachStretch { connection.send($0, of: layout, in: files, info) }
        if refilled.last != connection.id { refilled.append(connection.id) }
    }
}
