import Wire

/// The rows of the tracker's API (docs/openapi.yaml), a method each.
extension TrackerClient {
    typealias Completion<Value> = (Result<Value, TrackerError>) -> Void

    // MARK: Accounts

    func network(then completion: @escaping Completion<NetworkInfo>) {
        call(.get, ["network"], then: completion)
    }

    func createUser(
        _ request: CreateUserRequest, then completion: @escaping Completion<CreateUserResponse>
    ) {
        call(.post, ["users"], WireJSON.encode(request), then: completion)
    }

    /// Opens a session; its token isn't put to use by itself.
    func logIn(
        _ request: LoginRequest, then completion: @escaping Completion<LoginResponse>
    ) {
        call(
            .post, ["sessions"], WireJSON.encode(request), timeout: limits.login,
            then: completion)
    }

    func logOut(then completion: @escaping Completion<Void>) {
        call(.delete, ["sessions", "current"], then: completion)
    }

    func resetPasskey(then completion: @escaping Completion<PasskeyResponse>) {
        call(.post, ["passkey"], then: completion)
    }

    // MARK: Groups

    func groups(then completion: @escaping Completion<GroupList>) {
        call(.get, ["groups"], then: completion)
    }

    func createGroup(
        _ request: CreateGroupRequest, then completion: @escaping Completion<Void>
    ) {
        call(.post, ["groups"], WireJSON.encode(request), then: completion)
    }

    /// Asks to join.
    func requestMembership(group: String, then completion: @escaping Completion<Void>) {
        call(.post, ["groups", group, "requests"], then: completion)
    }

    func requests(group: String, then completion: @escaping Completion<RequestList>) {
        call(.get, ["groups", group, "requests"], then: completion)
    }

    func acceptRequest(
        group: String, user: String, then completion: @escaping Completion<Void>
    ) {
        call(.put, ["groups", group, "members", user], once: true, then: completion)
    }

    /// The owner refuses a request, or who asked withdraws it.
    func rejectRequest(
        group: String, user: String, then completion: @escaping Completion<Void>
    ) {
        call(.delete, ["groups", group, "requests", user], once: true, then: completion)
    }

    /// The owner removes a member, or a member leaves.
    func removeMember(
        group: String, user: String,
        then completion: @escaping Completion<MembershipRemovedResponse>
    ) {
        call(.delete, ["groups", group, "members", user], once: true, then: completion)
    }

    /// Asks for a certificate of a sealed group.
    func requestCertificate(
        group: String, _ request: GroupCertificateRequest,
        then completion: @escaping Completion<GroupCertificateResponse>
    ) {
        call(.post, ["groups", group, "certificate"], WireJSON.encode(request), then: completion)
    }

    // MARK: Files

    func files(group: String, then completion: @escaping Completion<FileList>) {
        call(.get, ["groups", group, "files"], then: completion)
    }

    func file(
        group: String, name: String, then completion: @escaping Completion<FileDetails>
    ) {
        call(.get, ["groups", group, "files", name], then: completion)
    }

    func addFile(
        group: String, _ request: AddFileRequest,
        then completion: @escaping Completion<AddFileResponse>
    ) {
        call(.post, ["groups", group, "files"], WireJSON.encode(request), then: completion)
    }

    /// Becomes a sharer of a file in the catalogue, again or for the first time.
    func share(group: String, name: String, then completion: @escaping Completion<Void>) {
        call(.put, ["groups", group, "files", name, "share"], then: completion)
    }

    func unshare(group: String, name: String, then completion: @escaping Completion<Void>) {
        call(.delete, ["groups", group, "files", name, "share"], then: completion)
    }

    /// Tells which pieces this session holds.
    func report(_ report: HoldingsReport, then completion: @escaping Completion<Void>) {
        call(.put, ["holdings"], WireJSON.encode(report), then: completion)
    }

    // MARK: Swarms

    /// Lets anybody announce to the swarm, at a tracker that asks for that.
    func register(_ infoHash: InfoHash, then completion: @escaping Completion<Void>) {
        call(.put, ["open-swarms", infoHash.hex], then: completion)
    }

