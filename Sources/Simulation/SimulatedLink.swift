import Wire

/// How a peer is connected to the rest: rates in bytes a second over all of its connections.
package struct SimulatedLink: Sendable {
    package var uploadRate: Int
    /// Nil for a line that is never the narrowest.
    package var downloadRate: Int?
    /// One way from here, and one way to here; the two ends' are added.
    package var latencyOut: Duration
    package var latencyIn: Duration
    /// Bytes of a connection that may be on their way to this peer, as its receive buffer tells.
    package var receiveWindow: Int

    package init(
        uploadRate: Int = 50_000_000, downloadRate: Int? = nil,
        latency: Duration = .milliseconds(1), receiveWindow: Int = 8 << 20
    ) {
        self.uploadRate = uploadRate
        self.downloadRate = downloadRate
        latencyOut = latency
        latencyIn = .zero
        self.receiveWindow = receiveWindow
    }
}

/// The same in nanoseconds: what is computed for every segment.
struct SimulatedLine {
    let latencyOut: Int64
    let latencyIn: Int64
    let receiveWindow: Int
    /// Whether what comes has to wait for its turn.
    let isNarrow: Bool
    private let uploadRate: Int64
    private let downloadRate: Int64

    init(_ link: SimulatedLink) {
        latencyOut = link.latencyOut.nanosecondsSaturating
        latencyIn = link.latencyIn.nanosecondsSaturating
        receiveWindow = link.receiveWindow
        isNarrow = link.downloadRate != nil
        uploadRate = Int64(link.uploadRate)
        downloadRate = Int64(link.downloadRate ?? .max)
    }

    func uploadTime(of bytes: Int) -> Int64 { Int64(bytes) * 1_000_000_000 / uploadRate }
    func downloadTime(of bytes: Int) -> Int64 { Int64(bytes) * 1_000_000_000 / downloadRate }
}

/// What datagrams suffer: chances in a thousand, and how much later than at best they come.
package struct SimulatedDatagramFaults: Sendable {
    package var lost = 0
    package var duplicated = 0
    /// Random up to this, so that later ones overtake earlier ones.
    package var delay = Duration.zero

    package init() {}
}

/// A peer's own clock: it begins anywhere, and is a little too fast or too slow.
package struct SimulatedClock: Sendable {
    private let offset: Int64
    /// Millionths that it gains.
    private let gain: Int64

    package init(offset: Duration = .zero, gain: Int = 0) {
        precondition(abs(gain) < 500_000, "not a clock")
        self.offset = offset.nanosecondsSaturating
        self.gain = Int64(gain)
    }

    /// What it shows at a moment of the simulation.
    package func local(_ now: Instant) -> Instant {
        guard gain != 0 else { return Instant(nanoseconds: now.nanoseconds + offset) }
        let (millis, rest) = now.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000)
        let gained = millis * gain + rest * gain / 1_000_000
        return Instant(nanoseconds: now.nanoseconds + gained + offset)
    }

    /// The first moment of the simulation at which it shows this, or later.
    package func moment(showing local: Instant) -> Instant {
        let shown = local.nanoseconds - offset
        guard gain != 0 else { return Instant(nanoseconds: shown) }
        var moment = Int64(Double(shown) / (1 + Double(gain) * 1e-6))
        // Rounding is off by a few nanoseconds at most, in either direction.
        moment -= 4
        while self.local(Instant(nanoseconds: moment)) < local { moment += 1 }
        return Instant(nanoseconds: moment)
    }
}
