import Glibc
import TrackerCore
import Wire

/// Where a network's state is: a data folder, which the trackers of one machine share, or a
/// PostgreSQL server.
enum StoreLocation {
    case folder(DataFolder)
    /// `postgresql://…`, as libpq takes it.
    case postgreSQL(String)

    /// Opens both logs; a new network is founded where there is none.
    /// - Parameter migrates: false refuses what an older program made, which others of it may be
    ///   using.
    func open(migrates: Bool = true) throws(StoreError) -> TrackerStores {
        let foundingID = Hex.encode(Randomness.bytes(16))
        return switch self {
        case .folder(let folder):
            try TrackerStores(folder: folder, foundingID: foundingID, migrates: migrates)
        case .postgreSQL(let location):
            try TrackerStores(postgreSQL: location, foundingID: foundingID, migrates: migrates)
        }
    }

    /// The database of the directory alone, for work that may take long.
    func database(migrates: Bool) throws -> any SQLDatabase {
        _ = try open(migrates: migrates)
        switch self {
        case .folder(let folder):
            return try SQLiteConnection(
                path: folder.databasePath, synchronous: .full, steps: SQLiteSchema.steps,
                signals: ChangeSignals(folder: folder.path))
        case .postgreSQL(let location):
            return PostgreSQLDatabase(location: location, patience: .seconds(600))
        }
    }

    /// Held while a tracker runs.
    func lockForTracker() throws -> DataFolder.Lock? {
        if case .folder(let folder) = self { try folder.lock(.shared) } else { nil }
    }

    /// Refused while a tracker runs that would go on with what it has in memory. Those of a server
    /// are seen by what they have told in the last seconds.
    func lockForReplacing() throws -> DataFolder.Lock? {
        switch self {
        case .folder(let folder): return try folder.lock(.exclusive)
        case .postgreSQL:
            let last = try open().swarmLog.lastTime()
            guard StoreWorker.wallClock - last > 15 else {
                throw StartError("a tracker uses this store: stop all, and try again in 15 s")
            }
            return nil
        }
    }

    /// What trackers told each other is of another directory.
    func forgetSwarms() throws(StoreError) {
        try open().swarmLog.prune(before: .max)
    }
}
