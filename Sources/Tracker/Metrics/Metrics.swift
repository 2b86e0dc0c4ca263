/// What the tracker counts of itself; on the loop's thread.
final class Metrics {
    enum Transport: Int, CaseIterable {
        case http
        case udp
    }

    enum Outcome: Int, CaseIterable {
        /// Answered with peers.
        case entered
        /// Not allowed, or no room.
        case refused
        /// Not understood.
        case malformed
    }

    private var announceCounts = [UInt64](
        repeating: 0, count: Transport.allCases.count * Outcome.allCases.count)
    private(set) var scrapeCounts = [UInt64](repeating: 0, count: Transport.allCases.count)
    private(set) var announceTimes = Transport.allCases.map { _ in Histogram() }
    /// From a turn's events being there to its end.
    var turnTimes = Histogram()
    /// From a command's or a question's being asked to its answer, the queue included.
    var databaseTimes = Histogram()

    func countAnnounce(_ outcome: Outcome, over transport: Transport, nanoseconds: Int64) {
        announceCounts[transport.rawValue * Outcome.allCases.count + outcome.rawValue] += 1
        announceTimes[transport.rawValue].observe(nanoseconds: nanoseconds)
    }

    func announceCount(_ outcome: Outcome, over transport: Transport) -> UInt64 {
        announceCounts[transport.rawValue * Outcome.allCases.count + outcome.rawValue]
    }

    /// Announces of every kind.
    var announceCount: UInt64 { announceCounts.reduce(0, +) }

    func countScrape(over transport: Transport) { scrapeCounts[transport.rawValue] += 1 }
}
