import Glibc
import PeerCore
import SQLite
import Testing
import Wire

@testable import Peer

struct StateStoreTests {
    private let scratch = ScratchDirectory()
    private var data: String { scratch.path + "/a/b" }

    private func mode(_ file: String) -> mode_t {
        var status = stat()
        return stat(data + file, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    private func hash(_ byte: UInt8) -> InfoHash {
        InfoHash([UInt8](repeating: byte, count: 20))!
    }

    private func share(_ user: String, _ byte: UInt8, group: String = "g") -> Share {
        Share(
            user: user, group: group, infoHash: hash(byte), name: "name \(byte)",
            path: "/some where/ü \(byte)", mtorrentPath: nil, info: [1, 2, byte],
            identities: [
                0: FileIdentity(
                    device: .max, inode: .max - 1, size: 1 << 40, modifiedNanoseconds: -5)
            ],
            isActive: true)
    }

    private func download(_ user: String, _ byte: UInt8) -> Download {
        Download(
            user: user, group: "g", infoHash: hash(byte), name: "name", destination: "/d",
            mtorrentPath: "/m", info: [], state: .downloading,
            startedAtMilliseconds: 1_700_000_000_123)
    }

    @Test func `the directory is made with its parents, for its owner alone`() throws {
        _ = try StateStore(directory: data)
        #expect(mode("") == 0o700)
        #expect(mode("/state.sqlite") == 0o600)
        #expect(mode("/lock") == 0o600)
    }

    @Test func `shares come back as they were, oldest first, for their user only`() throws {
        let shares = [
            share("alice", 3), share("alice", 1), share("bob", 3), share("", 9, group: ""),
        ]
        do {
            let store = try StateStore(directory: data)
            for share in shares { try store.save(share) }
        }
        let store = try StateStore(directory: data)
        #expect(try store.shares(user: "alice") == Array(shares[0...1]))
        #expect(try store.shares(user: "bob") == [shares[2]])
        #expect(try store.shares(user: "") == [shares[3]])
    }

    @Test func `a share stored again replaces the first and keeps its place`() throws {
        let store = try StateStore(directory: data)
        var first = share("alice", 1)
        try store.save(first)
        try store.save(share("alice", 2))
        first.path = "/elsewhere"
        first.mtorrentPath = "/elsewhere.mtorrent"
        try store.save(first)
        #expect(try store.shares(user: "alice") == [first, share("alice", 2)])
    }

    @Test func `a directory's share has what each file was, and forgets files with itself`() throws
    {
        let store = try StateStore(directory: data)
        var directory = share("alice", 1)
        for file in [2, 5, 99_999] {
            directory.identities[file] = FileIdentity(
                device: 1, inode: UInt64(file), size: 0, modifiedNanoseconds: .max)
        }
        try store.save(directory)
        try store.save(share("alice", 2))
        #expect(try store.shares(user: "alice") == [directory, share("alice", 2)])
        directory.identities[5] = nil
        try store.save(directory)
        #expect(try store.shares(user: "alice")[0] == directory)
        try store.removeShare(user: "alice", infoHash: hash(1))
        try store.save(share("alice", 3))
        #expect(try store.shares(user: "alice") == [share("alice", 2), share("alice", 3)])
    }

    @Test func `which files of a download are wanted, and their order, comes back`() throws {
        var some = download("alice", 1)
        var wanted = Bitfield(bitCount: 11)
        for file in [0, 7, 10] { wanted.insert(file) }
        some.wantedFiles = wanted
        some.isSequential = true
        do {
            let store = try StateStore(directory: data)
            try store.save(some)
            try store.save(download("alice", 2))
        }
        let store = try StateStore(directory: data)
        #expect(try store.downloads(user: "alice") == [some, download("alice", 2)])
    }

    @Test func `a stopped share stays known and one removed does not`() throws {
        let store = try StateStore(directory: data)
        try store.save(share("alice", 1))
        try store.save(share("alice", 2))
        try store.setShareActive(false, user: "alice", infoHash: hash(1))
        try store.setShareActive(false, user: "alice", infoHash: hash(7))
        #expect(try store.shares(user: "alice").map(\.isActive) == [false, true])
        try store.removeShare(user: "alice", infoHash: hash(1))
        try store.removeShare(user: "bob", infoHash: hash(2))
        #expect(try store.shares(user: "alice") == [share("alice", 2)])
    }

    @Test func `downloads keep their place, their state and the reason of a failure`() throws {
        let states: [Download.State] = [
            .downloading, .failed(reason: "disk full"), .paused, .complete,
        ]
        var downloads = (UInt8(1)...4).map { download("alice", $0) }
        do {
            let store = try StateStore(directory: data)
            for index in downloads.indices {
                try store.save(downloads[index])
                downloads[index].state = states[index]
                try store.setState(
                    states[index], user: "alice", infoHash: downloads[index].infoHash)
            }
        }
        let store = try StateStore(directory: data)
        #expect(try store.downloads(user: "alice") == downloads)
        try store.setState(.downloading, user: "alice", infoHash: hash(2))
        #expect(try store.downloads(user: "alice")[1] == download("alice", 2))
        try store.removeDownload(user: "alice", infoHash: hash(1))
        #expect(try store.downloads(user: "alice").count == 3)
        try store.setState(.paused, user: "bob", infoHash: hash(2))
        #expect(try store.downloads(user: "bob").isEmpty)
    }

    @Test func `a download that is stored again or requeued goes to the end`() throws {
        let store = try StateStore(directory: data)
        for byte in UInt8(1)...4 { try store.save(download("alice", byte)) }
        try store.save(download("bob", 9))
        try store.setState(.downloading, isRequeued: true, user: "alice", infoHash: hash(2))
        try store.save(download("alice", 1))
        try store.setState(.paused, user: "alice", infoHash: hash(3))
        #expect(
            try store.downloads(user: "alice").map(\.infoHash)
                == [hash(3), hash(4), hash(2), hash(1)])
    }

    @Test func `state of an older program is taken over`() throws {
        do {
            let store = try StateStore(directory: data)
            for byte in UInt8(1)...3 { try store.save(download("alice", byte)) }
            for byte in UInt8(4)...5 { try store.save(share("alice", byte)) }
        }
        let database = try Database(path: data + "/state.sqlite", synchronous: .full)
        try database.executeScript(
            """
            DROP INDEX downloads_place; ALTER TABLE downloads DROP COLUMN place;
            ALTER TABLE downloads DROP COLUMN file_count;
            ALTER TABLE downloads DROP COLUMN wanted_files;
            ALTER TABLE downloads DROP COLUMN is_sequential;
            ALTER TABLE shares ADD COLUMN device INTEGER NOT NULL DEFAULT -1;
            ALTER TABLE shares ADD COLUMN inode INTEGER NOT NULL DEFAULT -2;
            ALTER TABLE shares ADD COLUMN size INTEGER NOT NULL DEFAULT 1099511627776;
            ALTER TABLE shares ADD COLUMN modified_ns INTEGER NOT NULL DEFAULT -5;
            DROP TABLE share_files; CREATE TABLE resume(info_hash BLOB PRIMARY KEY);
            PRAGMA user_version = 1
            """)
        let store = try StateStore(directory: data)
        #expect(
            try store.downloads(user: "alice") == (UInt8(1)...3).map { download("alice", $0) })
        #expect(try store.shares(user: "alice") == (UInt8(4)...5).map { share("alice", $0) })
        try store.setState(.downloading, isRequeued: true, user: "alice", infoHash: hash(1))
        #expect(
            try store.downloads(user: "alice").map(\.infoHash) == [hash(2), hash(3), hash(1)])
    }

    @Test func `a finished download becomes a share and needs no record of its pieces`() throws {
        let store = try StateStore(directory: data)
        try store.save(download("alice", 1))
        let file = FileIdentity(device: 1, inode: 2, size: 3, modifiedNanoseconds: 4)
        _ = try store.resumes.begin(hash(1), in: file, [.verified])
        #expect(store.resumes.resume(of: hash(1), pieceCount: 1) != nil)
        try store.completeDownload(as: share("alice", 1))
        #expect(try store.shares(user: "alice") == [share("alice", 1)])
        #expect(try store.downloads(user: "alice").map(\.state) == [.complete])
        #expect(store.resumes.resume(of: hash(1), pieceCount: 1) == nil)
    }

    @Test func `a data directory in use is refused with the remedy, and free afterwards`() throws {
        do {
            let store = try StateStore(directory: data)
            let error = #expect(throws: CommandError.self) {
                try StateStore(directory: data)
            }
            #expect(error?.message.contains("is in use by another mtorrent") == true)
            #expect(error?.message.contains("--data-dir") == true)
            withExtendedLifetime(store) {}
        }
        _ = try StateStore(directory: data)
    }

    @Test func `state of a newer program is refused`() throws {
        _ = try StateStore(directory: data)
        try Database(path: data + "/state.sqlite", synchronous: .full).setUserVersion(99)
        let error = #expect(throws: CommandError.self) { try StateStore(directory: data) }
        #expect(error?.message.contains("newer mtorrent (state version 99") == true)
    }

    @Test func `a directory that can't be made is named`() throws {
        let error = #expect(throws: CommandError.self) {
            try StateStore(directory: "/proc/nothing/here")
        }
        #expect(error?.exitCode == .cannotCreateDirectory)
        #expect(error?.message.contains("/proc/nothing") == true)
    }

    @Test func `a file that is no database is named, not overwritten`() throws {
        _ = try StateStore(directory: data)
        let path = data + "/state.sqlite"
        let file = try #require(fopen(path, "w"))
        fputs(String(repeating: "not a database ", count: 100), file)
        fclose(file)
        let error = #expect(throws: CommandError.self) { try StateStore(directory: data) }
        #expect(error?.message.contains(path) == true)
    }

    @Test func `threads take turns`() async throws {
        let store = try StateStore(directory: data)
        try await withThrowingTaskGroup { group in
            for byte in UInt8(0)..<8 {
                group.addTask { try store.save(self.share("alice", byte)) }
            }
            try await group.waitForAll()
        }
        #expect(try store.shares(user: "alice").count == 8)
    }

    @Test func `a file's identity changes when its content does`() throws {
        let path = scratch.path + "/f"
        func identity() -> FileIdentity {
            var status = stat()
            stat(path, &status)
            return FileIdentity(status)
        }
        let file = try #require(fopen(path, "w"))
        fputs("abc", file)
        fflush(file)
        let before = identity()
        #expect(before.size == 3)
        #expect(before == identity())
        fputs("d", file)
        fclose(file)
        #expect(before != identity())
    }
}
