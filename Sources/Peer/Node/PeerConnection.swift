import PeerCore
import Reactor
import Wire

/// The socket of one peer of one torrent, or of a metadata fetch.
final class PeerConnection: StreamDelegate {
    /// Below this many queued bytes the core may release more blocks. Little, since what is queued
    /// goes out even to a peer that is choked meanwhile.
    private static let lowWaterMark = 16 << 10
    private static let connectTimeout: Duration = .seconds(10)

    let id: ConnectionID
    let endpoint: Endpoint
    private(set) var stream: Stream!
    /// Nil once the owner has let go of the connection, which may still be sending its last bytes.
    private var owner: (any ConnectionOwner)?
    private var isConnected = false
    /// Who it is, in a sealed group.
    private(set) var sealedPeer: SealedPeer?
    /// Counted as half-open.
    private(set) var isDialling = false
    /// Released blocks that wait for their turn at the upload limit, in order.
    var held: [BlockRequest] = []
    /// It is in the queue for a turn.
    var awaitsTurn = false
    /// Bytes that it may still send of its turns; negative: that it sent ahead.
    var turnBytes = 0
    /// Released blocks whose bytes aren't in memory, in order.
    private(set) var waiting: [BlockRequest] = []
    /// It is in its torrent's queue for them, or being read for.
    var awaitsBytes = false
    /// A worker reads in blocks that come before those that wait.
    var isReading = false

    init(owner: any ConnectionOwner, id: ConnectionID, endpoint: Endpoint) {
        self.owner = owner
        self.id = id
        self.endpoint = endpoint
    }

    func connect(on node: Node) {
        isDialling = true
        stream = Stream.connect(
            loop: node.loop, to: SocketAddress(endpoint), timeout: Self.connectTimeout,
            delegate: self)
        stream.lowWaterMark = Self.lowWaterMark
        stream.readBudget = node.readBudget
        guard let owner, let group = owner.sealedGroup else { return }
        node.secure(stream, to: owner.infoHash, group)
    }

    /// Takes over a stream whose handshake was read by another delegate.
    func adopt(_ stream: Stream) {
        self.stream = stream
        stream.delegate = self
        stream.lowWaterMark = Self.lowWaterMark
        isConnected = true
        sealedPeer = stream.tlsPeer.flatMap { SealedPeer($0, at: stream.loop.now) }
    }

    /// Closes at once, for a reason that lies here.
    func drop() {
        stream.close()
        ended()
    }

    func close() {
        owner = nil
        stream.close()
    }

    /// Closes once everything that was written has been sent.
    func closeAfterFlush() {
        owner = nil
        stream.closeAfterFlush()
    }

    /// Whether more may be queued in the stream.
    var hasRoomInStream: Bool { stream.queuedByteCount <= Self.lowWaterMark }

    /// Whether the core may release more blocks.
    var hasRoom: Bool { held.isEmpty && !awaitsBytes && hasRoomInStream }

    func wait(_ blocks: [BlockRequest]) { waiting += blocks }

    func takeWaiting() -> [BlockRequest] {
        defer { waiting = [] }
        return waiting
    }

    /// Queues `piece` messages: before each block 13 bytes of header, then the block from the files
    /// it lies in.
    func send(
        _ blocks: BlockStretch, of layout: ContentLayout, in files: OpenFiles, _ info: Info
    ) {
        let headerLength = PeerMessage.pieceHeaderLength
        guard let span = layout.span(of: blocks.range(in: info)), span.place != .pad else {
            for index in 0..<blocks.count { send(blocks[index], of: layout, in: files, info) }
            return
        }
        let file = files.file(at: span.place)
        withUnsafeTemporaryAllocation(byteCount: blocks.count * headerLength, alignment: 1) {
            for index in 0..<blocks.count {
                PeerMessage.writePieceHeader(
                    for: blocks[index], to: $0.baseAddress! + index * headerLength)
            }
            stream.write(
                UnsafeRawBufferPointer($0), headerLength: headerLength, count: blocks.count,
                file: file, offset: span.offset, rangeLength: Int(blocks.first.length))
        }
    }

    /// The same for a block that lies in several places.
    private func send(
        _ block: BlockRequest, of layout: ContentLayout, in files: OpenFiles, _ info: Info
    ) {
        stream.write(PeerMessage.pieceHeader(for: block))
        layout.forEachSpan(of: BlockStretch(block).range(in: info)) { span in
            if span.place == .pad { return writeZeros(span.length) }
            stream.write(
                file: files.file(at: span.place), offset: span.offset, length: span.length)
        }
    }

    private func writeZeros(_ count: Int) {
        var left = count
        Zeros.bytes.withUnsafeBytes { zeros in
            while left > 0 {
                let step = min(left, zeros.count)
                stream.write(UnsafeRawBufferPointer(rebasing: zeros[..<step]))
                left -= step
            }
        }
    }

    /// Sends what its turn at the upload limit allows.
    /// - Returns: the bytes.
    func takeTurn(quantum: Int) -> Int {
        owner?.giveTurn(to: self, quantum: quantum) ?? 0
    }

    // MARK: StreamDelegate

    func streamDidConnect(_ stream: Stream) {
        isConnected = true
        sealedPeer = stream.tlsPeer.flatMap { SealedPeer($0, at: stream.loop.now) }
        isDialling = false
        owner?.node.dialEnded()
        owner?.deliver(.connected(id, endpoint))
    }

    func stream(_ stream: Stream, didReceive bytes: UnsafeRawBufferPointer) {
        owner?.receive(bytes, from: id)
    }

    func streamDidReceiveEnd(_ stream: Stream) {
        stream.close()
        ended()
    }

    func streamDidDrain(_ stream: Stream) {
        if !held.isEmpty {
            owner?.node.uploads.enqueue(self)
        } else if !awaitsBytes {
            owner?.deliver(.drained(id))
        }
    }

    func stream(_ stream: Stream, didClose reason: CloseReason) {
        switch reason {
        case .fileEnded, .fileFailed: owner?.fileBroke()
        default: break
        }
        ended()
    }

    private func ended() {
        guard let owner, owner.letGo(of: id) != nil else { return }
        self.owner = nil
        owner.deliver(isConnected ? .closed(id) : .connectFailed(endpoint))
    }
}
