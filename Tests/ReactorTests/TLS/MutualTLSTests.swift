import Certificates
import Testing

@testable import Reactor

/// Both ends show a certificate, and the server is chosen by name.
@Suite struct MutualTLSTests {
    /// An authority, and a member that it has signed a certificate of.
    private struct Club {
        let authority: CertificateAuthority
        let pem: [UInt8]

        init() throws {
            authority = try CertificateAuthority(name: "club", days: 1)
            pem = try authority.certificate.pem()
        }

        func member(_ name: String, seconds: Range<Int> = -60..<60) throws -> TLSIdentity {
            let key = try PrivateKey()
            let certificate = try authority.sign(
                CertificateRequest(key: key), name: name, hosts: ["*"], seconds: seconds)
            return TLSIdentity(certificates: try certificate.pem(), key: try key.pem())
        }
    }

    private let club: Club

    init() throws { club = try Club() }

    private struct Outcome {
        let server: Recorder
        let client: Recorder
        /// The common names that each saw.
        let names: [String?]
    }

    /// Has a client with this context ask for `club`, and say something at once.
    private func meet(_ client: TLSContext, serverName: String? = "club") throws -> Outcome {
        let members = try TLSContext(
            .server, presenting: club.member("server"), trusting: club.pem)
        let acceptor = try TLSContext { $0 == "club" ? members : nil }
        var outcome: Outcome?
        try withLoop { loop in
            let pair = try Pair(on: loop)
            pair.server.secure(with: acceptor)
            pair.client.secure(with: client, serverName: serverName)
            pair.client.write(Array("hello".utf8))
            var isOver = false
            let end: (Stream) -> Void = { _ in
                isOver = true
                loop.stop()
            }
            pair.serverSide.onReceive = end
            pair.serverSide.onClose = end
            if !isOver { run(loop) }
            let names = [pair.server, pair.client].map { stream in
                stream.tlsPeer?.certificate.flatMap { try? Certificate(der: $0).commonName }
            }
            // What goes wrong at the server the client hears of later.
            if !pair.serverSide.closeReasons.isEmpty { runUntilClosed(loop, pair.clientSide) }
            #expect(pair.server.tlsPeer == nil || pair.server.tlsPeer?.serverName == "club")
            outcome = Outcome(server: pair.serverSide, client: pair.clientSide, names: names)
        }
        return try #require(outcome)
    }

    @Test func `members of one authority meet, and know each other's names`() throws {
        let outcome = try meet(
            TLSContext(.client, presenting: club.member("ann"), trusting: club.pem))
        #expect(outcome.server.received == Array("hello".utf8))
        #expect(outcome.names == ["ann", "server"])
    }

    @Test func `who shows no certificate is refused`() throws {
        let outcome = try meet(TLSContext(.client, trusting: club.pem))
        #expect(outcome.server.closeReasons == [.tls(.certificate("there is none"))])
        #expect(outcome.server.received.isEmpty)
        #expect(outcome.client.received.isEmpty)
    }

    @Test func `a certificate of another authority is refused`() throws {
        let other = try Club()
        let outcome = try meet(
            TLSContext(.client, presenting: other.member("ann"), trusting: club.pem))
        guard case .tls(.certificate) = outcome.server.closeReasons.first else {
            return #expect(outcome.server.closeReasons == [])
        }
        #expect(outcome.server.received.isEmpty)
    }

    @Test(arguments: [-120..<(-60), 60..<120])
    func `a certificate that has expired, or doesn't count yet, is refused`(
        seconds: Range<Int>
    ) throws {
        let outcome = try meet(
            TLSContext(
                .client, presenting: club.member("ann", seconds: seconds), trusting: club.pem))
        let words =
            seconds.upperBound < 0
            ? "certificate has expired" : "certificate is not yet valid"
        #expect(outcome.server.closeReasons == [.tls(.certificate(words))])
        #expect(outcome.server.received.isEmpty)
    }

    @Test func `a server of another authority is refused before anything is said`() throws {
        let other = try Club()
        let outcome = try meet(
            TLSContext(.client, presenting: club.member("ann"), trusting: other.pem))
        guard case .tls(.certificate) = outcome.client.closeReasons.first else {
            return #expect(outcome.client.closeReasons == [])
        }
        #expect(outcome.server.received.isEmpty)
    }

    @Test(arguments: ["another", nil] as [String?])
    func `who asks for another name, or none, is refused`(name: String?) throws {
        let outcome = try meet(
            TLSContext(.client, presenting: club.member("ann"), trusting: club.pem),
            serverName: name)
        #expect(outcome.client.closeReasons == [.tls(.alert("unrecognized name"))])
        #expect(outcome.server.received.isEmpty)
    }
}
