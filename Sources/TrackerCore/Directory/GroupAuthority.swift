/// Who signs the certificates of a sealed group's members.
package struct GroupAuthority: Hashable, Sendable {
    /// X.509 in PEM, which the group's info dictionaries hold as `ssl-cert`.
    package let certificate: [UInt8]
    /// Its private key, encrypted: only the trackers of the network can use it.
    package let sealedKey: [UInt8]

    package init(certificate: [UInt8], sealedKey: [UInt8]) {
        self.certificate = certificate
        self.sealedKey = sealedKey
    }
}
