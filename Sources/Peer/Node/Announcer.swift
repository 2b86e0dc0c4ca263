import PeerCore
import Wire

/// Where a torrent announces itself: its trackers, and the session whose passkey opens the
/// group's swarms.
struct Announcer {
    let client: TrackerClient
    /// Nil for open swarms.
    let session: Session?

    /// - Parameter completion: the interval until the next announce, and other peers.
    func announce(
        _ request: AnnounceRequest,
        then completion: @escaping (Result<(Duration, [Endpoint]), TrackerError>) -> Void
    ) {
        client.announce(request, passkey: session?.passkey) { result in
            completion(
                result.map { response in
                    (.seconds(response.interval), response.peers + response.peers6)
                })
        }
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
