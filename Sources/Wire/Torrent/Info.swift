/// The info dictionary of a torrent of a file or of a directory (BEP 3, 27, 47).
///
/// The encoded bytes are kept as they were given, keys that aren't known here included, since
/// the info-hash is the SHA-1 of exactly those bytes.
package struct Info: Hashable, Sendable {
    /// The name of the file or of the directory, a single path component.
    package let name: String
    /// Bytes of the piece space: of all files one after the other, pads included.
    package let length: Int64
    /// Whether this is a directory, even one of a single file.
    package let isDirectory: Bool
    /// What the piece space is made of, in its order: at least one file that isn't a pad. A
    /// torrent of a single file has one entry, whose path is the name.
    package let files: [File]
    /// Bytes of all files, pads left out.
    package let contentLength: Int64
    /// The size in bytes of every piece but the last.
    package let pieceLength: Int
    /// The pieces' SHA-1 digests, 20 bytes each.
    package let pieces: [UInt8]
    /// Whether peers may come from the tracker only (BEP 27).
    package let isPrivate: Bool
    /// SHA-1 of the whole file (BEP 47); of a directory each file has its own.
    package let sha1: SHA1Digest?
    /// What makes the info-hash another one for each group: `<network_id>/<group_id>`.
    package let source: String?
    /// Of an SSL torrent, as libtorrent defines them: the X.509 certificate (PEM) of who signs the
    /// certificates that its peers show each other. Nil: they speak without TLS.
    package let sslCertificate: [UInt8]?
    /// The bencoded dictionary.
    package let encoded: [UInt8]
    /// SHA-1 of `encoded`.
    package let infoHash: InfoHash

    /// The longest piece that is accepted.
    package static let maxPieceLength = 64 << 20

    /// The dictionary of a single file; throws if the values don't fit each other.
    package init(
        name: String, length: Int64, pieceLength: Int, pieces: [UInt8], isPrivate: Bool,
        sha1: SHA1Digest?, source: String?, sslCertificate: [UInt8]? = nil
    ) throws(MetainfoError) {
        var dictionary = BencodeDictionary()
        dictionary["name"] = .text(name)
        dictionary["length"] = .integer(length)
        dictionary["piece length"] = .integer(Int64(pieceLength))
        dictionary["pieces"] = .bytes(pieces)
        if isPrivate { dictionary["private"] = .integer(1) }
        if let sha1 { dictionary["sha1"] = .bytes(sha1.bytes) }
        if let source { dictionary["source"] = .text(source) }
        if let sslCertificate { dictionary["ssl-cert"] = .bytes(sslCertificate) }
        try self.init(dictionary, encoded: Bencode.dictionary(dictionary).encoded())
    }

    /// The dictionary of a directory; throws if the values don't fit each other.
    /// - Parameter files: pads included, as ``layout(of:pieceLength:)`` gives them. Where each
    ///   begins follows from their order.
    package init(
        name: String, files: [File], pieceLength: Int, pieces: [UInt8], isPrivate: Bool,
        source: String?, sslCertificate: [UInt8]? = nil
    ) throws(MetainfoError) {
        var dictionary = BencodeDictionary()
        dictionary["name"] = .text(name)
        dictionary["files"] = .list(files.map(\.bencoded))
        dictionary["piece length"] = .integer(Int64(pieceLength))
        dictionary["pieces"] = .bytes(pieces)
        if isPrivate { dictionary["private"] = .integer(1) }
        if let source { dictionary["source"] = .text(source) }
        if let sslCertificate { dictionary["ssl-cert"] = .bytes(sslCertificate) }
        try self.init(dictionary, encoded: Bencode.dictionary(dictionary).encoded())
    }

    /// Reads a bencoded info dictionary.
    package init(decoding bytes: [UInt8]) throws(MetainfoError) {
        let value: Bencode
        do {
            value = try Bencode.decode(bytes, limits: Self.limits)
        } catch {
            throw .bencode(error)
        }
        guard let dictionary = value.dictionary else { throw .notADictionary }
        try self.init(dictionary, encoded: bytes)
    }

    private init(_ dictionary: BencodeDictionary, encoded: [UInt8]) throws(MetainfoError) {
        name = try dictionary.require("name", \.text)
        guard FileName.isValid(name) else { throw .invalidName }
        sha1 = try dictionary.sha1()
        if let list = try dictionary.find("files", \.list) {
            guard dictionary["length"] == nil else { throw .lengthAndFiles }
            isDirectory = true
            (files, length) = try File.list(decoding: list)
        } else {
            isDirectory = false
            length = try dictionary.require("length", \.integer)
            guard length >= 0 else { throw .invalidLength(length) }
            files = [File(path: [name], length: length, sha1: sha1)]
        }
        contentLength = files.reduce(0) { $1.isPad ? $0 : $0 + $1.length }
        let pieceLength = try dictionary.require("piece length", \.integer)
        guard (1...Int64(Self.maxPieceLength)).contains(pieceLength) else {
            throw .invalidPieceLength(pieceLength)
        }
        self.pieceLength = Int(pieceLength)
        pieces = try dictionary.require("pieces", \.bytes)
        guard pieces.count % 20 == 0 else { throw .invalidPieces(count: pieces.count) }
        let expected = length / pieceLength + (length % pieceLength == 0 ? 0 : 1)
        guard expected == Int64(pieces.count / 20) else {
            throw .wrongPieceCount(expected: expected, actual: pieces.count / 20)
        }
        isPrivate = try dictionary.find("private", \.integer) == 1
        source = try dictionary.find("source", \.text)
        sslCertificate = try dictionary.find("ssl-cert", \.bytes)
        self.encoded = encoded
        infoHash = InfoHash(SHA1Hasher.hash(encoded))
    }

    package static func == (a: Info, b: Info) -> Bool { a.infoHash == b.infoHash }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(infoHash)
    }

    // The pieces of a large file in the 1,500 byte chunks of old .mtorrent files are many, and so
    // are the items of a directory with as many files and pads as are taken.
    static let limits = Bencode.Limits(maxBytes: 512 << 20, maxItems: 24 * maxFiles)
}

