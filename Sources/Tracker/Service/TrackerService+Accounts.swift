import Reactor
import TrackerCore
import Wire

// Accounts and sessions. Passwords are hashed on the password pool, never here.
extension TrackerService {
    func createUser(
        _ request: CreateUserRequest, then: @escaping (Result<Void, APIError>) -> Void
    ) {
        guard Identifier.isValid(request.userID) else {
            return then(.failure(.invalidID(request.userID, of: "user_id")))
        }
        guard Password.isAcceptable(request.password) else { return then(.failure(.weakPassword)) }
        // A name that is taken isn't worth the hashing.
        guard directory.user(named: request.userID) == nil else {
            return then(.failure(APIError(.userExists(request.userID))))
        }
        passwordPool.run {
            Password.hash(request.password)
        } then: { [self] hash in
            guard case .success(let hash) = hash else { return then(.failure(.busy)) }
            var generator = SystemRandomness()
            let command = DirectoryCommand.createUser(
                user: request.userID, password: hash, passkey: Passkey(random: &generator))
            store.perform(command) { result in
                then(result.map { _ in }.mapError(APIError.init))
            }
        }
    }

    /// An attempt counts as failed until it has succeeded, for the user and for the address.
    func logIn(
        _ request: LoginRequest, from address: IPAddress,
        then: @escaping (Result<LoginResponse, APIError>) -> Void
    ) {
        if let wait = failedLogins.take(address, at: now) {
            return then(.failure(.tooManyFailures(retryAfter: Self.wholeSeconds(wait))))
        }
        guard Identifier.isValid(request.userID), Password.isAcceptable(request.password) else {
            return then(.failure(.wrongCredentials))
        }
        switch throttle.admit(request.userID, at: now) {
        case .tooMany(let retryAfter):
            then(.failure(.tooManyAttempts(retryAfter: Self.wholeSeconds(retryAfter))))
        case .after(.zero): verify(request, from: address, then: then)
        case .after(let wait):
            loop.schedule(after: wait) { [self] in verify(request, from: address, then: then) }
        }
    }

    private static func wholeSeconds(_ wait: Duration) -> Int { Int(wait.components.seconds) + 1 }

    private func verify(
        _ request: LoginRequest, from address: IPAddress,
        then: @escaping (Result<LoginResponse, APIError>) -> Void
    ) {
        store.read { (store) throws(StoreError) in
            try store.password(of: request.userID)
        } then: { [self] result in
            guard case .success(let stored) = result else {
                throttle.withdrew(request.userID)
                failedLogins.giveBack(address)
                return then(.failure(result.apiError))
            }
            passwordPool.run {
                Password.verify(request.password, against: stored)
            } then: { [self] isRight in
                switch isRight {
                case .success(true):
                    throttle.succeeded(request.userID)
                    failedLogins.giveBack(address)
                    openSession(request, then: then)
                case .success(false): then(.failure(.wrongCredentials))
                case .failure:
                    throttle.withdrew(request.userID)
                    failedLogins.giveBack(address)
                    then(.failure(.busy))
                }
            }
        }
    }

    private func openSession(
        _ request: LoginRequest, then: @escaping (Result<LoginResponse, APIError>) -> Void
    ) {
        let token = SessionToken()
        let command = DirectoryCommand.openSession(
            token.id, user: request.userID, port: request.port, peerID: request.peerID)
        store.perform(command) { [self] result in
            guard case .success = result, let user = directory.user(named: request.userID) else {
                return then(.failure(result.apiError))
            }
            then(
                .success(
                    LoginResponse(
                        token: token.text, userID: request.userID,
                        passkey: directory.users[Int(user)].passkey.hex, networkID: networkID)))
        }
    }
}

extension Result where Failure == StoreError {
    /// What the API says of the failure.
    var apiError: APIError {
        if case .failure(let error) = self { APIError(error) } else { .busy }
    }
}
