import Certificates
import Reactor

/// This node's place among the members of a sealed group: its certificate, and whom it trusts.
struct GroupSeal: Sendable {
    /// The group's authority, as its info dictionaries have it: X.509 in PEM.
    let authority: [UInt8]
    let identity: TLSIdentity
    /// For connections that come in, and that are made.
    let server: TLSContext
    let client: TLSContext
    /// When to have another certificate; this one counts longer.
    let renewal: Duration

    /// - Parameter certificate: of `key`, signed by the authority; both PEM.
    init(certificate: [UInt8], key: PrivateKey, authority: [UInt8]) throws {
        self.authority = authority
        identity = TLSIdentity(certificates: certificate, key: try key.pem())
        server = try TLSContext(.server, presenting: identity, trusting: authority)
        client = try TLSContext(.client, presenting: identity, trusting: authority)
        renewal = .seconds(max(try Certificate(pem: certificate).secondsLeft / 2, 1))
    }
}

/// Another member, as its certificate names it.
struct SealedPeer {
    let userID: String
    /// When the certificate ends, and with it the connection.
    let end: MonotonicTime

    /// Nil for a certificate that isn't a member's.
    init?(_ peer: TLSPeer, at now: MonotonicTime) {
        guard let der = peer.certificate, let certificate = try? Certificate(der: der),
            let name = certificate.commonName, certificate.names(host: "*")
        else { return nil }
        userID = name
        end = now + .seconds(certificate.secondsLeft)
    }
}
