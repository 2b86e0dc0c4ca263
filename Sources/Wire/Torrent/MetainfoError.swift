/// Why bytes or values don't make an info dictionary or a torrent file.
package enum MetainfoError: Error, Equatable, Sendable, CustomStringConvertible {
    case bencode(BencodeError)
    /// The outermost value is not a dictionary.
    case notADictionary
    case missing(key: String)
    /// The value of the key has another type than BEP 3 gives it, or isn't UTF-8.
    case wrongType(key: String)
    /// There are both `length`, for a single file, and `files`, for a directory.
    case lengthAndFiles
    /// `files` has none, or nothing but pads.
    case noFiles
    case tooManyFiles(limit: Int)
    /// The values of the file at an index of `files` have other types than BEP 3 and 47 give
    /// them, or aren't UTF-8.
    case malformedFile(index: Int)
    /// A path that is empty, or has a component that is not a usable file name.
    case invalidPath(index: Int)
    case longPath(index: Int)
    case invalidFileLength(index: Int)
    case duplicatePath(String)
    /// Something is to be a file, and a directory with files inside.
    case fileAndDirectory(String)
    /// A symbolic link (BEP 47, `attr` = `l`), which is not followed and not made.
    case symbolicLink(String)
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
        case .lengthAndFiles: "there are both 'length' and 'files'"
        case .noFiles: "'files' names no file"
        case .tooManyFiles(let limit): "more than \(limit) files or pads"
        case .malformedFile(let index): "file \(index + 1) of 'files' is malformed"
        case .invalidPath(let index): "file \(index + 1) of 'files' has no usable path"
        case .longPath(let index):
            "the path of file \(index + 1) of 'files' is too long: \(Info.File.maxComponents)"
                + " components and \(Info.File.maxPathLength) bytes are allowed"
        case .invalidFileLength(let index):
            "the length of file \(index + 1) of 'files' is impossible"
        case .duplicatePath(let path): "'files' has '\(path)' twice"
        case .fileAndDirectory(let path): "'files' has '\(path)' both as file and as directory"
        case .symbolicLink(let path):
            "'\(path)' is a symbolic link, which is not supported"
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