    /// Takes that back.
    func withdraw(_ infoHash: InfoHash, then completion: @escaping Completion<Void>) {
        call(.delete, ["open-swarms", infoHash.hex], then: completion)
    }

    /// Announces to a group's swarm with the user's passkey, or to an open one without. A
    /// tracker's refusal (its `failure reason`) comes as `refused` with the code
    /// `announce_refused`.
    func announce(
        _ request: AnnounceRequest, passkey: String?,
        then completion: @escaping Completion<AnnounceResponse>
    ) {
        let path = passkey.map { "/announce/" + PercentEncoding.encode($0) } ?? "/announce"
        start(
            TrackerExchange(
                .get, target: "\(path)?\(request.query())", body: nil, timeout: limits.request
            ) { [unowned self] result in
                completion(result.flatMap { Self.announceResponse($0, tracker) })
            })
    }

    private static func announceResponse(
        _ reply: TrackerReply, _ endpoint: Endpoint
    ) -> Result<AnnounceResponse, TrackerError> {
        do throws(AnnounceResponseError) {
            return .success(try AnnounceResponse(decoding: reply.body))
        } catch .failure(let failure) {
            return .failure(
                .refused(
                    status: reply.status, code: "announce_refused", message: failure.reason))
        } catch {
            let isSuccess = (200...299).contains(reply.status)
            return .failure(
                isSuccess ? misunderstood(endpoint, "\(error)") : refusal(reply, endpoint))
        }
    }

    // MARK: The calls themselves

    /// A call whose answer is JSON.
    /// - Parameter once: it isn't asked again where it may have been done: the second answer would
    ///   be that there is nothing to do, or undo what has happened since.
    private func call<Value: Decodable>(
        _ method: HTTPMethod, _ path: [String], _ body: [UInt8]? = nil, once: Bool = false,
        timeout: Duration? = nil, then completion: @escaping Completion<Value>
    ) {
        exchange(method, path, body, timeout, once: once) { [unowned self] result in
            completion(
                result.flatMap { reply in
                    do throws(JSONError) {
                        return .success(try WireJSON.decode(Value.self, from: reply.body))
                    } catch {
                        return .failure(misunderstood(tracker, "\(error)"))
                    }
                })
        }
    }

    /// A call whose answer has no content.
    private func call(
        _ method: HTTPMethod, _ path: [String], _ body: [UInt8]? = nil, once: Bool = false,
        timeout: Duration? = nil, then completion: @escaping Completion<Void>
    ) {
        exchange(method, path, body, timeout, once: once) { completion($0.map { _ in }) }
    }

    private func exchange(
        _ method: HTTPMethod, _ path: [String], _ body: [UInt8]?, _ timeout: Duration?,
        once: Bool, then completion: @escaping Completion<TrackerReply>
    ) {
        let components = (["api", "v1"] + path).map(PercentEncoding.encode)
        // A request without content that could have some says so (RFC 9110 §8.6).
        let body = body ?? (method == .post || method == .put ? [] : nil)
        start(
            TrackerExchange(
                method, target: "/" + components.joined(separator: "/"), body: body,
                timeout: timeout ?? limits.request, isIdempotent: !once && method != .post
            ) { [unowned self] result in
                completion(
                    result.flatMap { reply in
                        (200...299).contains(reply.status)
                            ? .success(reply) : .failure(Self.refusal(reply, tracker))
                    })
            })
    }

    /// What an answer that isn't a success says.
    static func refusal(_ reply: TrackerReply, _ endpoint: Endpoint) -> TrackerError {
        do throws(JSONError) {
            let detail = try WireJSON.decode(APIErrorBody.self, from: reply.body).error
            return .refused(status: reply.status, code: detail.code, message: detail.message)
        } catch {
            // A proxy, say, or another program's server.
            let reason = HTTPResponse.reason(reply.status).description
            return .refused(
                status: reply.status, code: "http_\(reply.status)",
                message: "tracker \(endpoint) answered \(reply.status) \(reason)")
        }
    }
}
