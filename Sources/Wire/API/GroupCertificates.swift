/// `POST /api/v1/groups/{g}/certificate`: a member of a sealed group asks for a certificate.
package struct GroupCertificateRequest: Codable, Hashable, Sendable {
    /// PKCS #10 in PEM, of a key on P-256.
    package var request: String

    package init(request: String) {
        self.request = request
    }

    private enum CodingKeys: String, CodingKey {
        case request
    }
}

/// A member's certificate, and what it takes to know the others.
package struct GroupCertificateResponse: Codable, Hashable, Sendable {
    /// X.509 in PEM; it counts for less than an hour.
    package var certificate: String
    /// The group's authority, X.509 in PEM: `ssl-cert` of its info dictionaries.
    package var authority: String
    /// Users who have left the group in the last hour, whose certificates may count yet.
    package var left: [String]

    package init(certificate: String, authority: String, left: [String]) {
        self.certificate = certificate
        self.authority = authority
        self.left = left
    }

    private enum CodingKeys: String, CodingKey {
        case certificate
        case authority
        case left
    }
}
