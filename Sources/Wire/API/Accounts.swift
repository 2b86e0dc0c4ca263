/// What a tracker tells anybody about its network: `GET /api/v1/network`.
package struct NetworkInfo: Codable, Hashable, Sendable {
    /// 32 hexadecimal digits, drawn when the network was founded.
    package var networkID: String
    /// The tracker program's version.
    package var version: String
    /// Whether announces without a passkey are taken.
    package var openSwarms: Bool
    /// Whether those are taken only of info-hashes that a user has registered.
    package var registeredOnly: Bool?

    package init(
        networkID: String, version: String, openSwarms: Bool, registeredOnly: Bool? = nil
    ) {
        self.networkID = networkID
        self.version = version
        self.openSwarms = openSwarms
        self.registeredOnly = registeredOnly
    }

    private enum CodingKeys: String, CodingKey {
        case networkID = "network_id"
        case version
        case openSwarms = "open_swarms"
        case registeredOnly = "registered_only"
    }
}

/// `POST /api/v1/users`.
package struct CreateUserRequest: Codable, Hashable, Sendable {
    package var userID: String
    /// 1 to 1024 bytes of UTF-8.
    package var password: String

    package init(userID: String, password: String) {
        self.userID = userID
        self.password = password
    }

    private enum CodingKeys: String, CodingKey {
        case userID = "user_id"
        case password
    }
}

/// The account that was created.
package struct CreateUserResponse: Codable, Hashable, Sendable {
    package var userID: String

    package init(userID: String) {
        self.userID = userID
    }

    private enum CodingKeys: String, CodingKey {
        case userID = "user_id"
    }
}

/// `POST /api/v1/sessions`.
package struct LoginRequest: Codable, Hashable, Sendable {
    package var userID: String
    package var password: String
    /// The TCP port the peer listens on.
    package var port: UInt16
    /// The peer id of this run of the program.
    package var peerID: PeerID

    package init(userID: String, password: String, port: UInt16, peerID: PeerID) {
        self.userID = userID
        self.password = password
        self.port = port
        self.peerID = peerID
    }

    private enum CodingKeys: String, CodingKey {
        case userID = "user_id"
        case password
        case port
        case peerID = "peer_id"
    }
}

/// A session that was opened.
package struct LoginResponse: Codable, Hashable, Sendable {
    /// The bearer token of this session's calls.
    package var token: String
    package var userID: String
    /// The user's part of the announce path; a secret.
    package var passkey: String
    /// 32 hexadecimal digits.
    package var networkID: String

    package init(token: String, userID: String, passkey: String, networkID: String) {
        self.token = token
        self.userID = userID
        self.passkey = passkey
        self.networkID = networkID
    }

    private enum CodingKeys: String, CodingKey {
        case token
        case userID = "user_id"
        case passkey
        case networkID = "network_id"
    }
}

/// The passkey that `POST /api/v1/passkey` replaced the old one by.
package struct PasskeyResponse: Codable, Hashable, Sendable {
    /// The user's part of the announce path; a secret.
    package var passkey: String

    package init(passkey: String) {
        self.passkey = passkey
    }

    private enum CodingKeys: String, CodingKey {
        case passkey
    }
}

/// The session a token belongs to: `GET /api/v1/sessions/current`.
package struct SessionInfo: Codable, Hashable, Sendable {
    package var userID: String
    /// The user's part of the announce path; a secret.
    package var passkey: String
    /// 32 hexadecimal digits.
    package var networkID: String

    package init(userID: String, passkey: String, networkID: String) {
        self.userID = userID
        self.passkey = passkey
        self.networkID = networkID
    }

    private enum CodingKeys: String, CodingKey {
        case userID = "user_id"
        case passkey
        case networkID = "network_id"
    }
}