extension Info {
    /// The group that `source` names, of whatever network.
    package var group: String? {
        guard let source, let slash = source.firstIndex(of: "/") else { return nil }
        return String(source[source.index(after: slash)...])
    }

    /// The number of pieces; none where there are no bytes.
    package var pieceCount: Int { pieces.count / 20 }

    /// The digest of a piece, counted from 0.
    package func pieceHash(_ index: Int) -> SHA1Digest {
        precondition(index >= 0 && index < pieceCount, "no such piece")
        return pieces.withUnsafeBytes { SHA1Digest(loading: $0, at: 20 * index) }
    }

    /// The size in bytes of a piece, counted from 0; only the last may be shorter than others.
    package func length(ofPiece index: Int) -> Int {
        precondition(index >= 0 && index < pieceCount, "no such piece")
        return Int(min(Int64(pieceLength), length - offset(ofPiece: index)))
    }

    /// Where a piece begins in the piece space, in bytes.
    package func offset(ofPiece index: Int) -> Int64 {
        Int64(index) * Int64(pieceLength)
    }

    /// The piece length that is chosen for so many bytes: the smallest power of two from 16 KiB
    /// to 16 MiB that makes at most 2,000 pieces of them.
    package static func pieceLength(forFileOf length: Int64) -> Int {
        var pieceLength = 16 << 10
        while pieceLength < 16 << 20 && length > 2_000 * Int64(pieceLength) {
            pieceLength *= 2
        }
        return pieceLength
    }
}

extension BencodeDictionary {
    /// The value of a key that must be there.
    func require<T>(
        _ key: String, _ type: (Bencode) -> T?
    ) throws(MetainfoError) -> T {
        guard let value = try find(key, type) else { throw .missing(key: key) }
        return value
    }

    /// The value of `sha1`, where there is one (BEP 47).
    func sha1() throws(MetainfoError) -> SHA1Digest? {
        guard let bytes = try find("sha1", \.bytes) else { return nil }
        guard let digest = SHA1Digest(bytes) else { throw .invalidSHA1 }
        return digest
    }

    /// The value of a key that may be there.
    func find<T>(_ key: String, _ type: (Bencode) -> T?) throws(MetainfoError) -> T? {
        guard let value = self[key] else { return nil }
        guard let typed = type(value) else { throw .wrongType(key: key) }
        return typed
    }
}
