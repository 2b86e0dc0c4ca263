import Certificates
import Glibc
import Wire

/// The key under which a tracker keeps secrets in its database, in a file beside it: 64 hex digits.
enum SecretKeyFile {
    /// Reads an operator's own.
    static func read(_ path: String) throws(StartError) -> SecretBox {
        let line = try TextFile.read(path).prefix { !$0.isNewline }
        guard let key = Hex.decode(line), key.count == SecretBox.keyLength else {
            throw StartError(
                "\(path): its first line is to be 64 hex digits; `openssl rand -hex 32` makes them")
        }
        return SecretBox(key: key)
    }

    /// The folder's own, made where it is missing: trackers that share the folder share it.
    static func box(in folder: DataFolder) throws(StartError) -> SecretBox {
        let path = folder.secretKeyPath
        if access(path, F_OK) != 0 {
            let digits = Hex.encode(Randomness.bytes(SecretBox.keyLength)) + "\n"
            try PrivateFile.make(Array(digits.utf8), at: path)
        }
        return try read(path)
    }
}
