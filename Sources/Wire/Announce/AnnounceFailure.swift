/// A tracker's refusal (BEP 3, 31).
package struct AnnounceFailure: Error, Hashable, Sendable {
    /// When it is worth asking again (BEP 31).
    package enum RetryIn: Hashable, Sendable {
        case minutes(Int)
        case never
    }

    /// For the user to read.
    package var reason: String
    /// Nil leaves it to the client.
    package var retryIn: RetryIn?

    package init(reason: String, retryIn: RetryIn? = nil) {
        self.reason = reason
        self.retryIn = retryIn
    }

    /// Appends the bencoded answer.
    package func encode(into output: inout [UInt8]) {
        output.append("d14:failure reason")
        Bencode.encode(reason.utf8, into: &output)
        switch retryIn {
        case .minutes(let count):
            output.append("8:retry ini")
            output.appendDecimal(count)
            output.append("e")
        case .never: output.append("8:retry in5:never")
        case nil: break
        }
        output.append("e")
    }

    /// The refusal a tracker's answer is, if it is one.
    init?(_ dictionary: BencodeDictionary) {
        guard let reason = dictionary["failure reason"]?.bytes else { return nil }
        self.reason = String(decoding: reason, as: UTF8.self)
        switch dictionary["retry in"] {
        case .integer(let minutes) where minutes >= 0: retryIn = .minutes(Int(minutes))
        case .bytes(let text) where text == [UInt8]("never".utf8): retryIn = .never
        default: retryIn = nil
        }
    }
}

/// Why a tracker's answer brings nothing.
package enum AnnounceResponseError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The tracker said no.
    case failure(AnnounceFailure)
    case bencode(BencodeError)
    /// The value of this key is missing or isn't what BEP 3 says.
    case malformed(key: String)

    package var description: String {
        switch self {
        case .failure(let failure): terminalSafe(failure.reason)
        case .bencode(let error): "the tracker's answer is not valid bencoding: \(error)"
        case .malformed(let key): "the tracker's answer has no usable '\(key)'"
        }
    }

    /// The dictionary an answer is, unless it is a refusal.
    static func dictionary(
        _ bytes: [UInt8]
    ) throws(AnnounceResponseError) -> BencodeDictionary {
        let limits = Bencode.Limits(maxDepth: 8, maxBytes: 1 << 20, maxItems: 20_000)
        let value: Bencode
        do {
            value = try Bencode.decode(bytes, limits: limits)
        } catch {
            throw .bencode(error)
        }
        guard let dictionary = value.dictionary else { throw .malformed(key: "dictionary") }
        if let failure = AnnounceFailure(dictionary) { throw .failure(failure) }
        return dictionary
    }
}
