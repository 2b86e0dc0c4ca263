import Glibc
import SQLite
import Synchronization
import Wire

/// What a peer remembers between runs: shares, downloads, and which pieces are on disk.
///
/// An SQLite database in the data directory (write-ahead log, full sync: what a call has stored
/// survives `kill -9` and power loss), and a file for the pieces of each unfinished download. One program at a time may hold a data directory; a lock
/// on its `lock` file sees to it and goes with the process. Every call blocks for the disk, on
/// whichever thread it is made; calls from several threads wait for each other.
package final class StateStore: Sendable {
    /// `Database` is not Sendable by itself: the mutex serialises it.
    struct Connection: @unchecked Sendable {
        let database: Database
    }

    /// What brings a database from each version to the next, beginning with an empty one.
    private static let migrations = [
        """
        CREATE TABLE shares(
            id INTEGER PRIMARY KEY, user TEXT NOT NULL, info_hash BLOB NOT NULL,
            group_id TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL, mtorrent_path TEXT,
            info BLOB NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,
            size INTEGER NOT NULL, modified_ns INTEGER NOT NULL, is_active INTEGER NOT NULL,
            UNIQUE(user, info_hash));
        CREATE TABLE downloads(
            id INTEGER PRIMARY KEY, user TEXT NOT NULL, info_hash BLOB NOT NULL,
            group_id TEXT NOT NULL, name TEXT NOT NULL, destination TEXT NOT NULL,
            mtorrent_path TEXT, info BLOB NOT NULL, state INTEGER NOT NULL, reason TEXT NOT NULL,
            started_at_ms INTEGER NOT NULL, UNIQUE(user, info_hash));
        CREATE TABLE resume(
            info_hash BLOB PRIMARY KEY, boot_id TEXT NOT NULL, device INTEGER NOT NULL,
            inode INTEGER NOT NULL, verified BLOB NOT NULL, synced BLOB NOT NULL) WITHOUT ROWID;
        """,
        // The order in which downloads take their turns.
        """
        ALTER TABLE downloads ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
        UPDATE downloads SET place = id;
        CREATE INDEX downloads_place ON downloads(place);
        """,
        // Directories: what each file of a share was, which files of a download are wanted.
        """
        CREATE TABLE share_files(
            share INTEGER NOT NULL REFERENCES shares(id) ON DELETE CASCADE,
            file INTEGER NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,
            size INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
            PRIMARY KEY(share, file)) WITHOUT ROWID;
        INSERT INTO share_files SELECT id, 0, device, inode, size, modified_ns FROM shares;
        ALTER TABLE shares DROP COLUMN device;
        ALTER TABLE shares DROP COLUMN inode;
        ALTER TABLE shares DROP COLUMN size;
        ALTER TABLE shares DROP COLUMN modified_ns;
        ALTER TABLE downloads ADD COLUMN file_count INTEGER;
        ALTER TABLE downloads ADD COLUMN wanted_files BLOB;
        ALTER TABLE downloads ADD COLUMN is_sequential INTEGER NOT NULL DEFAULT 0;
        """,
        // Which pieces are there is recorded in files.
        "DROP TABLE resume;",
    ]

    package let directory: String
    private let lock: DirectoryLock
    private let connection: Mutex<Connection>
    /// Which pieces of unfinished downloads are there.
    let resumes: ResumeFolder
    /// Magnet links whose description isn't here yet.
    let fetches: FetchFolder

    /// Opens the state in `directory`, which is made where it is missing (mode 0700, parents
    /// too). Fails where another program holds it, where it can't be written, and where a newer
    /// mtorrent wrote it.
    package init(directory: String) throws(CommandError) {
        self.directory = directory
        try DirectoryLock.makeDirectory(directory)
        lock = try DirectoryLock(directory: directory)
        resumes = ResumeFolder(directory: directory + "/resume")
        fetches = FetchFolder(directory: directory + "/fetches")
        let path = directory + "/state.sqlite"
        do {
            let database = try Database(path: path, synchronous: .full)
            try Self.migrate(database, in: directory)
            connection = Mutex(Connection(database: database))
        } catch {
            throw Self.commandError(error, path: path)
        }
    }

    private static func migrate(_ database: Database, in directory: String) throws {
        let version = try database.userVersion()
        guard version <= migrations.count else {
            throw CommandError(
                "\(directory) was written by a newer mtorrent (state version \(version), "
                    + "this program knows \(migrations.count)): use that version, or "
                    + "another --data-dir", .failed)
        }
        guard version < migrations.count else { return }
        try database.transaction {
            for script in migrations[version...] { try database.executeScript(script) }
            try database.setUserVersion(Int32(migrations.count))
        }
    }

    /// Runs `body` with the database, alone; SQLite's errors become words for a person.
    func withDatabase<T: Sendable>(
        _ body: (Database) throws -> T
    ) throws(CommandError) -> T {
        do {
            return try connection.withLock { try body($0.database) }
        } catch {
            throw Self.commandError(error, path: directory + "/state.sqlite")
        }
    }

    private static func commandError(_ error: any Error, path: String) -> CommandError {
        switch error {
        case let error as CommandError: return error
        case let error as SQLiteError where error.isFull:
            return CommandError(
                "\(path): disk full: make room, what is stored already is kept", .notEnoughDisk)
        case let error as SQLiteError:
            return CommandError("\(path): \(error)", .ioError)
        default: return CommandError("\(path): \(error)", .ioError)
        }
    }
}

/// Holds a data directory for one program at a time (flock(2) on its file `lock`).
private final class DirectoryLock: Sendable {
    private let descriptor: Int32

    init(directory: String) throws(CommandError) {
        let path = directory + "/lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CommandError(
                "\(path) can't be opened: \(String(cString: strerror(errno))): "
                    + "make the directory writable, or name another with --data-dir",
                .cannotOpenFile)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            let reason =
                code == EWOULDBLOCK
                ? "is in use by another mtorrent: stop that one, or name another with --data-dir"
                : "can't be locked: \(String(cString: strerror(code)))"
            throw CommandError("the data directory \(directory) \(reason)", .cannotOpenFile)
        }
    }

    deinit { close(descriptor) }

    static func makeDirectory(_ directory: String) throws(CommandError) {
        var made = directory.hasPrefix("/") ? "" : "."
        for component in directory.split(separator: "/") {
            made += "/" + component
            if mkdir(made, 0o700) != 0, errno != EEXIST {
                let code = errno
                // A parent that exists may still refuse mkdir, on a read-only file system, say.
                var status = stat()
                if stat(made, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { continue }
                throw CommandError(
                    "the data directory \(made) can't be made: \(String(cString: strerror(code)))"
                        + ": name another with --data-dir", .cannotCreateDirectory)
            }
        }
    }
}
