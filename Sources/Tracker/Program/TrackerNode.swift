import Certificates
import Glibc
import Logging
import Reactor
import TrackerCore
import Wire

/// A tracker from its listening socket to its database, on the loop of the thread that makes it,
/// and on those of its other reactors.
final class TrackerNode {
    let loop: EventLoop
    /// Where it listens, with the port that was chosen where 0 was asked for.
    let address: SocketAddress
    let service: TrackerService
    /// What it shows to who speaks TLS.
    private(set) var certificate: TrackerCertificate
    private let front: AnnounceFront
    let server: HTTPServer
    private let datagrams: DatagramFront
    /// Held while it runs.
    private var lock: DataFolder.Lock?
    private let logger: Logger
    /// Called when it begins to stop.
    var onStopping: () -> Void = {}
    private var isStopping = false
    /// Why it stopped by itself.
    private(set) var failure: String?

    /// So that a stop is over in less than 5 s.
    private static let drainTime = Duration.seconds(3)

    /// Listens and opens the database; serves once it runs.
    /// - Parameters:
    ///   - sockets: to listen on instead of the address.
    ///   - store: where the state is, for the port that is listened on.
    ///   - certificate: what is shown to who speaks TLS, likewise.
    ///   - secrets: what keeps the secrets in the store, likewise.
    init(
        address: SocketAddress, sockets: InheritedSockets = InheritedSockets(),
        store: (UInt16) throws(StartError) -> StoreLocation,
        certificate: (UInt16) throws(StartError) -> TrackerCertificate,
        secrets: (UInt16) throws(StartError) -> SecretBox,
        configuration: TrackerConfiguration, logger: Logger
    ) throws(StartError) {
        self.logger = logger
        let connectionIDs: ConnectionIDs
        do throws(SystemError) {
            loop = try EventLoop()
            server = HTTPServer(
                loop: loop, limits: configuration.http, proxies: configuration.trustedProxies)
            var generator = SystemRandomness()
            connectionIDs = ConnectionIDs(
                lifetime: configuration.connectionIDLifetime, random: &generator)
            (self.address, datagrams) = try Self.listen(
                on: sockets.address ?? address, sockets, server, connectionIDs)
        } catch {
            throw StartError(listeningOn: address, error)
        }
        do {
            let location = try store(self.address.port)
            lock = try location.lockForTracker()
            self.certificate = try certificate(self.address.port)
            server.tls = self.certificate.context
            let stores = try location.open()
            service = try TrackerService(
                loop: loop, stores: stores,
                authorities: GroupAuthorities(box: secrets(self.address.port)),
                configuration: configuration, logger: logger)
        } catch {
            loop.shutdown()
            throw error as? StartError ?? StartError("\(error)")
        }
        let rest = TrackerFront(
            service: service,
            status: StatusFront(service: service, server: server, datagrams: datagrams))
        front = AnnounceFront(service: service) { rest.handle($0, $1) }
        server.handler = front
        datagrams.service = service
        service.onFailure = { [unowned self] message in
            guard failure == nil else { return }
            logger.error("it can't go on", ["error": message])
            failure = message
            stop()
        }
        do throws(SystemError) {
            try startSides(configuration.reactors - 1, sockets, connectionIDs)
        } catch {
            loop.shutdown()
            throw StartError(listeningOn: self.address, error)
        }
    }

    /// The port was this tracker's alone until now: two that both share theirs would share one.
    private func startSides(
        _ count: Int, _ sockets: InheritedSockets, _ connectionIDs: ConnectionIDs
    ) throws(SystemError) {
        guard count > 0 else { return }
        try server.sharePort()
        try datagrams.sharePort()
        let sides = try SideReactors(
            besides: service, server: server, count: count, at: address, sockets: sockets,
            connectionIDs: connectionIDs, certificate: certificate.context)
        sides.onFailure = { [unowned self] in service.onFailure($0) }
        service.sides = sides
    }

    /// Takes one port number for TCP and for UDP. Where any will do, one that is free for TCP may
    /// be taken for UDP: then another is tried.
    private static func listen(
        on address: SocketAddress, _ sockets: InheritedSockets, _ server: HTTPServer,
        _ connectionIDs: ConnectionIDs
    ) throws(SystemError) -> (SocketAddress, DatagramFront) {
        var triesLeft = address.port == 0 ? 16 : 1
        while true {
            let chosen = try server.listen(on: address, inherited: sockets.listener)
            do throws(SystemError) {
                let datagrams = try DatagramFront(
                    loop: server.loop, address: chosen, inherited: sockets.datagrams,
                    connectionIDs: connectionIDs)
                return (chosen, datagrams)
            } catch {
                triesLeft -= 1
                guard triesLeft > 0, error.code == EADDRINUSE else { throw error }
                server.stopListening()
            }
        }
    }

    /// Serves until it is stopped.
    func run() {
        logger.info(
            "started",
            [
                "address": address, "network": service.networkID,
                "certificate": certificate.pin,
            ])
        loop.run()
        service.sides?.end()
        service.shutdown()
        loop.shutdown()
        lock = nil
        logger.info("stopped")
    }

    /// Takes other settings, as far as they can change while it runs, and shows another certificate to
    /// whoever connects from now on.
    func reload(_ configuration: TrackerConfiguration, _ certificate: TrackerCertificate) {
        service.reload(configuration)
        server.reload(limits: configuration.http, proxies: configuration.trustedProxies)
        self.certificate = certificate
        server.tls = certificate.context
        service.sides?.reload(configuration, certificate.context)
        logger.info("options read again", ["certificate": certificate.pin])
    }

    /// Takes no more connections, answers what has been asked, and ends `run`; called again, ends
    /// it at once. On the loop's thread.
    func stop() {
        if isStopping { return loop.stop() }
        isStopping = true
        onStopping()
        service.closeStreams()
        datagrams.close()
        var reactorsLeft = 1 + (service.sides?.count ?? 0)
        let drained = { [unowned self] in
            reactorsLeft -= 1
            if reactorsLeft == 0 { loop.stop() }
        }
        service.sides?.drain(within: Self.drainTime, then: drained)
        server.drain(within: Self.drainTime, then: drained)
    }
}
