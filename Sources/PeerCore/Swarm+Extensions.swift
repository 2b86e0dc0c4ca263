import Wire

// The extension protocol (BEP 10).
extension Swarm {
    /// Says who we are and what we offer.
    mutating func sendExtensionHandshake(
        to peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        var extensions = ExtensionHandshake(
            client: configuration.clientName, requestQueueLength: configuration.requestQueueLimit,
            listenPort: ownPort == 0 ? nil : ownPort, yourIP: peer.endpoint.address,
            isUploadOnly: isComplete ? true : nil, maxBlockLength: configuration.maxBlockLength)
        if !metadata.isEmpty {
            extensions.messageIDs[MetadataMessage.name] = Self.metadataMessageID
            extensions.metadataSize = metadata.count
        }
        send(.extended(id: 0, payload: extensions.encoded()), to: peer, now, &outputs)
    }

    /// Says that we want nothing more (BEP 21).
    mutating func tellUploadOnly(
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
        switch id {
        case 0:
            peer.stateMessages += 1
            readExtensionHandshake(payload, of: peer, now, &outputs)
        case Self.metadataMessageID where !metadata.isEmpty:
            readMetadataMessage(payload, from: peer, now, &outputs)
        default:
            peer.stateMessages += 1
        }
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
        // It may come again, with what has changed.
        if let isUploadOnly = extensions.isUploadOnly { peer.isUploadOnly = isUploadOnly }
        if let id = extensions.messageIDs[MetadataMessage.name] { peer.metadataID = id }
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
