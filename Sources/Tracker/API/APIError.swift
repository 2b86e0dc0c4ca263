import Reactor
import TrackerCore
import Wire

/// What the API answers instead of what was asked for: a status, a code for programs, and words
/// that name the thing and the remedy.
struct APIError: Error, Equatable {
    var status: Int
    var code: String
    var message: String
    /// Seconds.
    var retryAfter: Int?
    /// Methods, for 405.
    var allow: String?

    init(_ status: Int, _ code: String, _ message: String, retryAfter: Int? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
    }

    var response: HTTPResponse {
        var headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
        if let retryAfter { headers.append(("Retry-After", String(retryAfter))) }
        if let allow { headers.append(("Allow", allow)) }
        if status == 401 { headers.append(("WWW-Authenticate", "Bearer")) }
        return HTTPResponse(
            status: status, headers: headers.map { (name: $0.0, value: $0.1) },
            body: WireJSON.encode(APIErrorBody(code: code, message: message)))
    }
}

extension APIError {
    // MARK: The request as such

    static let notFound = APIError(
        404, "not_found", "there is nothing at this path; docs/openapi.yaml lists what there is")

    static let tlsRequired = APIError(
        403, "tls_required",
        "passwords and sessions are taken over TLS only, since anybody on the way could read them; "
            + "use https, or start the tracker with --insecure")

    static let administratorOnly = APIError(
        403, "administrator_only",
        "this is for the tracker's own machine, or with `Authorization: Bearer` and the token of "
            + "--admin-token-file")

    static func methodNotAllowed(allow: String) -> APIError {
        var error = APIError(
            405, "method_not_allowed", "this path takes \(allow) only")
        error.allow = allow
        return error
    }

    static func invalidRequest(_ why: String) -> APIError {
        APIError(400, "invalid_request", "the request can't be used: \(why)")
    }

    static func tooLarge(limit: Int) -> APIError {
        APIError(413, "too_large", "the body is too large: at most \(limit) bytes are taken here")
    }

    static let slowRequest = APIError(
        408, "request_timeout", "the request took too long to arrive; send it again at once")

    init(_ error: HTTPError) {
        switch error.status {
        case 413: self.init(413, "too_large", "the request is too large: \(error)")
        case 414, 431: self.init(error.status, "too_large", "the request is too large: \(error)")
        case 400: self.init(400, "bad_request", "not HTTP/1.1: \(error)")
        case let status: self.init(status, "bad_request", "not taken here: \(error)")
        }
    }

    // MARK: Accounts

    static func invalidID(_ id: String, of what: String) -> APIError {
        APIError(
            400, "invalid_id",
            "'\(id.prefix(80))' can't be a \(what): it takes 1 to 64 letters, digits, "
                + "'.', '_' and '-'")
    }

    static let weakPassword = APIError(
        400, "weak_password", "a password has 1 to 1024 bytes; choose another")

    static let wrongCredentials = APIError(
        401, "wrong_credentials", "user_id or password is wrong; create_user makes an account")

    static func tooManyFailures(retryAfter: Int) -> APIError {
        APIError(
            429, "too_many_attempts",
            "too many wrong passwords from your address: try again in \(retryAfter) s",
            retryAfter: retryAfter)
    }

    static func tooManyAttempts(retryAfter: Int) -> APIError {
        APIError(
            429, "too_many_attempts",
            "too many log-ins to this account are waiting; try again in \(retryAfter) s",
            retryAfter: retryAfter)
    }

    static let sessionExpired = APIError(
        401, "session_expired", "this session has ended or never was; log in again")

    static let tokenMissing = APIError(
        401, "session_expired", "an 'Authorization: Bearer TOKEN' header is needed; log in first")

    static let busy = APIError(
        503, "busy", "the tracker has too much to do just now; try again in a second",
        retryAfter: 1)

    static let storageAway = APIError(
        503, "storage_away",
        "the tracker's database can't be reached just now, nothing was changed; try again in a few "
            + "seconds", retryAfter: 2)

    // MARK: Groups and files

    static func notSealed(_ group: String) -> APIError {
        APIError(409, "not_sealed", "group '\(group)' isn't sealed: it needs no certificates")
    }

    static let keyMissing = APIError(
        500, "key_missing",
        "this tracker lacks the key of the network's sealed groups: its operator has to give it the "
            + "secret.key of the tracker that made the group")

