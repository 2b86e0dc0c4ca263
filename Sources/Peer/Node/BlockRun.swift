import PeerCore
import Reactor
import Wire

/// Blocks that one connection is given together.
struct BlockRun {
    private(set) var connection: ConnectionID?
    private(set) var blocks: [BlockRequest] = []

    mutating func append(_ block: BlockRequest, for id: ConnectionID) {
        connection = id
        blocks.append(block)
    }

    /// Forgets the blocks; keeps the memory.
    mutating func removeAll() {
        connection = nil
        blocks.removeAll(keepingCapacity: true)
    }
}

/// Blocks of one piece and one length that follow each other: what a peer mostly asks for.
struct BlockStretch {
    let first: BlockRequest
    private(set) var count = 1

    init(_ first: BlockRequest) {
        self.first = first
    }

    /// Whether the block goes on where this ends; then it is part of it now.
    mutating func extend(by block: BlockRequest) -> Bool {
        guard block.piece == first.piece, block.length == first.length,
            Int(block.begin) == Int(first.begin) + count * Int(first.length)
        else { return false }
        count += 1
        return true
    }

    /// Of the blocks, in order.
    subscript(index: Int) -> BlockRequest {
        var block = first
        block.begin += UInt32(index) * first.length
        return block
    }

    /// The piece space's part that the blocks are.
    func range(in info: Info) -> Range<Int64> {
        let start = info.offset(ofPiece: Int(first.piece)) + Int64(first.begin)
        return start..<start + Int64(first.length) * Int64(count)
    }
}

extension [BlockRequest] {
    /// Gives all blocks, in order, those together that follow each other.
    func forEachStretch(_ body: (BlockStretch) -> Void) {
        guard var stretch = first.map(BlockStretch.init) else { return }
        for block in dropFirst() where !stretch.extend(by: block) {
            body(stretch)
            stretch = BlockStretch(block)
        }
        body(stretch)
    }
}

/// The open files that a run of blocks lies in: mostly one.
struct OpenFiles: Sendable {
    private(set) var all: [(place: ContentLayout.Place, file: SharedFile)] = []

    subscript(place: ContentLayout.Place) -> SharedFile? {
        all.last { $0.place == place }?.file
    }

    /// The file at a place that is among them.
    func file(at place: ContentLayout.Place) -> SharedFile {
        guard let file = self[place] else { preconditionFailure("a run's files are open") }
        return file
    }

    mutating func add(_ file: SharedFile, at place: ContentLayout.Place) {
        all.append((place, file))
    }
}
