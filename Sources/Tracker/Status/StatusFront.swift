import Reactor
import TrackerCore
import Wire

/// What the tracker shows of itself: `/metrics` for Prometheus, and a page for people at `/`. To
/// its own machine and to whoever has the administrator's token, nobody else.
final class StatusFront {
    enum Resource {
        case metrics
        case page
        /// What the page draws: `/status.json`.
        case numbers

        init?(_ path: UnsafeRawBufferPointer) {
            if path.elementsEqual("/metrics".utf8) {
                self = .metrics
            } else if path.elementsEqual("/".utf8) {
                self = .page
            } else if path.elementsEqual("/status.json".utf8) {
                self = .numbers
            } else {
                return nil
            }
        }
    }

    private let service: TrackerService
    private let server: HTTPServer
    private let datagrams: DatagramFront
    private var history = StatusHistory()
    private var lastAnnounceCount: UInt64 = 0
    private let startedAt: Instant

    init(service: TrackerService, server: HTTPServer, datagrams: DatagramFront) {
        self.service = service
        self.server = server
        self.datagrams = datagrams
        startedAt = service.now
        scheduleSample()
    }

    func handle(
        _ resource: Resource, _ request: HTTPRequest, from client: IPAddress,
        _ exchange: HTTPExchange
    ) {
        if !client.isLoopback, let refusal = refusal(of: request, exchange) {
            return exchange.respond(refusal.response)
        }
        switch resource {
        case .metrics:
            figures { [self] in
                let type = "text/plain; version=0.0.4; charset=utf-8"
                respond(exchange, type, metricsText($0))
            }
        case .page: respond(exchange, "text/html; charset=utf-8", StatusPage.html)
        case .numbers:
            figures { [self] in
                respond(exchange, "application/json", WireJSON.encode(numbers($0)))
            }
        }
    }

    /// Of all reactors together.
    private func figures(then: @escaping (ReactorFigures) -> Void) {
        let own = ReactorFigures(service.metrics, server, datagrams)
        if let sides = service.sides { sides.add(to: own, then: then) } else { then(own) }
    }

    /// What is wrong with a request from elsewhere; nil: nothing.
    private func refusal(of request: HTTPRequest, _ exchange: HTTPExchange) -> APIError? {
        guard let token = service.configuration.administratorToken,
            let given = request.header("authorization"), given.hasPrefix("Bearer ")
        else { return .administratorOnly }
        // Whoever sends it in the clear has to learn that, whether it is the right one or not.
        guard exchange.connection.isPrivate || service.configuration.takesSecretsInClear else {
            return .tlsRequired
        }
        // Digests are compared, so that the time tells nothing of the token.
        let isRight =
            SHA1Hasher.hash(Array(given.dropFirst(7).utf8))
            == SHA1Hasher.hash(Array(token.utf8))
        return isRight ? nil : .administratorOnly
    }

    private func respond(_ exchange: HTTPExchange, _ type: String, _ body: [UInt8]) {
        exchange.respond(
            HTTPResponse(
                status: 200,
                headers: [
                    (name: "Content-Type", value: type), (name: "Cache-Control", value: "no-store"),
                    (name: "Content-Security-Policy", value: StatusPage.securityPolicy),
                ], body: body))
    }

    // MARK: The last hour

    private func scheduleSample() {
        service.loop.schedule(after: StatusHistory.interval) { [weak self] in
            guard let self else { return }
            figures { [weak self] in self?.sample($0) }
            scheduleSample()
        }
    }

    private func sample(_ figures: ReactorFigures) {
        history.append(newSample(figures))
        lastAnnounceCount = figures.announceCount
    }

    private func newSample(_ figures: ReactorFigures) -> StatusHistory.Sample {
        let announces = figures.announceCount - lastAnnounceCount
        return StatusHistory.Sample(
            time: StoreWorker.wallClock, connections: figures.connections,
            announcesPerSecond: Double(announces) / (StatusHistory.interval / .seconds(1)),
            swarms: service.swarms.swarmCount, peers: service.swarms.peerCount)
    }

    /// What `/status.json` holds.
    private struct Numbers: Encodable {
        var version: String
        var uptime: Int
        var users: Int
        var online: Int
        var groups: Int
        var connections: Int
        var swarms: Int
        var peers: Int
        var announces: UInt64
        var samples: [StatusHistory.Sample]
    }

    private func numbers(_ figures: ReactorFigures) -> Numbers {
        Numbers(
            version: TrackerProgram.version,
            uptime: Int(startedAt.duration(to: service.now).components.seconds),
            users: service.directory.users.count, online: service.streams.count,
            groups: service.directory.groupCount, connections: figures.connections,
            swarms: service.swarms.swarmCount, peers: service.swarms.peerCount,
            announces: figures.announceCount, samples: history.samples)
    }

