import Reactor
import Synchronization

/// The open descriptors of all shares and downloads of a node, as few as a bound allows: the one
/// that was used least lately is let go for a new one. Who still sends from it, or hashes it,
/// keeps it open until then.
///
/// For the loop's thread and for workers alike.
final class FileCache: Sendable {
    /// A file of a content.
    struct Key: Hashable, Sendable {
        let content: UInt64
        let place: ContentLayout.Place
    }

    /// Entries are linked from the latest used to the least lately used, through their slots.
    fileprivate struct Entry {
        var key: Key
        var file: SharedFile?
        var newer: Int
        var older: Int
    }

    fileprivate struct State {
        var slots: [Entry] = []
        var free: [Int] = []
        var slotOfKey: [Key: Int] = [:]
        /// How many files of each content are here; contents without any are not in it.
        var counts: [UInt64: Int] = [:]
        var newest = none
        var oldest = none
        var lastContent: UInt64 = 0
    }

    fileprivate static let none = -1

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: descriptors held at a time, one at least.
    init(limit: Int = 512) {
        precondition(limit > 0, "a cache holds something")
        self.limit = limit
    }

    /// A number that no other content of this cache has.
    func newContent() -> UInt64 {
        state.withLock { state in
            state.lastContent += 1
            return state.lastContent
        }
    }

    /// The open file, if it is here. Never blocks.
    func cached(_ key: Key) -> SharedFile? {
        state.withLock { state in
            guard let slot = state.slotOfKey[key] else { return nil }
            state.moveToFront(slot)
            return state.slots[slot].file
        }
    }

    /// The open file, which `open` opens, and may block for, where it isn't here.
    func file(
        _ key: Key, opening open: () throws(CommandError) -> SharedFile
    ) throws(CommandError) -> SharedFile {
        if let file = cached(key) { return file }
        // Two threads may open the same file at once: then the later one's is dropped.
        let opened = try open()
        let (file, evicted) = state.withLock { $0.insert(opened, for: key, limit: limit) }
        // Closed here, outside the lock, if nobody else has it.
        withExtendedLifetime(evicted) {}
        return file
    }

    /// Lets go of all files of a content.
    func remove(content: UInt64) {
        let removed = state.withLock { state in
            guard state.counts[content] != nil else { return [SharedFile]() }
            let keys = state.slotOfKey.keys.filter { $0.content == content }
            return keys.compactMap { state.remove($0) }
        }
        withExtendedLifetime(removed) {}
    }

    /// Files held open.
    var count: Int { state.withLock { $0.slotOfKey.count } }
}

extension FileCache.State {
    /// - Returns: the file that is now cached, and the one that had to go for it.
    mutating func insert(
        _ file: SharedFile, for key: FileCache.Key, limit: Int
    ) -> (SharedFile, evicted: SharedFile?) {
        if let slot = slotOfKey[key], let present = slots[slot].file {
            moveToFront(slot)
            return (present, nil)
        }
        var evicted: SharedFile?
        if slotOfKey.count >= limit { evicted = remove(slots[oldest].key) }
        let entry = FileCache.Entry(
            key: key, file: file, newer: FileCache.none, older: FileCache.none)
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
            slots[slot] = entry
        } else {
            slot = slots.count
            slots.append(entry)
        }
        slotOfKey[key] = slot
        counts[key.content, default: 0] += 1
        pushFront(slot)
        return (file, evicted)
    }

    mutating func remove(_ key: FileCache.Key) -> SharedFile? {
        guard let slot = slotOfKey.removeValue(forKey: key) else { return nil }
        unlink(slot)
        free.append(slot)
        let left = (counts[key.content] ?? 1) - 1
        counts[key.content] = left > 0 ? left : nil
        return slots[slot].file.take()
    }

    mutating func moveToFront(_ slot: Int) {
        guard newest != slot else { return }
        unlink(slot)
        pushFront(slot)
    }

    private mutating func pushFront(_ slot: Int) {
        slots[slot].newer = FileCache.none
        slots[slot].older = newest
        if newest != FileCache.none { slots[newest].newer = slot }
        newest = slot
        if oldest == FileCache.none { oldest = slot }
    }

    private mutating func unlink(_ slot: Int) {
        let (newer, older) = (slots[slot].newer, slots[slot].older)
        if newer == FileCache.none { newest = older } else { slots[newer].older = older }
        if older == FileCache.none { oldest = newer } else { slots[older].newer = newer }
    }
}
