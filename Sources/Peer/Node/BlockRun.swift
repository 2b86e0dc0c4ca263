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

/// The open files that a run of blocks lies in: mostly one.
struct OpenFiles: Sendable {
    private(set) var all: [(place: ContentLayout.Place, file: SharedFile)] = []

    subscript(place: ContentLayout.Place) -> SharedFile? {
        all.last { $0.place == place }?.file
    }

    mutating func add(_ file: SharedFile, at place: ContentLayout.Place) {
        all.append((place, file))
    }
}