    // MARK: Prometheus

    private func metricsText(_ figures: ReactorFigures) -> [UInt8] {
        var text = PrometheusText()
        writeAnnounces(figures, to: &text)
        writeState(to: &text)
        writeTraffic(figures, to: &text)
        text.family(
            "mtorrent_loop_turn_seconds", .histogram, "Time of a turn of the event loop.")
        text.histogram("mtorrent_loop_turn_seconds", figures.turnTimes)
        text.family(
            "mtorrent_database_seconds", .histogram,
            "Time from asking the database to its answer, waiting included.")
        text.histogram("mtorrent_database_seconds", service.metrics.databaseTimes)
        return text.bytes
    }

    private func writeAnnounces(_ figures: ReactorFigures, to text: inout PrometheusText) {
        text.family("mtorrent_announces_total", .counter, "Announces answered.")
        for transport in Metrics.Transport.allCases {
            for outcome in Metrics.Outcome.allCases {
                text.sample(
                    "mtorrent_announces_total", figures.announces(outcome, over: transport),
                    [("protocol", "\(transport)"), ("outcome", "\(outcome)")])
            }
        }
        text.family(
            "mtorrent_announce_seconds", .histogram,
            "Time from an announce's being there to its answer.")
        for transport in Metrics.Transport.allCases {
            text.histogram(
                "mtorrent_announce_seconds", figures.announceTimes[transport.rawValue],
                [("protocol", "\(transport)")])
        }
        text.family("mtorrent_scrapes_total", .counter, "Scrapes answered.")
        for transport in Metrics.Transport.allCases {
            text.sample(
                "mtorrent_scrapes_total", figures.scrapes[transport.rawValue],
                [("protocol", "\(transport)")])
        }
    }

    private func writeState(to text: inout PrometheusText) {
        text.single(
            "mtorrent_swarms", .gauge, "Swarms with peers.", service.swarms.swarmCount)
        text.single("mtorrent_peers", .gauge, "Peers in all swarms.", service.swarms.peerCount)
        text.single("mtorrent_users", .gauge, "Accounts.", service.directory.users.count)
        text.single("mtorrent_groups", .gauge, "Groups.", service.directory.groupCount)
        text.single(
            "mtorrent_sessions_online", .gauge, "Sessions whose event stream is open.",
            service.streams.count)
        text.single(
            "mtorrent_database_up", .gauge,
            "Whether the database's logs can be read and written, as far as was tried.",
            service.isDegraded ? 0 : 1)
        text.single(
            "mtorrent_other_trackers", .gauge, "Other trackers of the network that were heard of.",
            service.heardOf.count)
        text.single(
            "mtorrent_swarm_log_published_total", .counter,
            "Announces and signs of presence that were told to other trackers.",
            service.swarmLog.publishedCount)
        text.single(
            "mtorrent_swarm_log_dropped_total", .counter,
            "Those that weren't, since the database was away.", service.swarmLog.droppedCount)
        text.single(
            "mtorrent_uptime_seconds", .gauge, "Time since the start.",
            startedAt.duration(to: service.now) / .seconds(1))
    }

    private func writeTraffic(_ figures: ReactorFigures, to text: inout PrometheusText) {
        let traffic = figures.traffic
        text.single(
            "mtorrent_connections", .gauge, "Open TCP connections.", figures.connections)
        text.single(
            "mtorrent_connections_accepted_total", .counter, "TCP connections accepted.",
            traffic.accepted)
        text.single(
            "mtorrent_connections_turned_away_total", .counter,
            "TCP connections closed at once, since their address had too many.",
            traffic.turnedAway)
        text.family("mtorrent_calls_total", .counter, "Answers of the HTTP interface, by status.")
        for hundreds in 2...5 {
            text.sample(
                "mtorrent_calls_total", traffic.responses[hundreds],
                [("status", "\(hundreds)xx")])
        }
        text.family("mtorrent_received_bytes_total", .counter, "Bytes received.")
        text.sample(
            "mtorrent_received_bytes_total", traffic.receivedBytes, [("protocol", "http")])
        text.sample(
            "mtorrent_received_bytes_total", figures.datagramBytes.received,
            [("protocol", "udp")])
        text.family("mtorrent_sent_bytes_total", .counter, "Bytes sent.")
        text.sample("mtorrent_sent_bytes_total", traffic.sentBytes, [("protocol", "http")])
        text.sample("mtorrent_sent_bytes_total", figures.datagramBytes.sent, [("protocol", "udp")])
        text.single(
            "mtorrent_datagrams_dropped_total", .counter,
            "Datagrams that were too long or could not be sent.", figures.droppedDatagrams)
    }
}