    /// - Parameter error: of the worker, or of the work.
    init(makingAuthority error: any Error) {
        self =
            error is WorkerPoolError
            ? .busy
            : APIError(
                500, "authority_failed",
                "the tracker can't make the certificate authority of a sealed group, nothing was "
                    + "changed; its log says why: tell its operator")
    }

    static func notMember(_ group: String) -> APIError {
        APIError(
            403, "not_member", "you are not a member of group '\(group)'; ask with join_group")
    }

    static func notOwner(_ group: String, owner: String) -> APIError {
        APIError(
            403, "not_owner",
            "only the owner of group '\(group)' can do this; its owner is '\(owner)'")
    }

    static func noSuchGroup(_ group: String) -> APIError {
        APIError(
            404, "no_such_group", "there is no group '\(group)'; list_groups shows all of them")
    }

    static func noSuchFile(_ name: String, in group: String) -> APIError {
        APIError(
            404, "no_such_file",
            "FILE NOT FOUND: group '\(group)' has no file '\(name)'; list_files shows what it has")
    }

    static func invalidInfo(_ why: String) -> APIError {
        APIError(400, "invalid_info", "the file's info dictionary can't be used: \(why)")
    }

    static func unknownInfoHash(_ infoHash: InfoHash) -> APIError {
        APIError(
            404, "no_such_file", "FILE NOT FOUND: no file of your groups has info-hash \(infoHash)")
    }

    static func wrongBitfield(_ infoHash: InfoHash, pieceCount: Int) -> APIError {
        APIError(
            400, "invalid_bitfield",
            "the bitfield of \(infoHash) must have \((pieceCount + 7) / 8) bytes for "
                + "\(pieceCount) pieces, spare bits zero")
    }

    static func limitReached(_ what: String, _ limit: Int) -> APIError {
        APIError(
            409, "limit_reached", "no more than \(limit) \(what) are kept; remove some first")
    }
}

extension APIError {
    init(_ error: StoreError) {
        switch error {
        case .refused(let refusal): self.init(refusal)
        case .busy:
            self.init(
                503, "busy",
                "the tracker's database is in use just now, nothing was changed; try again in a "
                    + "second", retryAfter: 1)
        case .unavailable: self = .storageAway
        case .outcomeUnknown:
            self.init(
                503, "outcome_unknown",
                "the tracker's database went away meanwhile: what you asked for may have been done "
                    + "or not; look, and try again", retryAfter: 2)
        case .full:
            self.init(
                503, "storage_full",
                "the tracker's disk is full, nothing was changed; tell its operator",
                retryAfter: 60)
        case .wentBack, .newerSchema, .olderSchema, .failed:
            self.init(
                500, "storage_failed",
                "the tracker's database failed, nothing was changed; its log says why")
        }
    }

    init(_ refusal: DirectoryRefusal) {
        switch refusal {
        case .userExists(let user):
            self.init(
                409, "user_exists", "user '\(user)' exists already; choose another user_id")
        case .noSuchUser: self = .wrongCredentials
        case .userDisabled(let user):
            self.init(
                403, "user_disabled", "the account '\(user)' was disabled by the tracker's operator"
            )
        case .groupExists(let group):
            self.init(
                409, "group_exists", "group '\(group)' exists already; choose another group_id")
        case .noSuchGroup(let group): self = .noSuchGroup(group)
        case .alreadyMember(let group, let user):
            self.init(
                409, "already_member", "'\(user)' is a member of group '\(group)' already")
        case .alreadyRequested(let group, let user):
            self.init(
                409, "already_requested",
                "'\(user)' has asked to join group '\(group)' already; its owner decides")
        case .noSuchRequest(let group, let user):
            self.init(
                404, "no_such_request",
                "'\(user)' has not asked to join group '\(group)'; list_requests shows who has")
        case .noSuchMember(let group, let user):
            self.init(
                404, "no_such_member", "'\(user)' is not a member of group '\(group)'")
        case .notMember(let group): self = .notMember(group)
        case .notOwner(let group, let owner): self = .notOwner(group, owner: owner)
        case .nameTaken(let group, let name):
            self.init(
                409, "name_taken",
                "group '\(group)' has another file named '\(name)'; rename yours and try again")
        case .noSuchFile(let group, let name): self = .noSuchFile(name, in: group)
        case .notRegistered(let infoHash, let user):
            self.init(
                404, "not_registered", "'\(user)' has not registered info-hash \(infoHash.hex)")
        case .sessionExpired: self = .sessionExpired
        case .limitReached(let what, let limit): self = .limitReached(what, limit)
        }
    }
}
