import Certificates
import FoundationEssentials
import Reactor
import Testing
import Wire

@testable import Tracker

/// What `docs/openapi.yaml` says, as far as its lines show it.
private struct OpenAPIDocument {
    /// `GET /path`, as the document lists them.
    private(set) var operations: [(method: HTTPMethod, path: String)] = []
    /// The enumeration of error codes.
    private(set) var errorCodes: Set<String> = []
    /// Statuses by operation.
    private(set) var statuses: [String: Set<String>] = [:]

    init() throws {
        let root = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        let text = try String(contentsOfFile: "/\(root)/docs/openapi.yaml", encoding: .utf8)
        var path = ""
        var operation = ""
        var isInCodes = false
        for line in text.split(separator: "\n") {
            let content = line.drop { $0 == " " }
            let indent = line.count - content.count
            if indent == 2, content.hasPrefix("/") {
                path = String(content.dropLast())
            } else if indent == 4, !path.isEmpty,
                let method = HTTPMethod(rawValue: content.dropLast().uppercased())
            {
                operations.append((method, path))
                operation = "\(method.rawValue) \(path)"
            } else if indent == 8, content.hasPrefix("\""),
                let end = content.dropFirst().firstIndex(of: "\"")
            {
                statuses[operation, default: []].insert(
                    String(content[..<end].dropFirst()))
            }
            if content == "enum:" { isInCodes = indent == 14 }
            if isInCodes, content.hasPrefix("- ") {
                errorCodes.insert(String(content.dropFirst(2)))
            }
            if content.hasPrefix("message:") { isInCodes = false }
        }
    }
}

@Suite struct OpenAPITests {
    @Test func `every operation of the document exists, and answers as documented`() throws {
        let document = try OpenAPIDocument()
        #expect(document.operations.count == 31)
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        // The event stream doesn't end, and logging out ends all else.
        let last = document.operations.filter { $0 == (.delete, "/api/v1/sessions/current") }
        let others = document.operations.filter { operation in
            operation.path != "/api/v1/events" && !last.contains { $0 == operation }
        }
        for (method, template) in others + last {
            let path = template.replacing("{group_id}", with: "g").replacing("{user_id}", with: "u")
                .replacing("{name}", with: "f").replacing("{passkey}", with: ann.session.passkey)
                .replacing("{info_hash}", with: String(repeating: "ab", count: 20))
            let answer = try ann.client.call(method, path, token: ann.session.token)
            let documented = document.statuses["\(method.rawValue) \(template)"] ?? []
            #expect(
                documented.contains(String(answer.status)),
                "\(method.rawValue) \(template) answered \(answer.status)")
        }
    }

    @Test func `every path and method of the program is in the document`() throws {
        let document = try OpenAPIDocument()
        let known = Set(document.operations.map { "\($0.method.rawValue) \($0.path)" })
        for path in Set(document.operations.map(\.path)) where path.hasPrefix("/api/") {
            let named = path.replacing("{info_hash}", with: String(repeating: "ab", count: 20))
            let components = named.dropFirst().split(separator: "/").map(String.init)
            let resource = try #require(APIResource(path: components))
            for method in resource.methods where method != .head {
                #expect(known.contains("\(method.rawValue) \(path)"))
            }
        }
    }

    /// What OpenSSL's work fails with.
    private static func noAuthority() throws -> CertificateError {
        try #require(throws: CertificateError.self) { _ = try PrivateKey(pem: []) }
    }

    @Test func `an authority that can't be made is the tracker's fault, too much work isn't`()
        throws
    {
        let broken = APIError(makingAuthority: try Self.noAuthority())
        #expect(broken.status == 500 && broken.code == "authority_failed")
        #expect(broken.retryAfter == nil)
        for overload in [WorkerPoolError.queueFull, .shutDown] {
            #expect(APIError(makingAuthority: overload) == .busy)
        }
    }

    @Test func `every error code is in the document`() throws {
        let document = try OpenAPIDocument()
        let hash = InfoHash(SHA1Hasher.hash([]))
        let refusals: [StoreError] = [
            .busy, .full, .unavailable(reason: ""), .outcomeUnknown, .failed(""),
            .refused(.userExists("u")),
            .refused(.noSuchUser("u")),
            .refused(.userDisabled("u")),
            .refused(.groupExists("g")), .refused(.noSuchGroup("g")),
            .refused(.alreadyMember(group: "g", user: "u")),
            .refused(.alreadyRequested(group: "g", user: "u")),
            .refused(.noSuchRequest(group: "g", user: "u")),
            .refused(.noSuchMember(group: "g", user: "u")), .refused(.notMember(group: "g")),
            .refused(.notOwner(group: "g", owner: "u")),
            .refused(.nameTaken(group: "g", name: "f")),
            .refused(.noSuchFile(group: "g", name: "f")), .refused(.sessionExpired),
            .refused(.limitReached(what: "x", limit: 1)), .refused(.notRegistered(hash, user: "u")),
        ]
        var errors = refusals.map(APIError.init)
        errors += [
            .notFound, .tlsRequired, .administratorOnly, .methodNotAllowed(allow: ""),
            .invalidRequest(""),
            .slowRequest,
            .tooLarge(limit: 1), .invalidID("", of: ""), .weakPassword, .wrongCredentials,
            .tooManyAttempts(retryAfter: 1), .tokenMissing, .notSealed("g"), .keyMissing,
            APIError(makingAuthority: try Self.noAuthority()), .invalidInfo(""),
            .unknownInfoHash(hash), .wrongBitfield(hash, pieceCount: 1),
            APIError(HTTPError.malformed(.host)), APIError(HTTPError.bodyTooLong),
        ]
        #expect(Set(errors.map(\.code)) == document.errorCodes)
        for error in errors { #expect(error.message.count > 20, "\(error.code)") }
    }
}
