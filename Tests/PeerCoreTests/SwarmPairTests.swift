import Testing
import Wire

@testable import PeerCore

/// Two swarms that dial each other; what is on its way arrives in any order that a network allows.
private final class SwarmPair {
    /// A connection: who dialled, and what is on its way to each end, in order.
    private struct Pipe {
        let dialler: Int
        var inbox: [[[UInt8]]] = [[], []]
        /// Whether the end has closed, and whether it knows that the other one has.
        var isClosed = [false, false]
        var isIntroduced: [Bool]
        var received: [UInt8] = []
    }

    /// A swarm can't be copied, and so not be in an array.
    private final class Side {
        var swarm: Swarm
        init(_ swarm: consuming Swarm) { self.swarm = swarm }
    }

    private var sides: [Side] = []
    private var pipes: [Pipe] = []
    private var dials: [Int] = []
    private let endpoints = ["10.0.0.1:6881", "10.0.0.2:6881"].map { Endpoint($0)! }
    private let now = Instant(nanoseconds: 1_000_000_000)
    private var random: SeededRandom

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
        let geometry = TorrentGeometry(
            infoHash: SwarmScript.infoHash, length: 1 << 20, pieceLength: 1 << 16)
        var names = ["a", "b"]
        if random.below(2) == 0 { names.reverse() }
        for (index, name) in names.enumerated() {
            let have =
                index == 0
                ? Bitfield(fullOf: geometry.pieceCount) : Bitfield(bitCount: geometry.pieceCount)
            let swarm = Swarm(
                geometry: geometry, have: have, ownID: SwarmScript.peerID(name), ownPort: 6881,
                seed: seed)
            sides.append(Side(swarm))
        }
        for index in 0..<2 {
            tell(.start, index)
            tell(.announced(interval: .seconds(60), peers: [endpoints[1 - index]]), index)
        }
    }

    /// The connections that each of them has, by their number.
    var alive: [[Int]] {
        (0..<2).map { end in pipes.indices.filter { !pipes[$0].isClosed[end] } }
    }

    var activeCounts: [Int] { (0..<2).map { sides[$0].swarm.activeCount } }

    func run() {
        while step() {}
    }

    /// Lets one thing that is on its way arrive.
    private func step() -> Bool {
        var moves: [() -> Void] = []
        for (position, dialler) in dials.enumerated() {
            moves.append { [unowned self] in
                dials.remove(at: position)
                pipes.append(
                    Pipe(dialler: dialler, isIntroduced: [dialler == 0, dialler == 1]))
                tell(.connected(id(pipes.count - 1), endpoints[1 - dialler]), dialler)
            }
        }
        for pipe in pipes.indices {
            for end in 0..<2 {
                if let first = pipes[pipe].inbox[end].first {
                    moves.append { [unowned self] in
                        pipes[pipe].inbox[end].removeFirst()
                        arrive(first, pipe, end)
                    }
                } else if pipes[pipe].isClosed[1 - end], !pipes[pipe].isClosed[end] {
                    moves.append { [unowned self] in
                        pipes[pipe].isClosed[end] = true
                        tell(.closed(id(pipe)), end)
                    }
                }
            }
        }
        guard !moves.isEmpty else { return false }
        moves[random.below(moves.count)]()
        return true
    }

    private func id(_ pipe: Int) -> ConnectionID {
        ConnectionID(slot: UInt32(pipe), generation: 1)
    }

    private func arrive(_ bytes: [UInt8], _ pipe: Int, _ end: Int) {
        guard !pipes[pipe].isClosed[end] else { return }
        var bytes = bytes
        if !pipes[pipe].isIntroduced[end] {
            pipes[pipe].isIntroduced[end] = true
            let handshake = try! Handshake.decode([UInt8](bytes.prefix(Handshake.length)))
            bytes = [UInt8](bytes.dropFirst(Handshake.length))
            let origin = Endpoint(
                address: endpoints[1 - end].address, port: UInt16(40_000 + pipe))
            tell(.accepted(id(pipe), origin, handshake), end)
        }
        guard !bytes.isEmpty, !pipes[pipe].isClosed[end] else { return }
        bytes.withUnsafeBytes { tell(.received(id(pipe), $0), end) }
    }

    private func tell(_ event: SwarmEvent, _ index: Int) {
        var outputs = SwarmOutputs()
        sides[index].swarm.receive(event, at: now, into: &outputs)
        for action in outputs.actions {
            switch action {
            case .connect: dials.append(index)
            case .send(let id, let range):
                pipes[Int(id.slot)].inbox[1 - index].append([UInt8](outputs.bytes[range]))
            case .close(let id, _): pipes[Int(id.slot)].isClosed[index] = true
            default: break
            }
        }
    }
}

struct SwarmPairTests {
    @Test(arguments: UInt64(0)..<200)
    func `of two that dial each other at the same time exactly one connection survives`(
        seed: UInt64
    ) {
        let pair = SwarmPair(seed: seed)
        pair.run()
        #expect(pair.activeCounts == [1, 1])
        let alive = pair.alive
        #expect(alive[0].count == 1)
        #expect(alive[0] == alive[1])
    }
}
