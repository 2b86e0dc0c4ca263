/// What a reactor counts of itself; on the loop's thread.
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

    /// By `kind`.
    private(set) var announceCounts = [UInt64](repeating: 0, count: Metrics.announceKinds)
    private(set) var scrapeCounts = [UInt64](repeating: 0, count: Transport.allCases.count)
    private(set) var announceTimes = Transport.allCases.map { _ in Histogram() }
    /// From a turn's events being there to its end.
    var turnTimes = Histogram()
    /// From a command's or a question's being asked to its answer, the queue included.
    var databaseTimes = Histogram()

    func countAnnounce(_ outcome: Outcome, over transport: Transport, nanoseconds: Int64) {
        announceCounts[Self.kind(outcome, over: transport)] += 1
        announceTimes[transport.rawValue].observe(nanoseconds: nanoseconds)
    }

    static let announceKinds = Transport.allCases.count * Outcome.allCases.count

    static func kind(_ outcome: Outcome, over transport: Transport) -> Int {
        transport.rawValue * Outcome.allCases.count + outcome.rawValue
    }

    func countScrape(over transport: Transport) { scrapeCounts[transport.rawValue] += 1 }
}
