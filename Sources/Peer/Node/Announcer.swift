import PeerCore
import Wire

/// Where a torrent announces itself: its trackers, and the session whose passkey opens the
/// group's swarms.
struct Announcer {
    /// One of each address family at most; each tells its trackers an address of this peer.
    let clients: [TrackerClient]
    /// Nil for open swarms.
    let session: Session?

    /// - Parameters:
    ///   - onAnswer: the interval until the next announce, and other peers; as many times as there
    ///     are answers, or once, when nobody has answered, with the last failure.
    ///   - onEnd: after all of it.
    func announce(
        _ request: AnnounceRequest,
        onAnswer: @escaping (Result<(Duration, [Endpoint]), TrackerError>) -> Void,
        onEnd: @escaping () -> Void
    ) {
        let outcome = Outcome(open: clients.count)
        for client in clients {
            client.announce(request, passkey: session?.passkey) { result in
                outcome.open -= 1
                switch result {
                case .success(let response):
                    outcome.wasAnswered = true
                    let peers = response.peers + response.peers6
                    onAnswer(.success((.seconds(response.interval), peers)))
                case .failure(let error):
                    if outcome.open == 0, !outcome.wasAnswered { onAnswer(.failure(error)) }
                }
                if outcome.open == 0 { onEnd() }
            }
        }
    }

    private final class Outcome {
        var open: Int
        var wasAnswered = false

        init(open: Int) { self.open = open }
    }
}

extension SwarmAnnouncement {
    /// The announce's `event` (BEP 3).
    var event: AnnounceRequest.Event {
        switch self {
        case .started: .started
        case .regular: .none
        case .completed: .completed
        case .paused: .paused
        case .stopped: .stopped
        }
    }
}
