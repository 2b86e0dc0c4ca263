import COpenSSL
import Wire

/// Salted password hashes by scrypt (RFC 7914), as text:
/// `$scrypt$ln=14,r=8,p=1$<salt in hex>$<hash in hex>`. Takes 16 MiB and tens of milliseconds:
/// never on the loop's thread.
package enum Password {
    /// The cost that new hashes are made with: N = 2^14, 16 MiB.
    private static let cost = Cost(logN: 14, r: 8, p: 1)
    private static let saltCount = 16
    private static let hashCount = 32

    private struct Cost {
        let logN: Int
        let r: Int
        let p: Int

        /// What this program is willing to compute, whatever a stored hash asks for.
        var isSensible: Bool {
            (10...20).contains(logN) && (1...16).contains(r) && (1...16).contains(p)
        }
    }

    /// A password is 1 to 1024 bytes of UTF-8.
    package static func isAcceptable(_ password: String) -> Bool {
        (1...1024).contains(password.utf8.count)
    }

    /// A new hash with a random salt.
    package static func hash(_ password: String) -> String {
        let salt = Randomness.bytes(saltCount)
        let hash = derive(password, salt: salt, cost: cost)
        let parameters = "ln=\(cost.logN),r=\(cost.r),p=\(cost.p)"
        return "$scrypt$\(parameters)$\(Hex.encode(salt))$\(Hex.encode(hash))"
    }

    /// Whether the password is the hash's. Takes as long for nil, where no such user is, as for a
    /// wrong password.
    package static func verify(_ password: String, against stored: String?) -> Bool {
        let known = stored.flatMap(parse)
        let (cost, salt, expected) =
            known ?? (Self.cost, [UInt8](repeating: 0, count: saltCount), [])
        let hash = derive(password, salt: salt, cost: cost)
        // A hash of no bytes, the unknown user's, equals none.
        guard hash.count == expected.count else { return false }
        return CRYPTO_memcmp(hash, expected, hash.count) == 0
    }

    private static func parse(_ text: String) -> (Cost, salt: [UInt8], hash: [UInt8])? {
        let fields = text.split(separator: "$")
        guard fields.count == 4, fields[0] == "scrypt" else { return nil }
        var numbers: [Substring: Int] = [:]
        for parameter in fields[1].split(separator: ",") {
            let parts = parameter.split(separator: "=")
            guard parts.count == 2, let number = Int(parts[1]) else { return nil }
            numbers[parts[0]] = number
        }
        guard let logN = numbers["ln"], let r = numbers["r"], let p = numbers["p"],
            let salt = Hex.decode(fields[2]), let hash = Hex.decode(fields[3]),
            hash.count == hashCount
        else { return nil }
        let cost = Cost(logN: logN, r: r, p: p)
        return cost.isSensible ? (cost, salt, hash) : nil
    }

    private static func derive(_ password: String, salt: [UInt8], cost: Cost) -> [UInt8] {
        let password = Array(password.utf8)
        let n = UInt64(1) << UInt64(cost.logN)
        // 128 N r bytes is the table; OpenSSL wants some more for itself.
        let memory = 128 * n * UInt64(cost.r) + (1 << 20)
        return [UInt8](unsafeUninitializedCapacity: hashCount) { output, count in
            let status = password.withUnsafeBytes { password in
                EVP_PBE_scrypt(
                    password.baseAddress?.assumingMemoryBound(to: CChar.self), password.count,
                    salt, salt.count, n, UInt64(cost.r), UInt64(cost.p), memory,
                    output.baseAddress, hashCount)
            }
            precondition(status == 1, "EVP_PBE_scrypt")
            count = hashCount
        }
    }
}

/// Random bytes that nobody can guess: getrandom(2), by the standard library.
enum Randomness {
    static func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max) }
    }
}
