import Wire

/// What a path under `/api/v1` names.
enum APIResource: Equatable {
    case network
    case users
    case sessions
    case currentSession
    case groups
    case requests(group: String)
    case request(group: String, user: String)
    case member(group: String, user: String)
    case certificate(group: String)
    case files(group: String)
    case file(group: String, name: String)
    case share(group: String, name: String)
    case passkey
    case holdings
    case openSwarm(InfoHash)
    case events

    /// - Parameter path: the decoded components, `api` and `v1` included; nil for an unknown path.
    init?(path: [String]) {
        guard path.count > 2, path[0] == "api", path[1] == "v1" else { return nil }
        let rest = path[2...]
        let names = Array(rest.dropFirst())
        switch (rest.first, names.count) {
        case ("network", 0): self = .network
        case ("users", 0): self = .users
        case ("sessions", 0): self = .sessions
        case ("sessions", 1) where names[0] == "current": self = .currentSession
        case ("passkey", 0): self = .passkey
        case ("holdings", 0): self = .holdings
        case ("events", 0): self = .events
        case ("open-swarms", 1):
            guard let infoHash = InfoHash(hex: names[0]) else { return nil }
            self = .openSwarm(infoHash)
        case ("groups", 0): self = .groups
        case ("groups", 2...4): self.init(group: names[0], rest: Array(names.dropFirst()))
        default: return nil
        }
    }

    private init?(group: String, rest: [String]) {
        switch (rest[0], rest.count) {
        case ("requests", 1): self = .requests(group: group)
        case ("requests", 2): self = .request(group: group, user: rest[1])
        case ("members", 2): self = .member(group: group, user: rest[1])
        case ("certificate", 1): self = .certificate(group: group)
        case ("files", 1): self = .files(group: group)
        case ("files", 2): self = .file(group: group, name: rest[1])
        case ("files", 3) where rest[2] == "share": self = .share(group: group, name: rest[1])
        default: return nil
        }
    }

    /// The methods it takes.
    var methods: [HTTPMethod] {
        switch self {
        case .network: [.get, .head]
        case .users, .sessions, .passkey, .certificate: [.post]
        case .currentSession: [.get, .head, .delete]
        case .groups, .files: [.get, .head, .post]
        case .requests: [.get, .head, .post]
        case .request: [.delete]
        case .member: [.put, .delete]
        case .file: [.get, .head]
        case .share, .openSwarm: [.put, .delete]
        case .holdings: [.put]
        case .events: [.get]
        }
    }

    /// Whether it is answered without a session.
    var isPublic: Bool {
        switch self {
        case .network, .users, .sessions: true
        case .currentSession, .passkey, .groups, .requests, .request, .member, .certificate,
            .files, .file, .share, .holdings, .openSwarm, .events:
            false
        }
    }

    /// Whether a password or a session's token is asked for.
    var takesSecrets: Bool { self != .network }

    /// Bytes. What is decoded on the loop's thread has to be short.
    var longestBody: Int {
        switch self {
        case .files: 24 << 20
        case .holdings: 8 << 20
        case .network, .users, .sessions, .currentSession, .passkey, .groups, .requests, .request,
            .member, .certificate, .file, .share, .openSwarm, .events:
            16 << 10
        }
    }
}
