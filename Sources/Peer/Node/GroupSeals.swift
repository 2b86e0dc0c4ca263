import Certificates
import Reactor
import Wire

/// The seals of a session's groups: asked for at the tracker, renewed by themselves, and who may
/// not be let in any more.
final class GroupSeals {
    typealias Completion = (Result<GroupSeal?, TrackerError>) -> Void

    private struct Known {
        var seal: GroupSeal?
        var leavers = GroupLeavers()
        var waiting: [Completion] = []
        var isAsking = false
        /// What is being asked for may be answered without what was told to nobody here.
        var asksAgain = false
        var timer: TimerID?
    }

    private unowned let node: Node
    private let key: PrivateKey
    private var groups: [String: Known] = [:]
    /// Groups that have no seals; one of the same name may once the user has left.
    private var openGroups: Set<String> = []
    private var sweep: TimerID?

    private static let retryPause = Duration.seconds(15)
    private static let sweepPause = Duration.seconds(15)

    init(node: Node, key: PrivateKey) {
        self.node = node
        self.key = key
        scheduleSweep()
    }

    /// Ends the renewing.
    func stop() {
        if let sweep { node.loop.cancel(sweep) }
        sweep = nil
        for case let timer? in groups.values.map(\.timer) { node.loop.cancel(timer) }
        groups = [:]
    }

    /// The seal that is there.
    func seal(of group: String) -> GroupSeal? { groups[group]?.seal }

    /// The seal of a group, asked for where it isn't there; nil for an open group.
    func obtain(_ group: String, then completion: @escaping Completion) {
        if let seal = groups[group]?.seal { return completion(.success(seal)) }
        if openGroups.contains(group) { return completion(.success(nil)) }
        groups[group, default: Known()].waiting.append(completion)
        ask(group)
    }

    /// The groups' removals until now may have been told to nobody here.
    func renewAll() {
        openGroups = []
        for group in groups.keys.sorted() {
            if groups[group]?.isAsking == true {
                groups[group]?.asksAgain = true
            } else {
                ask(group)
            }
        }
    }

    func userLeft(_ user: String, _ group: String) {
        groups[group]?.leavers.left(user)
        dropPeers()
    }

    func userJoined(_ user: String, _ group: String) { groups[group]?.leavers.joined(user) }

    /// The session's user is no member any more.
    func leave(_ group: String) {
        openGroups.remove(group)
        // Who waits is answered.
        if groups[group]?.waiting.isEmpty == true { _ = forget(group) }
    }

    /// Whether a certificate of the user's is none any more.
    func hasLeft(_ user: String, _ group: String) -> Bool {
        groups[group]?.leavers.contains(user) == true
    }

    /// What is wrong with who has a certificate of the group's authority; nil: nothing.
    func problem(with peer: TLSPeer, in group: String) -> String? {
        guard let member = SealedPeer(peer, at: node.loop.now) else {
            return "it is no member's"
        }
        return hasLeft(member.userID, group)
            ? "\(member.userID) isn't a member of \(group) any more" : nil
    }

    // MARK: Asking

    private func ask(_ group: String) {
        guard groups[group]?.isAsking == false else { return }
        groups[group]?.isAsking = true
        groups[group]?.leavers.ask()
        let request: [UInt8]
        do {
            request = try CertificateRequest(key: key).pem()
        } catch {
            preconditionFailure("a request for a certificate can't be made: \(error)")
        }
        node.tracker.requestCertificate(
            group: group,
            GroupCertificateRequest(request: String(decoding: request, as: UTF8.self))
        ) { [weak self] result in
            self?.take(result, group)
        }
    }

    private func take(
        _ result: Result<GroupCertificateResponse, TrackerError>, _ group: String
    ) {
        guard groups[group] != nil else { return }
        groups[group]?.isAsking = false
        defer { askAgainIfStale(group) }
        switch result {
        case .success(let response): take(response, group)
        case .failure(.refused(_, "not_sealed", _)):
            let waiting = forget(group)
            openGroups.insert(group)
            for completion in waiting { completion(.success(nil)) }
        case .failure(let error):
            // What is there counts on; who waits is told, and may ask again.
            let waiting = groups[group]?.waiting ?? []
            groups[group]?.waiting = []
            schedule(group, after: Self.retryPause)
            for completion in waiting { completion(.failure(error)) }
        }
    }

    private func take(_ response: GroupCertificateResponse, _ group: String) {
        let seal: GroupSeal
        do {
            seal = try GroupSeal(
                certificate: Array(response.certificate.utf8), key: key,
                authority: Array(response.authority.utf8))
        } catch {
            node.logger.error("a certificate can't be used", ["group": group, "error": "\(error)"])
            return schedule(group, after: Self.retryPause)
        }
        groups[group]?.seal = seal
        groups[group]?.leavers.take(answer: response.left)
        schedule(group, after: seal.renewal)
        let waiting = groups[group]?.waiting ?? []
        groups[group]?.waiting = []
        for completion in waiting { completion(.success(seal)) }
        dropPeers()
    }

    private func askAgainIfStale(_ group: String) {
        guard groups[group]?.asksAgain == true else { return }
        groups[group]?.asksAgain = false
        ask(group)
    }

    private func forget(_ group: String) -> [Completion] {
        guard let known = groups.removeValue(forKey: group) else { return [] }
        if let timer = known.timer { node.loop.cancel(timer) }
        return known.waiting
    }

    private func schedule(_ group: String, after pause: Duration) {
        if let timer = groups[group]?.timer { node.loop.cancel(timer) }
        groups[group]?.timer = node.loop.schedule(after: pause) { [unowned self] in
            groups[group]?.timer = nil
            ask(group)
        }
    }

    // MARK: Dropping

    private func scheduleSweep() {
        sweep = node.loop.schedule(after: Self.sweepPause) { [unowned self] in
            scheduleSweep()
            dropPeers()
        }
    }

    /// Ends the connections of those who have left, and of certificates that have ended.
    private func dropPeers() {
        let now = node.loop.now
        for torrent in node.torrents.values {
            guard let group = torrent.sealedGroup else { continue }
            for connection in torrent.connections.all {
                guard let peer = connection.sealedPeer else { continue }
                if peer.end <= now || hasLeft(peer.userID, group) { connection.drop() }
            }
        }
    }
}
