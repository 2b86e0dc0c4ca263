import Reactor
import TrackerCore

/// The databases behind a tracker, and how it hears of other trackers' commits.
struct TrackerStores {
    let directory: any DirectoryStore
    let swarmLog: any SwarmLog
    /// Calls the function on the loop's thread when a log may have grown.
    let watch: (EventLoop, TrackerLog, @escaping () -> Void) throws -> any ChangeWatch

    /// SQLite files, which the trackers of one machine share.
    /// - Parameters:
    ///   - foundingID: the network's id where there is none yet: 32 hex digits.
    ///   - migrates: false refuses files of an older version.
    init(folder: DataFolder, foundingID: String, migrates: Bool = true) throws(StoreError) {
        do {
            let signals = try ChangeSignals(folder: folder.path)
            directory = try SQLStore(
                sqliteFile: folder.databasePath, foundingID: foundingID, signals: signals,
                migrates: migrates)
            swarmLog = SQLSwarmLog(
                try SQLiteConnection(
                    path: folder.swarmLogPath, synchronous: .normal,
                    steps: SQLiteSwarmSchema.steps, signals: signals, migrates: migrates))
            watch = { try signals.watch($1, on: $0, onChange: $2) }
        } catch {
            throw StoreError(error)
        }
    }
}

extension TrackerStores {
    /// A PostgreSQL server, which trackers of several machines share.
    /// - Parameters:
    ///   - location: `postgresql://…`, as libpq takes it.
    ///   - migrates: false refuses a schema of an older version.
    init(
        postgreSQL location: String, foundingID: String, migrates: Bool = true
    ) throws(StoreError) {
        do {
            let database = PostgreSQLDatabase(location: location)
            if migrates {
                try database.migrate(foundingID: foundingID)
            } else {
                try database.requirePresentSchema()
            }
            directory = try SQLStore(database)
            // A connection of its own, so that announces don't wait for commands.
            swarmLog = SQLSwarmLog(PostgreSQLDatabase(location: location))
            watch = { try PostgreSQLWatch(location: location, log: $1, on: $0, onChange: $2) }
        } catch {
            throw error as? StoreError ?? .failed("\(error)")
        }
    }
}

/// Watches a log until it is closed.
protocol ChangeWatch: AnyObject {
    func close()
}

extension FileWatch: ChangeWatch {}

extension SQLStore {
    /// The directory in an SQLite file: write-ahead log, synced at every commit.
    convenience init(
        sqliteFile path: String, foundingID: String, signals: ChangeSignals, migrates: Bool = true,
        limits: DirectoryLimits = DirectoryLimits()
    ) throws(StoreError) {
        let connection: SQLiteConnection
        do {
            connection = try SQLiteConnection(
                path: path, synchronous: .full, steps: SQLiteSchema.steps, signals: signals,
                migrates: migrates
            ) { database in
                try database.execute("INSERT INTO network (id) VALUES (?)", foundingID)
            }
        } catch {
            throw StoreError(error)
        }
        try self.init(connection, limits: limits)
    }
}
