/// What a reactor counts of itself, to be added up with what the tracker's others count.
struct ReactorFigures: Sendable {
    var announces = [UInt64](repeating: 0, count: Metrics.announceKinds)
    var scrapes = [UInt64](repeating: 0, count: Metrics.Transport.allCases.count)
    var announceTimes = Metrics.Transport.allCases.map { _ in Histogram() }
    var turnTimes = Histogram()
    var connections = 0
    var traffic = HTTPServer.Traffic()
    var datagramBytes = (received: UInt64(0), sent: UInt64(0))
    var droppedDatagrams = 0

    init() {}

    init(_ metrics: Metrics, _ server: HTTPServer, _ datagrams: DatagramFront) {
        announces = metrics.announceCounts
        scrapes = metrics.scrapeCounts
        announceTimes = metrics.announceTimes
        turnTimes = metrics.turnTimes
        connections = server.connectionCount
        traffic = server.traffic
        datagramBytes = (datagrams.receivedBytes, datagrams.sentBytes)
        droppedDatagrams = datagrams.droppedCount
    }

    mutating func add(_ other: ReactorFigures) {
        for index in announces.indices { announces[index] += other.announces[index] }
        for index in scrapes.indices { scrapes[index] += other.scrapes[index] }
        for index in announceTimes.indices { announceTimes[index].add(other.announceTimes[index]) }
        turnTimes.add(other.turnTimes)
        connections += other.connections
        traffic.add(other.traffic)
        datagramBytes.received += other.datagramBytes.received
        datagramBytes.sent += other.datagramBytes.sent
        droppedDatagrams += other.droppedDatagrams
    }

    func announces(_ outcome: Metrics.Outcome, over transport: Metrics.Transport) -> UInt64 {
        announces[Metrics.kind(outcome, over: transport)]
    }

    /// Of every kind.
    var announceCount: UInt64 { announces.reduce(0, +) }
}
