import Wire

@testable import PeerCore

/// One real swarm that has everything, its uplink, and any number of leechers that are not: they
/// ask for block after block, and count what comes.
///
/// The uplink serves the sockets in turn, as the kernel does. Time goes in steps of 10 ms.
final class LeecherCrowd {
    struct Leecher {
        let id: ConnectionID
        /// What it takes, in bytes a second; 0 reads nothing.
        let rate: Int
        var isUnchoked = false
        var outstanding = 0
        var nextBlock = 0
        /// Bytes of blocks that wait in the socket, and of the one that is going out.
        var queued = 0
        var partial = 0
        var received = 0
        /// Blocks were handed out since `drained` was last reported.
        var owesDrained = false
    }

    private let geometry: TorrentGeometry
    private(set) var swarm: Swarm
    private(set) var now = Instant(nanoseconds: 1_000_000_000_000)
    private(set) var leechers: [Leecher] = []
    private let uplink: Int
    private var outputs = SwarmOutputs()
    /// The leecher whose turn it is at the uplink.
    private var turn = 0
    private let depth = 16
    private static let step = Duration.milliseconds(10)
    private static let lowWaterMark = 16 << 10

    /// - Parameter uplink: in bytes a second.
    init(uplink: Int, _ configure: (inout SwarmConfiguration) -> Void = { _ in }) {
        geometry = TorrentGeometry(
            infoHash: SwarmScript.infoHash, length: 1 << 30, pieceLength: 1 << 20)
        var configuration = SwarmConfiguration()
        configure(&configuration)
        swarm = Swarm(
            geometry: geometry, have: Bitfield(fullOf: geometry.pieceCount),
            ownID: SwarmScript.peerID("m"), ownPort: 6881, configuration: configuration, seed: 1)
        self.uplink = uplink
        tell(.start)
    }

    var unchokedCount: Int { leechers.filter(\.isUnchoked).count }

    /// - Parameter rate: what each of them takes, in bytes a second.
    func add(_ count: Int, rate: Int = .max) {
        for _ in 0..<count {
            let index = leechers.count
            let id = ConnectionID(slot: UInt32(index), generation: 1)
            leechers.append(Leecher(id: id, rate: rate))
            let bytes = (0..<20).map { UInt8(truncatingIfNeeded: index >> (8 * ($0 % 4))) }
            let endpoint = Endpoint(
                address: IPAddress(ipv4: 0x0a00_0000 + UInt32(index)), port: 50_000)
            let handshake = Handshake(
                infoHash: geometry.infoHash, peerID: PeerID(bytes)!)
            tell(.accepted(id, endpoint, handshake))
            say(.interested, index)
        }
    }

    func tell(_ event: SwarmEvent) {
        swarm.receive(event, at: now, into: &outputs)
        let actions = outputs.actions
        let bytes = outputs.bytes
        outputs.removeAll()
        for action in actions {
            switch action {
            case .send(let id, let range): read(bytes[range], Int(id.slot))
            case .sendBlock(let id, let request):
                leechers[Int(id.slot)].queued += Int(request.length)
                leechers[Int(id.slot)].owesDrained = true
            default: break
            }
        }
    }

    private func say(_ message: PeerMessage, _ index: Int) {
        send(message.encoded(), index)
    }

    private func send(_ bytes: [UInt8], _ index: Int) {
        bytes.withUnsafeBytes { tell(.received(leechers[index].id, $0)) }
    }

    private func read(_ bytes: ArraySlice<UInt8>, _ index: Int) {
        var rest = bytes
        if rest.first == Handshake.firstByte { rest = rest.dropFirst(Handshake.length) }
        while rest.count >= 4 {
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            if length == 1, rest[rest.startIndex + 4] <= PeerMessage.ID.unchoke {
                leechers[index].isUnchoked = rest[rest.startIndex + 4] == PeerMessage.ID.unchoke
                // Without the fast extension a choke drops what was asked for.
                leechers[index].outstanding = 0
            }
            rest = rest.dropFirst(4 + length)
        }
    }

    /// Lets so much time pass.
    func run(for duration: Duration) {
        let end = now.advanced(by: duration)
        while now < end {
            now = now.advanced(by: Self.step)
            while let deadline = swarm.nextDeadline, deadline <= now { tell(.deadline) }
            for index in leechers.indices { ask(index) }
            transmit(uplink / 100)
            for index in leechers.indices { reportRoom(index) }
        }
    }

    private func ask(_ index: Int) {
        guard leechers[index].isUnchoked, leechers[index].outstanding <= depth / 2 else { return }
        var bytes: [UInt8] = []
        while leechers[index].outstanding < depth {
            let block = leechers[index].nextBlock
            leechers[index].nextBlock += 1
            leechers[index].outstanding += 1
            let piece = (block / geometry.blocksPerPiece) % geometry.pieceCount
            let run = BlockRun(piece: piece, block: block % geometry.blocksPerPiece)
            PeerMessage.request(geometry.request(for: run)).encode(into: &bytes)
        }
        send(bytes, index)
    }

    /// A step's worth of the uplink, a block for each in turn.
    private func transmit(_ budget: Int) {
        var budget = budget
        var taken = [Int](repeating: 0, count: leechers.count)
        var idle = 0
        while budget > 0, idle < leechers.count {
            turn = (turn + 1) % leechers.count
            let room = leechers[turn].rate / 100 - taken[turn]
            let count = min(leechers[turn].queued, geometry.blockLength, budget, room)
            guard count > 0 else {
                idle += 1
                continue
            }
            idle = 0
            budget -= count
            taken[turn] += count
            take(count, turn)
        }
    }

    private func take(_ count: Int, _ index: Int) {
        leechers[index].queued -= count
        leechers[index].received += count
        leechers[index].partial += count
        while leechers[index].partial >= geometry.blockLength {
            leechers[index].partial -= geometry.blockLength
            leechers[index].outstanding = max(leechers[index].outstanding - 1, 0)
        }
    }

    private func reportRoom(_ index: Int) {
        guard leechers[index].owesDrained, leechers[index].queued <= Self.lowWaterMark else {
            return
        }
        leechers[index].owesDrained = false
        tell(.drained(leechers[index].id))
    }
}
