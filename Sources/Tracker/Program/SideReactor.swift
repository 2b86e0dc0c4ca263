import Glibc
import Logging
import Reactor
import TrackerCore

/// A reactor beside the tracker's first, with a port in common: it answers announces and scrapes
/// from projections of its own, and hands connections on which anything else is asked to the first.
final class SideReactor {
    /// The announces of a reactor that writes no counts of downloads down.
    private final class Service: AnnounceService {
        override func sweep() {
            super.sweep()
            _ = swarms.takeCompleted()
        }
    }

    let loop: EventLoop
    let service: AnnounceService
    private let server: HTTPServer
    private let datagrams: DatagramFront
    private let front: AnnounceFront
    private var thread: LoopThread?

    /// As the first reactor is now; serves once its thread is started.
    /// - Parameters:
    ///   - sockets: the first reactor's own, where they were handed over to the program.
    ///   - certificate: shown to who speaks TLS.
    ///   - main: takes connections.
    init(
        like first: AnnounceService, at address: SocketAddress, sockets: InheritedSockets,
        connectionIDs: ConnectionIDs, certificate: TLSContext, main: LoopBound<HTTPServer>
    ) throws(SystemError) {
        loop = try EventLoop()
        let configuration = first.configuration
        service = Service(
            loop: loop, directory: Directory(copying: first.directory),
            swarms: first.swarms.copy(at: first.now), identities: first.identities,
            configuration: configuration, logger: first.logger)
        server = HTTPServer(
            loop: loop, limits: configuration.http, proxies: configuration.trustedProxies)
        front = AnnounceFront(service: service) { $1.connection.handOver($0) }
        server.handler = front
        server.tls = certificate
        server.onHandOver = { handed in
            if !main.submit({ $0.adopt(handed) }) { close(handed.descriptor) }
        }
        _ = try server.listen(
            on: address, inherited: try sockets.listener.map(Self.duplicate), sharingPort: true)
        datagrams = try DatagramFront(
            loop: loop, address: address, inherited: try sockets.datagrams.map(Self.duplicate),
            sharingPort: true, connectionIDs: connectionIDs)
        datagrams.service = service
    }

    private static func duplicate(_ descriptor: Int32) throws(SystemError) -> Int32 {
        try Socket.duplicate(descriptor)
    }

    func start() throws(SystemError) { thread = try LoopThread(running: loop) }

    /// Waits for its thread, whose loop has been told to stop.
    func end() {
        thread?.join()
        service.stopSweeping()
        loop.shutdown()
    }

    // MARK: On its own thread

    func apply(_ events: [RecordedEvent]) throws(DirectoryInconsistency) {
        var notices: [DirectoryNotice] = []
        for event in events { try service.directory.apply(event, into: &notices) }
        for notice in notices { service.performInSwarms(notice) }
    }

    func reload(_ configuration: TrackerConfiguration, _ certificate: TLSContext) {
        service.reload(configuration)
        server.tls = certificate
        server.reload(limits: configuration.http, proxies: configuration.trustedProxies)
    }

    func drain(within limit: Duration, then: @escaping () -> Void) {
        datagrams.close()
        server.drain(within: limit, then: then)
    }

    var figures: ReactorFigures { ReactorFigures(service.metrics, server, datagrams) }
}
