import TrackerCore
import Wire

/// What strangers send to a tracker, as far as no socket is needed for it.
enum TrackerInput {
    private static let source = IPAddress(ipv4: 0x0102_0304)
    private static let identities = PeerIdentities(key: (1, 2))

    /// All bytes of a connection; they arrive in two parts, cut where the first byte says.
    static func connection(_ bytes: UnsafeRawBufferPointer) {
        guard let cut = bytes.first else { return }
        let stream = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
        compareViews(of: stream)
        let middle = min(stream.count, Int(cut))
        var decoder = HTTPRequestDecoder()
        var swarms = Swarms()
        for part in [stream[..<middle], stream[middle...]] {
            decoder.append(UnsafeRawBufferPointer(rebasing: part))
            do throws(HTTPError) {
                while let request = try decoder.next() { take(request, &swarms) }
            } catch {
                return
            }
            _ = decoder.takeContinueDemand()
        }
    }

    /// A request that is read where it lies is the one that would be decoded.
    private static func compareViews(of bytes: UnsafeRawBufferPointer) {
        guard let view = HTTPRequestView(bytes, limits: HTTPLimits()) else { return }
        var decoder = HTTPRequestDecoder()
        decoder.append(bytes)
        guard let request = try? decoder.next() else {
            preconditionFailure("what the decoder refuses isn't taken")
        }
        let isSame =
            view.method == request.method && view.keepAlive == request.keepAlive
            && view.path.elementsEqual(request.path.utf8)
            && request.withQueryBytes { view.query.elementsEqual($0) }
        precondition(isSame && decoder.isBetweenRequests, "two readings of one request")
    }

    private static func take(_ request: HTTPRequest, _ swarms: inout Swarms) {
        _ = request.pathComponents
        _ = request.withPathBytes { path in
            path.count >= 32
                ? Passkey(hexDigits: UnsafeRawBufferPointer(rebasing: path.suffix(32))) : nil
        }
        request.withQueryBytes { query in
            if let announce = try? AnnounceRequest(parsingQuery: query) {
                let again = try? AnnounceRequest(parsingQuery: Array(announce.query().utf8))
                precondition(again == announce, "an announce reads as it was written")
                enter(announce, &swarms)
            }
            if let scrape = try? ScrapeRequest(parsingQuery: query) {
                precondition(scrape.infoHashes.count <= 64, "a scrape has a bound")
                for infoHash in scrape.infoHashes { _ = swarms.counts(of: infoHash) }
            }
        }
        let body = request.body
        _ = try? WireJSON.decode(CreateUserRequest.self, from: body)
        _ = try? WireJSON.decode(LoginRequest.self, from: body)
        if let file = try? WireJSON.decode(AddFileRequest.self, from: body),
            let info = try? Info(decoding: file.info.bytes)
        {
            FileInput.check(info)
        }
    }

    private static func enter(_ request: AnnounceRequest, _ swarms: inout Swarms) {
        let entry = SwarmEntry(
            infoHash: request.infoHash,
            identity: identities.identity(of: request.peerID, address: source), user: nil,
            endpoint: Endpoint(address: source, port: request.port),
            isSeeder: request.left == 0, isPaused: request.event == .paused,
            hasCompleted: request.event == .completed, lifetime: .seconds(60))
        var random = SmallGenerator(seed: 1)
        var chosen = Swarms.Chosen()
        let wanted = min(request.numwant ?? 50, 200)
        let counts = swarms.announce(
            Swarms.Announce(entry: entry, wanted: wanted), at: .zero, random: &random,
            into: &chosen)
        precondition(chosen.ipv4.count <= 6 * wanted, "no more peers than were wanted")
        precondition(counts.map { $0.seeders + $0.leechers > 0 } != false, "it is in the swarm")
        if request.event == .stopped { _ = swarms.stop(entry.identity, of: entry.infoHash) }
    }

    static func datagram(_ bytes: UnsafeRawBufferPointer) {
        guard let datagram = TrackerDatagram(bytes) else { return }
        var answer: [UInt8] = []
        TrackerDatagram.appendError(
            datagram.transaction, "connect again", limit: datagram.count, to: &answer)
        precondition(answer.count <= bytes.count, "a stranger gets no more than it sent")
        switch datagram.action {
        case .announce:
            guard let announce = try? datagram.announce() else { return }
            precondition(announce.port != 0, "nobody listens on port 0")
            datagram.withURLData { precondition($0.count <= bytes.count) }
            var swarms = Swarms()
            enter(announce, &swarms)
        case .scrape:
            guard let count = try? datagram.scrapedCount() else { return }
            var swarms = Swarms()
            var counts: [Swarms.Counts] = []
            swarms.counts(of: (0..<count).map { datagram.scraped($0) }, into: &counts)
            precondition(counts.count == count, "an entry for each hash")
        case .connect, .error: break
        }
    }
}
