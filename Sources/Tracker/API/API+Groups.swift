import TrackerCore
import Wire

// Sessions, groups, requests and members.
extension API {
    func currentSession(_ call: Call) {
        let user = service.directory.users[Int(call.user)]
        call.exchange.answer(
            SessionInfo(
                userID: user.id, passkey: user.passkey.hex, networkID: service.networkID))
    }

    func resetPasskey(_ call: Call) {
        var generator = SystemRandomness()
        let passkey = Passkey(random: &generator)
        perform(.resetPasskey(passkey, user: call.userID), call, status: 200) { _ in
            PasskeyResponse(passkey: passkey.hex)
        }
    }

    func logOut(_ call: Call) {
        perform(.endSession(call.session), call, status: 204)
    }

    func createGroup(_ call: Call) throws(APIError) {
        let request = try call.decode(CreateGroupRequest.self)
        guard Identifier.isValid(request.groupID) else {
            throw .invalidID(request.groupID, of: "group_id")
        }
        guard request.kind == .sealed else { return createGroup(request, nil, call) }
        let authorities = service.authorities
        service.signer.run {
            try authorities.make(group: request.groupID)
        } then: { result in
            switch result {
            case .success(let authority): createGroup(request, authority, call)
            case .failure(let error):
                call.exchange.respond(refusal(toMake: request.groupID, error).response)
            }
        }
    }

    private func refusal(toMake group: String, _ error: any Error) -> APIError {
        let refusal = APIError(makingAuthority: error)
        if refusal != .busy {
            service.logger.error(
                "a group's authority can't be made", ["group": group, "error": "\(error)"])
        }
        return refusal
    }

    private func createGroup(
        _ request: CreateGroupRequest, _ authority: GroupAuthority?, _ call: Call
    ) {
        perform(
            .createGroup(
                group: request.groupID, kind: request.kind, owner: call.userID,
                authority: authority), call, status: 201)
    }

    /// Gives a member a certificate of its key, and says whose may count yet that mustn't.
    func signCertificate(_ id: String, _ call: Call) throws(APIError) {
        let group = try requireMembership(of: id, call)
        guard group.kind == .sealed else { throw .notSealed(id) }
        let request = try call.decode(GroupCertificateRequest.self)
        let since = StoreWorker.wallClock - GroupAuthorities.leaverSeconds
        service.store.read { (store) throws(StoreError) in
            (try store.authority(ofGroup: id), try store.leavers(ofGroup: id, since: since))
        } then: { result in
            do throws(StoreError) {
                let (authority, leavers) = try result.get()
                sign(request, with: authority, leavers, id, call)
            } catch {
                fail(error, call)
            }
        }
    }

    private func sign(
        _ request: GroupCertificateRequest, with authority: GroupAuthority?, _ leavers: [String],
        _ id: String, _ call: Call
    ) {
        guard let authority else { return call.exchange.respond(APIError.notMember(id).response) }
        let (authorities, user) = (service.authorities, call.userID)
        service.signer.run {
            try authorities.sign(
                Array(request.request.utf8), of: user, with: authority, group: id)
        } then: { result in
            // Who asked may have left meanwhile.
            guard service.directory.group(id)?.isMember(call.user) == true else {
                return call.exchange.respond(APIError.notMember(id).response)
            }
            do {
                call.exchange.answer(
                    GroupCertificateResponse(
                        certificate: String(decoding: try result.get(), as: UTF8.self),
                        authority: String(decoding: authority.certificate, as: UTF8.self),
                        left: leavers))
            } catch {
                call.exchange.respond(refusal(of: error, id).response)
            }
        }
    }

    private func refusal(of error: any Error, _ group: String) -> APIError {
        switch error {
        case GroupAuthorities.SigningError.request(let why): return .invalidRequest("\(why)")
        case GroupAuthorities.SigningError.authority(let why):
            service.logger.error("a certificate can't be signed", ["group": group, "error": why])
            return .keyMissing
        default: return .busy
        }
    }

    func listGroups(_ call: Call) {
        let groups = service.directory.groups.map { group in
            GroupSummary(
                groupID: group.id, owner: userID(of: group.owner),
                kind: group.kind,
                members: group.members.count, isMember: group.isMember(call.user),
                isPending: group.hasRequest(of: call.user))
        }
        answerLong(GroupList(groups: groups), count: groups.count, call)
    }

    private func userID(of user: UserIndex) -> String { service.directory.users[Int(user)].id }

    func requestToJoin(_ group: String, _ call: Call) {
        perform(.requestToJoin(group: group, user: call.userID), call, status: 202)
    }

    func listRequests(_ id: String, _ call: Call) throws(APIError) {
        guard let group = service.directory.group(id) else { throw .noSuchGroup(id) }
        guard group.owner == call.user else {
            throw .notOwner(id, owner: userID(of: group.owner))
        }
        let requests = group.requests.map { request in
            MembershipRequest(
                userID: userID(of: request.user), requestedAt: request.requestedAt)
        }
        answerLong(RequestList(requests: requests), count: requests.count, call)
    }

    func acceptRequest(_ group: String, _ user: String, _ call: Call) {
        perform(.acceptRequest(group: group, user: user, by: call.userID), call, status: 204)
    }

    func rejectRequest(_ group: String, _ user: String, _ call: Call) {
        perform(.rejectRequest(group: group, user: user, by: call.userID), call, status: 204)
    }

    func removeMember(_ group: String, _ user: String, _ call: Call) {
        perform(.removeMember(group: group, user: user, by: call.userID), call, status: 200) {
            guard case .memberRemoved(let newOwner, let groupDeleted) = $0 else { return nil }
            return MembershipRemovedResponse(newOwner: newOwner, groupDeleted: groupDeleted)
        }
    }

    /// Answers with a list, which is put into JSON off the loop's thread where it is long.
    func answerLong(_ list: some Encodable & Sendable, count: Int, _ call: Call) {
        guard count > API.longListCount else { return call.exchange.answer(list) }
        // Not the database's thread, which waits where the database is away.
        service.passwordPool.run {
            WireJSON.encode(list)
        } then: { result in
            switch result {
            case .success(let json): call.exchange.answer(json: json)
            case .failure: call.exchange.respond(APIError.busy.response)
            }
        }
    }

    /// About a millisecond's work.
    private static let longListCount = 200
}
