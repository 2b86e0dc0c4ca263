import Wire

// The extension protocol (BEP 10).
extension Swarm {
    /// Says who we are and what we offer.
    func sendExtensionHandshake(
        to peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        let extensions = ExtensionHandshake(
            client: configuration.clientName, requestQueueLength: configuration.requestQueueLimit,
            listenPort: ownPort == 0 ? nil : ownPort, yourIP: peer.endpoint.address,
            isUploadOnly: isComplete, maxBlockLength: configuration.maxBlockLength)
        send(.extended(id: 0, payload: extensions.encoded()), to: peer, now, &outputs)
    }

    /// Says that we want nothing more (BEP 21).
    func tellUploadOnly(
        to peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        guard peer.speaksExtensions else { return }
        let extensions = ExtensionHandshake(isUploadOnly: true)
        send(.extended(id: 0, payload: extensions.encoded()), to: peer, now, &outputs)
    }

    mutating func extended(
        _ id: UInt8, _ payload: [UInt8], from peer: PeerConnection, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        if id == 0 { readExtensionHandshake(payload, of: peer, now, &outputs) }
    }

    private mutating func readExtensionHandshake(
        _ payload: [UInt8], of peer: PeerConnection, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        // One that is not understood offers nothing; it does no harm either.
        guard let extensions = try? ExtensionHandshake(decoding: payload) else { return }
        if let client = extensions.client { peer.record.client = String(client.prefix(64)) }
        if let limit = extensions.requestQueueLength { peer.pipeline.limitQueue(to: limit) }
        if let length = extensions.maxBlockLength {
            let longest = min(length, configuration.maxBlockLength)
            peer.maxRequestLength = max(longest, geometry.blockLength)
        }
        peer.isUploadOnly = extensions.isUploadOnly
        if let port = extensions.listenPort, peer.listenEndpoint == nil {
            let endpoint = Endpoint(address: peer.endpoint.address, port: port)
            peer.listenEndpoint = endpoint
            peer.record.endpoint = endpoint
            guard connector.occupy(endpoint, at: now) else {
                return close(peer, .banned, now, &outputs)
            }
        }
        reconsider(peer, now, &outputs)
    }
}
