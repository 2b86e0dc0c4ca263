import TrackerCore
import Wire

/// Where trackers tell each other what isn't in the directory: who announces, who is online, who
/// holds which pieces. Every call blocks; one thread at a time uses a log.
package protocol SwarmLog: AnyObject {
    /// Adds a batch at the end.
    /// - Parameter time: seconds since 1970.
    func publish(
        _ body: [UInt8], by tracker: TrackerInstance, at time: Int64
    ) throws(StoreError)

    /// The log after `sequence`, oldest first, at most `limit` batches.
    func batches(after sequence: Int64, limit: Int) throws(StoreError) -> [SwarmLogEntry]

    /// When the last batch was written; 0 without any.
    func lastTime() throws(StoreError) -> Int64

    /// Forgets batches older than that.
    func prune(before time: Int64) throws(StoreError)
}

package struct SwarmLogEntry: Hashable, Sendable {
    /// Place in the log: larger is later, gaps are possible.
    package var sequence: Int64
    package var tracker: TrackerInstance
    /// Seconds since 1970, by the clock of the tracker that wrote it.
    package var time: Int64
    package var body: [UInt8]
}

/// The log as a table.
final class SQLSwarmLog: SwarmLog {
    private let database: any SQLDatabase
    /// The connection that was last read over.
    private var connectionNumber: Int

    init(_ database: any SQLDatabase) {
        self.database = database
        connectionNumber = database.connectionNumber
    }

    func publish(
        _ body: [UInt8], by tracker: TrackerInstance, at time: Int64
    ) throws(StoreError) {
        do {
            try database.transaction(.appending(.swarms)) {
                _ = try database.execute(
                    "INSERT INTO swarm_log (tracker, at, body) VALUES (?, ?, ?)", tracker.bytes,
                    time, body)
            }
        } catch {
            throw StoreError(error)
        }
    }

    func batches(after sequence: Int64, limit: Int) throws(StoreError) -> [SwarmLogEntry] {
        do {
            try numberBeyond(sequence)
            return try database.query(
                "SELECT seq, tracker, at, body FROM swarm_log WHERE seq > ? ORDER BY seq LIMIT ?",
                sequence, limit
            ) { row in
                guard let tracker = TrackerInstance(row.blob(1)) else {
                    throw StoreError.failed("batch \(row.int64(0)) of the swarms' log is damaged")
                }
                return SwarmLogEntry(
                    sequence: row.int64(0), tracker: tracker, time: row.int64(2),
                    body: row.blob(3))
            }
        } catch {
            throw StoreError(error)
        }
    }

    /// A server that has taken over may lack the last batches. What comes now must not get their
    /// numbers, which are taken for read.
    private func numberBeyond(_ sequence: Int64) throws {
        guard sequence > 0, database.connectionNumber != connectionNumber else { return }
        try database.transaction(.appending(.swarms)) {
            try database.continueNumbers(of: "swarm_log", key: "seq", beyond: sequence)
        }
        connectionNumber = database.connectionNumber
    }

    func lastTime() throws(StoreError) -> Int64 {
        do {
            return try database.queryOne("SELECT coalesce(max(at), 0) FROM swarm_log") {
                $0.int64(0)
            } ?? 0
        } catch {
            throw StoreError(error)
        }
    }

    func prune(before time: Int64) throws(StoreError) {
        do {
            try database.execute("DELETE FROM swarm_log WHERE at < ?", time)
        } catch {
            throw StoreError(error)
        }
    }
}
