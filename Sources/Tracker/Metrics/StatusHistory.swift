/// The last hour, a sample every ten seconds.
struct StatusHistory {
    struct Sample: Codable {
        /// Seconds since 1970.
        var time: Int64
        var connections: Int
        var announcesPerSecond: Double
        var swarms: Int
        var peers: Int

        private enum CodingKeys: String, CodingKey {
            case time
            case connections
            case announcesPerSecond = "announces_per_second"
            case swarms
            case peers
        }
    }

    static let interval = Duration.seconds(10)
    private static let limit = 360

    /// Oldest first.
    private(set) var samples: [Sample] = []

    mutating func append(_ sample: Sample) {
        if samples.count == Self.limit { samples.removeFirst() }
        samples.append(sample)
    }
}
