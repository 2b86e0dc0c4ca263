import Glibc
import PostgreSQL
import Reactor
import Synchronization

/// Waits for notifications of a log on a thread and a connection of its own.
final class PostgreSQLWatch: ChangeWatch {
    private final class Shared: Sendable {
        let isClosed = Atomic(false)
    }

    private let shared = Shared()
    private static let silence = Duration.seconds(2)

    /// Without a server it tries again; whoever follows the log looks by itself meanwhile.
    init(
        location: String, log: TrackerLog, on loop: EventLoop, onChange: @escaping () -> Void
    ) throws {
        let door = LoopBound(onChange, on: loop)
        // One that connects just now may take seconds to end: nobody waits for it.
        try PosixThread.startDetached { [shared] in
            while !shared.isClosed.load(ordering: .relaxed) {
                Self.listen(location, log, shared, door)
                // The server is away.
                for _ in 0..<5 where !shared.isClosed.load(ordering: .relaxed) { usleep(100_000) }
            }
        }
    }

    private static func listen(
        _ location: String, _ log: TrackerLog, _ shared: Shared, _ door: LoopBound<() -> Void>
    ) {
        do throws(PostgreSQLError) {
            let connection = try PostgreSQLConnection(location, patience: .seconds(5))
            try connection.runScript("LISTEN \(log.channel)")
            // What was committed before it listened.
            door.submit { $0() }
            var lastHeard = ContinuousClock.now
            while !shared.isClosed.load(ordering: .relaxed) {
                if try connection.awaitNotification(for: .milliseconds(200)) {
                    door.submit { $0() }
                    lastHeard = .now
                } else if lastHeard.duration(to: .now) > silence {
                    // One that has stopped is silent too: then another may have taken over.
                    try connection.runScript("SELECT 1")
                    lastHeard = .now
                }
            }
        } catch {
            // Tried again.
        }
    }

    func close() { shared.isClosed.store(true, ordering: .relaxed) }
}
