import Certificates
import TrackerCore

/// The authorities of sealed groups: makes them, and signs the certificates of their members. Work for
/// a worker: a few tenths of a millisecond each.
struct GroupAuthorities: Sendable {
    /// Keeps their keys from who reads the database.
    let box: SecretBox

    /// From when to when a member's certificate counts, in seconds from now on: an hour, of which a
    /// little is past for clocks that are late.
    static let memberSeconds = -300..<3300
    /// Whom members are told of that have left: their certificates may count yet.
    static let leaverSeconds: Int64 = 3600

    private static let days = 20 * 365

    func make(group: String) throws(CertificateError) -> GroupAuthority {
        // A common name has 64 characters at most (RFC 5280); with blanks it is no user's.
        let name = String("mTorrent group \(group)".prefix(64))
        let authority = try CertificateAuthority(name: name, days: Self.days)
        return GroupAuthority(
            certificate: try authority.certificate.pem(),
            sealedKey: try box.seal(authority.keyPEM(), label: group))
    }

    enum SigningError: Error {
        case request(CertificateError)
        case authority(CertificateError)
    }

    /// A certificate for a member, PEM for PEM: the name is the user's id; what it may be shown for is all of the
    /// group, which is what `*` says to libtorrent.
    func sign(
        _ request: [UInt8], of user: String, with stored: GroupAuthority, group: String
    ) throws(SigningError) -> [UInt8] {
        let asked: CertificateRequest
        do throws(CertificateError) {
            asked = try CertificateRequest(pem: request)
        } catch {
            throw .request(error)
        }
        do throws(CertificateError) {
            let authority = try CertificateAuthority(
                certificate: Certificate(pem: stored.certificate),
                key: PrivateKey(pem: box.open(stored.sealedKey, label: group)))
            return try authority.sign(
                asked, name: user, hosts: ["*"], seconds: Self.memberSeconds
            ).pem()
        } catch {
            throw .authority(error)
        }
    }
}
