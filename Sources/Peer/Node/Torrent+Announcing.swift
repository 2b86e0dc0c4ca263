import PeerCore
import Wire

extension Torrent {
    /// Announces at once where somebody waits for what comes of it: peers for a download, the word
    /// of its end.
    func announce(_ announcement: SwarmAnnouncement) {
        guard swarm.isSeed, announcement == .started || announcement == .regular else {
            return send(announcement) {}
        }
        node.announces.append { [weak self] ended in
            guard let self, isRunning else { return ended() }
            send(announcement, then: ended)
        }
    }

    private func send(
        _ announcement: SwarmAnnouncement, then completion: @escaping () -> Void
    ) {
        let progress = swarm.progress(at: node.now)
        let event = announcement.event
        let request = AnnounceRequest(
            infoHash: infoHash, peerID: node.peerID, port: node.port,
            uploaded: UInt64(progress.uploadedBytes), downloaded: UInt64(progress.downloadedBytes),
            left: UInt64(progress.left), event: event,
            numwant: announcement == .stopped ? 0 : 80, key: node.announceKey)
        node.pendingAnnounces += 1
        let passkey = announcer.session?.passkey
        announcer.announce(request) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let (interval, peers)):
                lastRefusal = nil
                // Those that began together drift apart.
                let next = interval * Double.random(in: 0.9...1)
                deliver(.announced(interval: next, peers: peers))
            case .failure(let error):
                // It was replaced meanwhile: the announce with the new one is under way.
                guard passkey == announcer.session?.passkey else { return }
                announceFailed(error)
            }
        } onEnd: { [unowned node] in
            node.pendingAnnounces -= 1
            completion()
        }
    }

    /// A tracker that can't be reached is told of by the session; a refusal is told once.
    private func announceFailed(_ error: TrackerError) {
        if case .refused(_, _, let message) = error, message != lastRefusal, isRunning {
            lastRefusal = message
            node.notify("\(info.name): the tracker refuses the announce: \(message)")
        }
        deliver(.announceFailed)
    }

    /// Announces out of turn: the tracker lost its swarms, or a new sharer is known.
    func announceNow() {
        guard isRunning else { return }
        announce(swarm.isComplete && !swarm.isSeed ? .paused : .started)
    }
}
