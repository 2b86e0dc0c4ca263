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

    /// Whole or not at all, and never over one that another tracker has made meanwhile.
    private static func make(at path: String) throws {
        let key = try PrivateKey()
        let certificate = try Certificate.selfSigned(
            name: "mTorrent tracker", key: key, days: days)
        let temporary = "\(path).\(getpid())"
        let bytes = try key.pem() + certificate.pem()
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failed("made") }
        defer {
            close(descriptor)
            unlink(temporary)
        }
        guard write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0,
            link(temporary, path) == 0 || errno == EEXIST
        else { throw failed("written") }
    }

    private static func read(_ path: String) throws(StartError) -> [UInt8] {
        Array(try TextFile.read(path).utf8)
    }

    private static func failed(_ what: String) -> SystemError {
        SystemError(code: errno, operation: "can't be \(what)")
    }
}
