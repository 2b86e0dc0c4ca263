import TrackerCore

/// What an operator can set, and bounds that tests make smaller.
package struct TrackerConfiguration: Sendable {
    /// Loops that answer announces, each on a thread of its own.
    package var reactors = 1
    /// How often clients are asked to announce.
    package var announceInterval = Duration.seconds(120)
    /// Which announces without a passkey are taken, of what belongs to no group.
    package var openSwarms = OpenSwarms.on
    /// Peers in an answer, where the client doesn't say and at most.
    package var usualPeers = 50
    package var mostPeers = 200
    /// How long a connection id of BEP 15 counts; clients exist that use one for five minutes.
    package var connectionIDLifetime = Duration.seconds(600)
    /// Opens the status page and the metrics from elsewhere; nil: they are this machine's only.
    package var administratorToken: String?
    /// Whether passwords and sessions are taken from elsewhere without TLS.
    package var takesSecretsInClear = false
    /// Proxies that are believed when they say whom they speak for.
    var trustedProxies = TrustedProxies()
    /// Between signs of life on an event stream.
    package var pingInterval = Duration.seconds(5)
    /// Whether other trackers are told of announces.
    package var tellsSwarms = true
    /// Between looks at the logs, for what no wake-up tells.
    package var pollInterval = Duration.seconds(1)
    /// A tracker that isn't heard of for so long is gone, with the streams of its sessions.
    package var trackerSilence = Duration.seconds(15)
    /// Threads that check passwords, and attempts that may wait for one.
    package var passwordThreads = 1
    package var passwordQueue = 64
    /// Certificates that may wait to be signed.
    package var certificateQueue = 4096
    /// Commands that may wait for the database.
    package var commandQueue = 1024
    /// Share events that one peer's coming or going makes at most.
    package var shareEventsPerChange = 1000
    package var loginPolicy = LoginThrottle.Policy()
    /// What one address may do, a whole campus behind one included: wrong passwords, and announces
    /// and scrapes, a second and at once.
    package var failedLogins = AddressRate(perSecond: 1, burst: 200)
    package var announces: AddressRate? = AddressRate(perSecond: 2000)
    package var swarmLimits = Swarms.Limits()
    var http = HTTPServer.Limits()

    package init() {}
}

/// How often an address may do something.
package struct AddressRate: Hashable, Sendable {
    var perSecond: Double
    var burst: Int

    /// - Parameter burst: nil is what comes in 5 s.
    init(perSecond: Double, burst: Int? = nil) {
        self.perSecond = perSecond
        self.burst = burst ?? max(1, Int(perSecond * 5))
    }
}

extension AddressRates {
    init(_ rate: AddressRate) { self.init(perSecond: rate.perSecond, burst: rate.burst) }
}
