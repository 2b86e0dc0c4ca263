import PeerCore
import Wire

/// Where a torrent announces itself: its trackers, and the passkey that opens the group's swarms.
struct Announcer {
    let client: TrackerClient
    /// Nil for open swarms.
    let passkey: String?

    /// - Parameter completion: the interval until the next announce, and other peers.
    func announce(
        _ request: AnnounceRequest,
        then completion: @escaping (Result<(Duration, [Endpoint]), TrackerError>) -> Void
    ) {
        client.announce(request, passkey: passkey) { result in
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
