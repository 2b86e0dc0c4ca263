import Certificates
import Glibc
import Reactor

/// What a tracker shows to those that speak TLS with it.
struct TrackerCertificate {
    struct Files: Equatable {
        /// PEM: the certificate, and those that lead from it to the root behind it.
        var certificate: String
        /// PEM, without a password.
        var key: String
    }

    /// `sha256:HEX`, as the third field of `tracker_info.txt` names it.
    let pin: String
    let context: TLSContext

    private static let days = 20 * 365

    /// An operator's own.
    init(_ files: Files) throws(StartError) {
        do {
            try self.init(
                certificates: Self.read(files.certificate), key: Self.read(files.key))
        } catch let error as StartError {
            throw error
        } catch {
            throw StartError(
                "\(files.certificate), \(files.key): not a certificate with its key in PEM, "
                    + "without a password: \(error)")
        }
    }

    /// The folder's own, made where it is missing: trackers that share the folder share it.
    init(in folder: DataFolder) throws(StartError) {
        do {
            if access(folder.identityPath, F_OK) != 0 { try Self.make(at: folder.identityPath) }
            let pem = try Self.read(folder.identityPath)
            try self.init(certificates: pem, key: pem)
        } catch let error as StartError {
            throw error
        } catch {
            throw StartError(
                "\(folder.identityPath): \(error); remove it, and another one is made, which peers "
                    + "have to be told of")
        }
    }

    private init(certificates: [UInt8], key: [UInt8]) throws {
        let identity = TLSIdentity(certificates: certificates, key: key)
        context = try TLSContext(.server, presenting: identity)
        pin = try "sha256:" + Certificate(pem: certificates).fingerprint
    }

    private static func make(at path: String) throws {
        let key = try PrivateKey()
        let certificate = try Certificate.selfSigned(
            name: "mTorrent tracker", key: key, days: days)
        try PrivateFile.make(key.pem() + certificate.pem(), at: path)
    }

    private static func read(_ path: String) throws(StartError) -> [UInt8] {
        Array(try TextFile.read(path).utf8)
    }
}
