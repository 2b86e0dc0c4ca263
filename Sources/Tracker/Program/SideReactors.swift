import Reactor
import TrackerCore

/// The tracker's reactors but the first, for that one's thread.
final class SideReactors {
    private let loop: EventLoop
    private let reactors: [SideReactor]
    private let handles: [LoopBound<SideReactor>]
    /// How many lists of events were forwarded, and how many each reactor has applied.
    private var forwarded = 0
    private var applied: [Int]
    /// What waits until so many are applied everywhere.
    private var unsettled: [(number: Int, then: () -> Void)] = []
    /// Called when a reactor can't follow the directory's log.
    var onFailure: (String) -> Void = { _ in }

    /// Starts them all, as the first is now, and makes them and the first tell each other of their
    /// swarms.
    init(
        besides first: AnnounceService, server: HTTPServer, count: Int, at address: SocketAddress,
        sockets: InheritedSockets, connectionIDs: ConnectionIDs, certificate: TLSContext
    ) throws(SystemError) {
        loop = first.loop
        let main = LoopBound(server, on: first.loop)
        var reactors: [SideReactor] = []
        for _ in 0..<count {
            reactors.append(
                try SideReactor(
                    like: first, at: address, sockets: sockets, connectionIDs: connectionIDs,
                    certificate: certificate, main: main))
        }
        self.reactors = reactors
        handles = reactors.map { LoopBound($0, on: $0.loop) }
        applied = reactors.map { _ in 0 }
        let services = [first] + reactors.map(\.service)
        for service in services {
            let others = services.filter { $0 !== service }
            service.exchange = SwarmExchange(
                loop: service.loop, others: others.map { LoopBound($0, on: $0.loop) })
        }
        for reactor in reactors { try reactor.start() }
    }

    // MARK: The directory

    /// Has every reactor apply what the first has applied.
    func forward(_ events: [RecordedEvent]) {
        forwarded += 1
        let (number, sides) = (forwarded, LoopBound(self, on: loop))
        for (index, handle) in handles.enumerated() {
            handle.submit { reactor in
                do throws(DirectoryInconsistency) {
                    try reactor.apply(events)
                } catch {
                    let message = "the database's log can't be followed: \(error)"
                    sides.submit { $0.onFailure(message) }
                }
                sides.submit { $0.hasApplied(number, index) }
            }
        }
    }

    private func hasApplied(_ number: Int, _ index: Int) {
        applied[index] = number
        let settled = applied.min() ?? forwarded
        while let first = unsettled.first, first.number <= settled {
            unsettled.removeFirst()
            first.then()
        }
    }

    /// Runs its argument once all reactors have applied what was forwarded before: whoever is told
    /// of a change finds it wherever the next request is answered.
    func settle(_ then: @escaping () -> Void) {
        if applied.allSatisfy({ $0 == forwarded }) { return then() }
        unsettled.append((forwarded, then))
    }

    // MARK: The rest

    func reload(_ configuration: TrackerConfiguration, _ certificate: TLSContext) {
        for handle in handles { handle.submit { $0.reload(configuration, certificate) } }
    }

    /// Adds the figures of all to those of the first.
    func add(to figures: ReactorFigures, then: @escaping (ReactorFigures) -> Void) {
        let sum = LoopBound(Sum(figures, awaited: handles.count, then), on: loop)
        for handle in handles {
            handle.submit { reactor in
                let figures = reactor.figures
                sum.submit { $0.add(figures) }
            }
        }
    }

    private final class Sum {
        private var figures: ReactorFigures
        private var awaited: Int
        private let then: (ReactorFigures) -> Void

        init(_ figures: ReactorFigures, awaited: Int, _ then: @escaping (ReactorFigures) -> Void) {
            (self.figures, self.awaited, self.then) = (figures, awaited, then)
        }

        func add(_ other: ReactorFigures) {
            figures.add(other)
            awaited -= 1
            if awaited == 0 { then(figures) }
        }
    }

    /// Has all reactors take nothing new and answer what was asked; `then` is called once for each.
    func drain(within limit: Duration, then: @escaping () -> Void) {
        let then = LoopBound(then, on: loop)
        for handle in handles {
            handle.submit { reactor in
                reactor.drain(within: limit) { then.submit { $0() } }
            }
        }
    }

    var count: Int { reactors.count }

    /// Ends their threads; the first reactor's loop turns no more.
    func end() {
        for handle in handles { handle.submit { $0.loop.stop() } }
        for reactor in reactors { reactor.end() }
    }
}
