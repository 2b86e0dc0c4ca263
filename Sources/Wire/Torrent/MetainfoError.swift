/// Why bytes or values don't make an info dictionary or a torrent file.
package enum MetainfoError: Error, Equatable, Sendable, CustomStringConvertible {
    case bencode(BencodeError)
    /// The outermost value is not a dictionary.
    case notADictionary
    case missing(key: String)
    /// The value of the key has another type than BEP 3 gives it, or isn't UTF-8.
    case wrongType(key: String)
    /// The torrent has a list of files, not a single one.
    case severalFiles
    /// The name is not a single path component of at most 255 bytes.
    case invalidName
    case invalidLength(Int64)
    case invalidPieceLength(Int64)
    /// `pieces` is not a multiple of 20 bytes.
    case invalidPieces(count: Int)
    case wrongPieceCount(expected: Int64, actual: Int)
    /// `sha1` has another length than 20 bytes.
    case invalidSHA1

    package var description: String {
        switch self {
        case .bencode(let error): "not valid bencoding: \(error)"
        case .notADictionary: "not a bencoded dictionary"
        case .missing(let key): "'\(key)' is missing"
        case .wrongType(let key): "'\(key)' has the wrong type"
        case .severalFiles:
            "torrents of several files are not supported: share each file by itself"
        case .invalidName: "'name' is not a usable file name"
        case .invalidLength(let length): "'length' can't be \(length)"
        case .invalidPieceLength(let length):
            "'piece length' can't be \(length): 1 to \(Info.maxPieceLength) are allowed"
        case .invalidPieces(let count): "'pieces' has \(count) bytes, which is no multiple of 20"
        case .wrongPieceCount(let expected, let actual):
            "\(actual) piece hashes, where length and piece length make it \(expected)"
        case .invalidSHA1: "'sha1' is not 20 bytes long"
        }
    }
}
