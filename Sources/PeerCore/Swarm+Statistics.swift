import Wire

extension Swarm {
    /// The state at a moment, in time proportional to the number of connections.
    package func progress(at now: Instant) -> SwarmProgress {
        var progress = totals
        progress.downloadRate = downloadMeter.rate(at: now)
        progress.uploadRate = uploadMeter.rate(at: now)
        progress.connectedPeers = activeCount
        progress.connectingPeers = connector.halfOpenCount + connections.count - activeCount
        for peer in connections.entries {
            guard let peer, peer.isActive else { continue }
            if peer.pieces.isFull { progress.connectedSeeds += 1 }
            progress.inFlightBytes += Int64(peer.pipeline.outstanding * geometry.blockLength)
        }
        progress.inFlightBytes = min(progress.inFlightBytes, progress.missingBytes)
        if progress.isComplete {
            progress.eta = .zero
        } else if progress.downloadRate > 0 {
            progress.eta = .seconds(Double(progress.missingBytes) / progress.downloadRate)
        }
        return progress
    }

    /// The connected peers, then the remembered ones, each of them in the order in which they
    /// came first.
    package func peers(at now: Instant) -> [PeerSnapshot] {
        let connected = connections.entries.compactMap { $0 }.filter(\.isActive)
            .sorted { $0.record.id < $1.record.id }
            .map { Self.snapshot(of: $0, at: now) }
        return connected + records.all.filter { !$0.isConnected }.map(Self.snapshot(of:))
    }

    private static func snapshot(of peer: PeerConnection, at now: Instant) -> PeerSnapshot {
        var snapshot = snapshot(of: peer.record)
        snapshot.connection = peer.id
        snapshot.downloadRate = peer.downloadMeter.rate(at: now)
        snapshot.uploadRate = peer.uploadMeter.rate(at: now)
        snapshot.pieces = peer.pieces.setCount
        snapshot.amInterested = peer.amInterested
        snapshot.amChoking = peer.amChoking
        snapshot.peerIsInterested = peer.peerIsInterested
        snapshot.peerIsChoking = peer.peerIsChoking
        snapshot.isSnubbed = peer.isSnubbed
        return snapshot
    }

    private static func snapshot(of record: PeerRecord) -> PeerSnapshot {
        PeerSnapshot(
            connection: nil, endpoint: record.endpoint, peerID: record.peerID,
            client: record.client, downloadRate: 0, uploadRate: 0, bytesFrom: record.bytesFrom,
            bytesTo: record.bytesTo, pieces: record.pieces, amInterested: false, amChoking: true,
            peerIsInterested: false, peerIsChoking: true, isSnubbed: false)
    }
}
