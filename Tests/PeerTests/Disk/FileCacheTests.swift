import Reactor
import Testing

@testable import Peer

@Suite struct FileCacheTests {
    private let cache = FileCache(limit: 3)

    private func key(_ file: Int, of content: UInt64 = 1) -> FileCache.Key {
        FileCache.Key(content: content, place: .file(file))
    }

    @discardableResult
    private func open(_ key: FileCache.Key) throws -> SharedFile {
        try cache.file(key) { () throws(CommandError) in
            try DiskFile.openForReading("/proc/self/stat")
        }
    }

    @Test func `a file is opened once and found from then on`() throws {
        #expect(cache.cached(key(0)) == nil)
        let file = try open(key(0))
        #expect(cache.cached(key(0)) === file)
        let again = try cache.file(key(0)) { () throws(CommandError) in
            throw CommandError("opened twice")
        }
        #expect(again === file)
    }

    @Test func `what was used least lately goes for a new file`() throws {
        for index in 0..<3 { try open(key(index)) }
        #expect(cache.cached(key(0)) != nil)
        try open(key(3))
        #expect(cache.count == 3)
        #expect(cache.cached(key(1)) == nil)
        for index in [0, 2, 3] { #expect(cache.cached(key(index)) != nil) }
    }

    @Test func `no order of uses makes it hold more than its limit`() throws {
        var last: [Int] = []
        for index in [0, 1, 0, 2, 3, 3, 1, 4, 5, 4, 0, 5, 6, 2] {
            try open(key(index))
            last.removeAll { $0 == index }
            last.append(index)
            #expect(cache.count == min(last.count, 3))
            for kept in last.suffix(3).dropLast() + last.suffix(1) {
                #expect(cache.cached(key(kept)) != nil)
            }
        }
    }

    @Test func `a file that went stays open for who still has it`() throws {
        let file = try open(key(0))
        for index in 1..<4 { try open(key(index)) }
        #expect(cache.cached(key(0)) == nil)
        #expect(DiskFile.identity(of: file) != nil)
    }

    @Test func `a descriptor is closed once nobody has the file`() throws {
        weak let file = try open(key(0))
        #expect(file != nil)
        cache.remove(content: 1)
        #expect(file == nil)
    }

    @Test func `the files of one content go without those of others`() throws {
        try open(key(0, of: 1))
        try open(key(0, of: 2))
        try open(key(1, of: 1))
        cache.remove(content: 1)
        #expect(cache.count == 1)
        #expect(cache.cached(key(0, of: 2)) != nil)
        cache.remove(content: 1)
        try open(key(5, of: 1))
        #expect(cache.count == 2)
    }

    @Test func `a file that can't be opened leaves nothing behind`() {
        #expect(throws: CommandError.self) {
            try cache.file(key(0)) { () throws(CommandError) in
                try DiskFile.openForReading("/nowhere/at/all")
            }
        }
        #expect(cache.count == 0)
    }

    @Test func `every content has a number of its own`() {
        #expect(cache.newContent() != cache.newContent())
    }
}
