import TrackerCore
import Wire

/// The JSON API under `/api/v1`: finds out what is asked for and by whom, and answers in JSON.
struct API {
    /// Who asks, and for what.
    struct Call {
        let request: HTTPRequest
        let exchange: HTTPExchange
        let session: SessionID
        let user: UserIndex
        let userID: String

        func decode<T: Decodable>(_ type: T.Type) throws(APIError) -> T {
            try API.decode(type, request.body)
        }
    }

    unowned let service: TrackerService

    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        do throws(APIError) {
            try dispatch(request, exchange)
        } catch APIError.sessionExpired {
            // It may have been opened at another tracker a moment ago.
            service.store.catchUp { answer(request, exchange) }
        } catch {
            exchange.respond(error.response)
        }
    }

    private func answer(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        do throws(APIError) {
            try dispatch(request, exchange)
        } catch APIError.sessionExpired where service.databaseFailure != nil {
            // Nobody can tell: a peer that is told that its session has ended gives it up.
            exchange.respond(APIError.storageAway.response)
        } catch {
            exchange.respond(error.response)
        }
    }

    private func dispatch(
        _ request: HTTPRequest, _ exchange: HTTPExchange
    ) throws(APIError) {
        guard let path = request.pathComponents, let resource = APIResource(path: path) else {
            throw .notFound
        }
        guard
            !resource.takesSecrets || exchange.connection.isPrivate
                || service.configuration.takesSecretsInClear
        else { throw .tlsRequired }
        guard resource.methods.contains(request.method) else {
            throw .methodNotAllowed(
                allow: resource.methods.map(\.rawValue).joined(separator: ", "))
        }
        guard request.body.count <= resource.longestBody else {
            throw .tooLarge(limit: resource.longestBody)
        }
        if resource.isPublic {
            try answerPublic(resource, request, exchange)
        } else {
            try answer(resource, try authenticate(request, exchange))
        }
    }

    private func authenticate(
        _ request: HTTPRequest, _ exchange: HTTPExchange
    ) throws(APIError) -> Call {
        let scheme = "bearer "
        guard let header = request.header("authorization"),
            header.prefix(scheme.count).lowercased() == scheme
        else { throw .tokenMissing }
        guard let session = SessionToken.id(ofText: header.dropFirst(scheme.count)),
            let known = service.directory.session(session)
        else { throw .sessionExpired }
        return Call(
            request: request, exchange: exchange, session: session, user: known.user,
            userID: service.directory.users[Int(known.user)].id)
    }

    private func answerPublic(
        _ resource: APIResource, _ request: HTTPRequest, _ exchange: HTTPExchange
    ) throws(APIError) {
        switch resource {
        case .users:
            let account = try API.decode(CreateUserRequest.self, request.body)
            service.createUser(account) { result in
                let response = result.map { CreateUserResponse(userID: account.userID) }
                exchange.answer(response, status: 201)
            }
        case .sessions:
            let login = try API.decode(LoginRequest.self, request.body)
            guard login.port > 0 else { throw .invalidRequest("port: can't be 0") }
            let address = service.configuration.trustedProxies.client(of: request, on: exchange)
            service.logIn(login, from: address) { exchange.answer($0, status: 201) }
        default:
            exchange.answer(
                NetworkInfo(
                    networkID: service.networkID, version: TrackerProgram.version,
                    openSwarms: service.configuration.openSwarms != .off,
                    registeredOnly: service.configuration.openSwarms == .registered))
        }
    }

    private func answer(_ resource: APIResource, _ call: Call) throws(APIError) {
        switch (resource, call.request.method) {
        case (.currentSession, .delete): logOut(call)
        case (.currentSession, _): currentSession(call)
        case (.passkey, _): resetPasskey(call)
        case (.groups, .post): try createGroup(call)
        case (.groups, _): listGroups(call)
        case (.requests(let group), .post): requestToJoin(group, call)
        case (.requests(let group), _): try listRequests(group, call)
        case (.request(let group, let user), _): rejectRequest(group, user, call)
        case (.member(let group, let user), .put): acceptRequest(group, user, call)
        case (.member(let group, let user), _): removeMember(group, user, call)
        case (.certificate(let group), _): try signCertificate(group, call)
        case (.files(let group), .post): try addFile(group, call)
        case (.files(let group), _): try listFiles(group, call)
        case (.file(let group, let name), _): try describeFile(name, group, call)
        case (.share(let group, let name), .put): share(name, group, call)
        case (.share(let group, let name), _): stopSharing(name, group, call)
        case (.holdings, _): try report(call)
        case (.openSwarm(let infoHash), .put):
            perform(.registerHash(infoHash, user: call.userID), call, status: 204)
        case (.openSwarm(let infoHash), _):
            perform(.withdrawHash(infoHash, user: call.userID), call, status: 204)
        case (.events, _): service.beginPresence(of: call.session, on: call.exchange)
        case (.network, _), (.users, _), (.sessions, _): throw .notFound
        }
    }

    static func decode<T: Decodable>(_ type: T.Type, _ body: [UInt8]) throws(APIError) -> T {
        do throws(JSONError) {
            return try WireJSON.decode(type, from: body)
        } catch {
            throw .invalidRequest("the JSON body: \(error)")
        }
    }

    /// Performs the command and answers with what `body` makes of its answer, or without a body.
    func perform(
        _ command: DirectoryCommand, _ call: Call, status: Int,
        body: @escaping (DirectoryAnswer) -> (any Encodable)? = { _ in nil }
    ) {
        service.store.perform(command) { result in
            switch result {
            case .success(let answer): call.exchange.answer(body(answer), status: status)
            case .failure(let error): self.fail(error, call)
            }
        }
    }

    func fail(_ error: StoreError, _ call: Call) {
        let answer = APIError(error)
        if answer.status == 500 || error == .full {
            service.logger.error("a command failed", ["user": call.userID, "error": error])
        }
        call.exchange.respond(answer.response)
    }
}

extension HTTPExchange {
    /// Answers with a JSON document; nil: without a body.
    func answer(_ body: (any Encodable)?, status: Int = 200) {
        answer(json: body.map { WireJSON.encode($0) }, status: status)
    }

    func answer(json: [UInt8]?, status: Int = 200) {
        var headers: [(name: String, value: String)] = [("Cache-Control", "no-store")]
        if json != nil { headers.append(("Content-Type", "application/json")) }
        respond(HTTPResponse(status: status, headers: headers, body: json ?? []))
    }

    func answer(_ result: Result<some Encodable, APIError>, status: Int) {
        switch result {
        case .success(let body): answer(body, status: status)
        case .failure(let error): respond(error.response)
        }
    }
}
