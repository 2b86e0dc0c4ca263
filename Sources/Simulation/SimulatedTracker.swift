import PeerCore
import TrackerCore
import Wire

/// A tracker of the simulation: the real directory, swarms, limits and answers, behind datagrams
/// (BEP 15, 41). The directory's log is its disk; all else is in memory.
package final class SimulatedTracker {
    let isOpen: Bool
    package internal(set) var isRunning = true
    package var announceInterval = Duration.seconds(60)
    /// Peers of an answer where the asker names no number.
    package var usualPeers = 50
    /// How often one address may announce.
    let rates = (perSecond: 1.0, burst: 50)

    private let info: Info
    private var random: SeededRandom
    private var choosing: SmallGenerator
    private var log: [RecordedEvent] = []
    private var directory = Directory()
    private var swarms = Swarms()
    private let identities: PeerIdentities
    private var connectionIDs: ConnectionIDs
    private var announceRates: AddressRates
    private(set) var passkeys: [Passkey] = []
    private var chosen = Swarms.Chosen()
    /// Announces that were refused for being too many.
    package private(set) var refusedCount = 0

    private static let group = "sharers"

    init(info: Info, isOpen: Bool, random: SeededRandom) {
        self.info = info
        self.isOpen = isOpen
        self.random = random
        choosing = SmallGenerator(seed: self.random.next())
        identities = PeerIdentities(random: &self.random)
        connectionIDs = ConnectionIDs(lifetime: .seconds(120), random: &self.random)
        announceRates = AddressRates(perSecond: rates.perSecond, burst: rates.burst)
    }

    // MARK: The directory

    /// A user for each peer; the first one makes the group, unless the swarm is open.
    func admit(_ index: Int, isMember: Bool) {
        let user = "user\(index)"
        let passkey = Passkey(random: &random)
        passkeys.append(passkey)
        append(.userCreated(user: user, passkey: passkey))
        guard !isOpen else { return }
        if index == 0 {
            append(.groupCreated(group: Self.group, kind: .open, owner: user))
            let file = FileRecord(
                name: info.name, infoHash: info.infoHash, size: info.length, sha1: nil,
                pieceLength: info.pieceLength, pieceCount: info.pieceCount, addedBy: user)
            append(.fileAdded(group: Self.group, file: file))
        } else if isMember {
            append(.joinRequested(group: Self.group, user: user))
            append(.memberAccepted(group: Self.group, user: user))
        }
    }

    private func append(_ event: DirectoryEvent) {
        let recorded = RecordedEvent(sequence: Int64(log.count + 1), time: 0, event: event)
        log.append(recorded)
        var notices: [DirectoryNotice] = []
        do {
            try directory.apply(recorded, into: &notices)
        } catch {
            preconditionFailure("the directory refuses \(event): \(error)")
        }
    }

    func crash() { isRunning = false }

    /// The directory comes back from its log, and nobody is in any swarm.
    func restart() {
        isRunning = true
        swarms = Swarms()
        connectionIDs = ConnectionIDs(lifetime: .seconds(120), random: &random)
        announceRates = AddressRates(perSecond: rates.perSecond, burst: rates.burst)
        do {
            directory = try Directory(snapshot: log, through: Int64(log.count))
        } catch {
            preconditionFailure("the directory's log doesn't make a directory: \(error)")
        }
    }

    /// How many are in the swarm.
    package var counts: Swarms.Counts { swarms.counts(of: info.infoHash) ?? Swarms.Counts() }

    package var peerCount: Int { swarms.peerCount }

    /// An announce of a peer that isn't there, by somebody who receives at an address.
    func enterStranger(
        _ number: Int, from address: IPAddress, at now: Instant, random: inout SeededRandom
    ) {
        guard isRunning else { return }
        var bytes: [UInt8] = []
        bytes.appendBigEndian(connectionIDs.id(for: address, at: now))
        bytes.appendBigEndian(1 as UInt32)
        bytes.appendBigEndian(UInt32(number))
        info.infoHash.withBytes { bytes.append(contentsOf: $0) }
        PeerID(random: &random).withBytes { bytes.append(contentsOf: $0) }
        // Nothing done, all left, `started`, no address of its own, any key, the usual number.
        for field in [0, info.length, 0] as [Int64] { bytes.appendBigEndian(UInt64(field)) }
        for field in [2, 0, UInt32(number), .max] as [UInt32] { bytes.appendBigEndian(field) }
        bytes.appendBigEndian(UInt16(1 + number))
        _ = answer(bytes, from: address, at: now)
    }

    // MARK: Datagrams

    /// The answer to a datagram; nil where it gets none.
    func answer(_ bytes: [UInt8], from address: IPAddress, at now: Instant) -> [UInt8]? {
        bytes.withUnsafeBytes { raw in
            guard let datagram = TrackerDatagram(raw) else { return nil }
            var answer: [UInt8] = []
            if datagram.action == .connect {
                TrackerDatagram.appendConnected(
                    datagram.transaction, connectionID: connectionIDs.id(for: address, at: now),
                    to: &answer)
            } else if connectionIDs.isValid(datagram.connectionID, for: address, at: now) {
                announce(datagram, address, now, &answer)
            } else {
                TrackerDatagram.appendError(datagram.transaction, "connect again", to: &answer)
            }
            return answer
        }
    }

    private func announce(
        _ datagram: TrackerDatagram, _ address: IPAddress, _ now: Instant,
        _ answer: inout [UInt8]
    ) {
        func refuse(_ reason: String) {
            TrackerDatagram.appendError(datagram.transaction, reason, to: &answer)
        }
        guard let request = try? datagram.announce() else { return refuse("malformed") }
        guard announceRates.take(address, at: now) == nil else {
            refusedCount += 1
            return refuse("too many announces from your address")
        }
        let passkey = datagram.withURLData { Self.passkey(in: $0) }
        let decision = directory.decide(
            passkey: passkey, infoHash: request.infoHash, openSwarms: isOpen ? .on : .off)
        switch decision {
        case .refused(let refusal): refuse(refusal.reason)
        case .allowed(let user):
            let identity =
                passkey.map { identities.identity(of: request.peerID, passkey: $0) }
                ?? identities.identity(of: request.peerID, key: request.key ?? 0)
            enter(request, identity, user, address, now, datagram.transaction, &answer)
        }
    }

    private func enter(
        _ request: AnnounceRequest, _ identity: PeerIdentity, _ user: UserIndex?,
        _ address: IPAddress, _ now: Instant, _ transaction: UInt32, _ answer: inout [UInt8]
    ) {
        swarms.removeExpired(at: now, budget: 100) { _ in false }
        var counts = Swarms.Counts()
        if request.event == .stopped {
            counts = swarms.stop(identity, of: request.infoHash)
            chosen.removeAll()
        } else {
            let wanted = request.event == .paused ? 0 : request.numwant ?? usualPeers
            let entry = SwarmEntry(
                infoHash: request.infoHash, identity: identity, user: user,
                endpoint: Endpoint(address: address, port: request.port),
                isSeeder: request.left == 0, isPaused: request.event == .paused,
                hasCompleted: request.event == .completed,
                lifetime: announceInterval * 2 + .seconds(30))
            let announce = Swarms.Announce(entry: entry, wanted: wanted)
            counts =
                swarms.announce(announce, at: now, random: &choosing, into: &chosen) ?? counts
        }
        TrackerDatagram.appendAnnounced(
            transaction, interval: Int(announceInterval.components.seconds),
            leechers: counts.leechers, seeders: counts.seeders, peers: chosen.ipv4, to: &answer)
    }

    private static func passkey(in urlData: UnsafeRawBufferPointer) -> Passkey? {
        guard urlData.count > 32 else { return nil }
        return Passkey(hexDigits: UnsafeRawBufferPointer(rebasing: urlData.suffix(32)))
    }
}
