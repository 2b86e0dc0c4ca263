import Wire

extension Swarms {
    /// Swarms of their own that are the same at this moment.
    package func copy(at now: Instant) -> Swarms {
        var copy = Swarms(limits: limits)
        for slot in 0..<table.slotCount where table.contains(slot) {
            let swarm = table[slot]
            for place in 0..<swarm.peerCount {
                for entry in entries(at: place, of: swarm, in: slot, at: now) {
                    copy.enter(entry, at: now)
                }
            }
            if swarm.completed > 0 {
                copy.restore(completed: swarm.completed, of: swarm.infoHash)
            }
        }
        return copy
    }

    /// One for each address of the peer.
    private func entries(
        at place: Int, of swarm: Swarm, in slot: Int, at now: Instant
    ) -> [SwarmEntry] {
        let peer = swarm.peers[place]
        var endpoints: [Endpoint] = []
        if peer.ipv4 != 0 {
            endpoints.append(Endpoint(address: IPAddress(ipv4: peer.ipv4), port: peer.port))
        }
        if peer.hasIPv6, let endpoint = ipv6Endpoint(of: peer, in: slot) {
            endpoints.append(endpoint)
        }
        return endpoints.map { endpoint in
            SwarmEntry(
                infoHash: swarm.infoHash, identity: peer.identity,
                user: peer.owner == 0 ? nil : peer.owner - 1, endpoint: endpoint,
                isSeeder: swarm.isSeeder(at: place), isPaused: peer.isPaused,
                lifetime: peer.deadline.remaining(at: now.nanoseconds))
        }
    }
}
