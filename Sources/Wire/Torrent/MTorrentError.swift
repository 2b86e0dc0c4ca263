/// Why a text isn't a `.mtorrent` file, or values don't make one. Lines count from 1.
package enum MTorrentError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What a line of the file holds.
    package enum Field: String, Sendable {
        case tracker = "a tracker's IP:PORT"
        case path = "the file's absolute path"
        case size = "the file's size in bytes"
        case hash = "a SHA-1 hash of 40 hexadecimal digits"
        case keyAndValue = "a key and a value"
        case pieceLength = "a piece length from 1 to 67108864"
        case infoHash = "an info-hash of 40 hexadecimal digits"
    }

    /// The text ends where this line should be.
    case missing(line: Int, Field)
    /// The line isn't what it should be.
    case malformed(line: Int, Field)
    /// The SHA-1 over the piece hashes isn't the one in this line.
    case wrongCombinedHash(line: Int)
    /// Size and piece length make another number of piece hashes; the line is the last hash's.
    case wrongHashCount(line: Int, expected: Int64, actual: Int)
    case repeatedKey(line: Int, String)
    /// The info-hash in this line isn't that of the file described.
    case wrongInfoHash(line: Int)
    /// There must be one or two trackers, each as IP:PORT.
    case invalidTrackers
    /// Not an absolute path, or its last component is no usable name, or it breaks lines.
    case invalidPath(String)
    /// The values don't fit each other.
    case metainfo(MetainfoError)

    package var description: String {
        switch self {
        case .missing(let line, let field): "line \(line) is missing: \(field.rawValue)"
        case .malformed(let line, let field): "line \(line) is not \(field.rawValue)"
        case .wrongCombinedHash(let line):
            "line \(line) is not the SHA-1 over the hashes before it: the file is damaged"
        case .wrongHashCount(let line, let expected, let actual):
            "line \(line): \(actual) piece hashes, where the size makes it \(expected)"
        case .repeatedKey(let line, let key): "line \(line): \(key) is given twice"
        case .wrongInfoHash(let line):
            "line \(line): the info-hash is not that of the file described"
        case .invalidTrackers: "one or two trackers must be named, each as IP:PORT"
        case .invalidPath(let path):
            "'\(terminalSafe(path))' is not an absolute path of a file on one line"
        case .metainfo(let error): error.description
        }
    }
}
