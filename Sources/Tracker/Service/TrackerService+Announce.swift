import Reactor
import TrackerCore
import Wire

// The hot path: no String, no database, nothing that waits.
extension TrackerService {
    /// Appends the bencoded answer to an announce, refusals included (BEP 3).
    /// - Parameters:
    ///   - passkey: nil for an announce without one.
    ///   - source: of the connection: the only address that is believed.
    func answerAnnounce(
        query: UnsafeRawBufferPointer, passkey: Passkey?, source: SocketAddress,
        into output: inout [UInt8]
    ) {
        let request: AnnounceRequest
        do throws(AnnounceError) {
            request = try AnnounceRequest(parsingQuery: query)
        } catch {
            return AnnounceFailure(reason: "\(error)").encode(into: &output)
        }
        let decision = directory.decide(
            passkey: passkey, infoHash: request.infoHash,
            allowsOpenSwarms: configuration.allowsOpenSwarms)
        guard case .allowed(let user) = decision,
            let address = source.withSockaddr({ pointer, _ in Endpoint(pointer) })?.address
        else { return refuse(decision, into: &output) }
        enter(request, user: user, address: address, into: &output)
    }

    private func refuse(_ decision: AnnounceDecision, into output: inout [UInt8]) {
        guard case .refused(let refusal) = decision else { return }
        let retryIn: AnnounceFailure.RetryIn? =
            switch refusal {
            case .unknownPasskey, .openSwarmsOff, .passkeyMissing: .never
            case .notRegistered: nil
            }
        AnnounceFailure(reason: refusal.reason, retryIn: retryIn).encode(into: &output)
    }

    private func enter(
        _ request: AnnounceRequest, user: UserIndex?, address: IPAddress,
        into output: inout [UInt8]
    ) {
        let identity = identity(of: request, user: user, address: address)
        var answer = AnnounceResponse(
            interval: announceSeconds, minInterval: minimumSeconds, externalIP: address)
        if request.event == .stopped {
            let counts = swarms.stop(identity, of: request.infoHash)
            chosen.removeAll()
            return encode(&answer, counts, request, into: &output)
        }
        let wanted = request.numwant ?? configuration.usualPeers
        let announce = Swarms.Announce(
            infoHash: request.infoHash, identity: identity, user: user,
            endpoint: Endpoint(address: address, port: request.port),
            isSeeder: request.left == 0, hasCompleted: request.event == .completed,
            wanted: request.event == .paused ? 0 : min(wanted, configuration.mostPeers),
            lifetime: peerLifetime)
        guard let counts = swarms.announce(announce, at: now, random: &random, into: &chosen)
        else {
            return AnnounceFailure(
                reason: "this tracker can't take more peers", retryIn: .minutes(10)
            ).encode(into: &output)
        }
        encode(&answer, counts, request, into: &output)
    }

    /// A user's clients are told apart by their peer ids. A stranger's entry belongs to who knows
    /// its key (BEP 7), or comes from its address where there is none.
    private func identity(
        of request: AnnounceRequest, user: UserIndex?, address: IPAddress
    ) -> PeerIdentity {
        var hasher = Hasher()
        hasher.combine(request.peerID)
        if let user {
            hasher.combine(user)
        } else if let key = request.key {
            hasher.combine(key)
        } else {
            hasher.combine(address)
        }
        return PeerIdentity(bitPattern: Int64(hasher.finalize()))
    }

    private func encode(
        _ answer: inout AnnounceResponse, _ counts: Swarms.Counts, _ request: AnnounceRequest,
        into output: inout [UInt8]
    ) {
        answer.complete = counts.seeders
        answer.incomplete = counts.leechers
        answer.downloaded = counts.completed
        if request.compact {
            answer.encode(ipv4: chosen.ipv4, ipv6: chosen.ipv6, into: &output)
        } else {
            answer.peers = Endpoint.decodeCompactIPv4(chosen.ipv4) ?? []
            answer.peers6 = Endpoint.decodeCompactIPv6(chosen.ipv6) ?? []
            answer.encode(compact: false, into: &output)
        }
    }

    /// Appends the bencoded answer to a scrape (BEP 48): the counts of the swarms that the caller
    /// may announce to.
    func answerScrape(
        query: UnsafeRawBufferPointer, passkey: Passkey?, into output: inout [UInt8]
    ) {
        let request: ScrapeRequest
        do throws(AnnounceError) {
            request = try ScrapeRequest(parsingQuery: query)
        } catch {
            return AnnounceFailure(reason: "\(error)").encode(into: &output)
        }
        var answer = ScrapeResponse(files: [:])
        for infoHash in request.infoHashes {
            let decision = directory.decide(
                passkey: passkey, infoHash: infoHash,
                allowsOpenSwarms: configuration.allowsOpenSwarms)
            if decision == .refused(.unknownPasskey) { return refuse(decision, into: &output) }
            guard case .allowed = decision else { continue }
            let counts = swarms.counts(of: infoHash) ?? Swarms.Counts()
            answer.files[infoHash] = ScrapeResponse.Entry(
                complete: counts.seeders, downloaded: counts.completed,
                incomplete: counts.leechers)
        }
        answer.encode(into: &output)
    }
}
