extension Info {
    /// The most files that a directory may have, and the most pads beside them.
    package static let maxFiles = 100_000

    /// A stretch of the piece space: a file, or a pad that brings the next file to a boundary.
    package struct File: Hashable, Sendable {
        /// The components below the torrent's directory; of a single file its name.
        package let path: [String]
        /// Bytes.
        package let length: Int64
        /// Where it begins in the piece space, in bytes.
        package let offset: Int64
        /// Whether it is a pad of zeros (BEP 47, `attr` has `p`), which is never stored.
        package let isPad: Bool
        /// SHA-1 of its bytes (BEP 47).
        package let sha1: SHA1Digest?

        /// The most components of a path.
        package static let maxComponents = 64
        /// The most bytes of a path with its slashes: with the directory it goes to, it must fit
        /// `PATH_MAX` of Linux.
        package static let maxPathLength = 3_000

        package init(
            path: [String], length: Int64, offset: Int64 = 0, isPad: Bool = false,
            sha1: SHA1Digest? = nil
        ) {
            self.path = path
            self.length = length
            self.offset = offset
            self.isPad = isPad
            self.sha1 = sha1
        }

        /// The path with slashes.
        package var joinedPath: String { path.joined(separator: "/") }

        /// Where its bytes lie in the piece space; empty for an empty file.
        package var range: Range<Int64> { offset..<offset + length }
    }

    /// The indices of the files that have bytes of the range. Empty files have none; those that
    /// lie between others are within the result all the same.
    package func files(overlapping range: Range<Int64>) -> Range<Int> {
        if range.isEmpty { return 0..<0 }
        let first = firstFile { $0.range.upperBound > range.lowerBound }
        let end = firstFile { $0.offset >= range.upperBound }
        return first..<max(first, end)
    }

    /// The index of the first file that the predicate holds for, which must hold for all after
    /// it; the number of files if there is none.
    private func firstFile(where predicate: (File) -> Bool) -> Int {
        var (low, high) = (0, files.count)
        while low < high {
            let middle = (low + high) / 2
            if predicate(files[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// The order in which files fill the piece space, and the pads between them (BEP 47): a file
    /// of at least a piece's length begins with a piece, so that the same file has the same
    /// pieces wherever it is shared; shorter ones follow each other without a gap.
    /// - Parameter files: in any order, without pads. They are put in the order of their paths'
    ///   bytes.
    package static func layout(of files: [File], pieceLength: Int) -> [File] {
        var layout: [File] = []
        var offset: Int64 = 0
        let keyed = files.map { (key: Array($0.joinedPath.utf8), file: $0) }
        for (_, file) in keyed.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            let overhang = offset % Int64(pieceLength)
            if overhang > 0 && file.length >= Int64(pieceLength) {
                let pad = Int64(pieceLength) - overhang
                layout.append(
                    File(path: [".pad", "\(pad)"], length: pad, offset: offset, isPad: true))
                offset += pad
            }
            layout.append(
                File(path: file.path, length: file.length, offset: offset, sha1: file.sha1))
            offset += file.length
        }
        return layout
    }
}

extension Info.File {
    /// As an item of `files` (BEP 3, BEP 47).
    var bencoded: Bencode {
        var dictionary = BencodeDictionary()
        if isPad { dictionary["attr"] = .text("p") }
        dictionary["length"] = .integer(length)
        dictionary["path"] = .list(path.map { .text($0) })
        if let sha1 { dictionary["sha1"] = .bytes(sha1.bytes) }
        return .dictionary(dictionary)
    }

    /// The files of a `files` list, and the length of the piece space that they make.
    static func list(
        decoding items: [Bencode]
    ) throws(MetainfoError) -> (files: [Info.File], length: Int64) {
        var files: [Info.File] = []
        files.reserveCapacity(min(items.count, 2 * Info.maxFiles))
        var (offset, padCount): (Int64, Int) = (0, 0)
        for (index, item) in items.enumerated() {
            let file = try Info.File(decoding: item, index: index, offset: offset)
            let (end, overflow) = offset.addingReportingOverflow(file.length)
            guard !overflow else { throw .invalidFileLength(index: index) }
            offset = end
            padCount += file.isPad ? 1 : 0
            guard max(padCount, index + 1 - padCount) <= Info.maxFiles else {
                throw .tooManyFiles(limit: Info.maxFiles)
            }
            files.append(file)
        }
        guard padCount < files.count else { throw .noFiles }
        try requireDistinctPaths(files)
        return (files, offset)
    }

    private init(
        decoding item: Bencode, index: Int, offset: Int64
    ) throws(MetainfoError) {
        guard let dictionary = item.dictionary, let length = dictionary["length"]?.integer,
            let path = dictionary["path"]?.list
        else { throw .malformedFile(index: index) }
        guard length >= 0 else { throw .invalidFileLength(index: index) }
        let attributes = try Self.attributes(dictionary, index: index)
        self.path = try Self.path(path, index: index)
        self.length = length
        self.offset = offset
        isPad = attributes.contains(UInt8(ascii: "p"))
        sha1 = try dictionary.sha1()
        guard !attributes.contains(UInt8(ascii: "l")) else { throw .symbolicLink(joinedPath) }
    }

    /// The letters of `attr` (BEP 47), in no certain order.
    private static func attributes(
        _ dictionary: BencodeDictionary, index: Int
    ) throws(MetainfoError) -> [UInt8] {
        guard let value = dictionary["attr"] else { return [] }
        guard let letters = value.bytes else { throw .malformedFile(index: index) }
        return letters
    }

    private static func path(_ items: [Bencode], index: Int) throws(MetainfoError) -> [String] {
        guard !items.isEmpty else { throw .invalidPath(index: index) }
        guard items.count <= maxComponents else { throw .longPath(index: index) }
        var path: [String] = []
        path.reserveCapacity(items.count)
        var length = -1
        for item in items {
            guard let component = item.text else { throw .malformedFile(index: index) }
            guard FileName.isValid(component) else { throw .invalidPath(index: index) }
            length += component.utf8.count + 1
            path.append(component)
        }
        guard length <= maxPathLength else { throw .longPath(index: index) }
        return path
    }

    /// No file may take the place of another, or of a directory that another lies in. Pads may
    /// have the same path: they are never stored.
    ///
    /// Joined by NUL, which no component has, a path comes right before those inside it.
    private static func requireDistinctPaths(_ files: [Info.File]) throws(MetainfoError) {
        var keys = files.filter { !$0.isPad }.map { Array($0.path.joined(separator: "\0").utf8) }
        // Most programs write them nearly in this order; sorting a hundred thousand is slow.
        if zip(keys, keys.dropFirst()).contains(where: { $1.lexicographicallyPrecedes($0) }) {
            keys.sort { $0.lexicographicallyPrecedes($1) }
        }
        for (key, next) in zip(keys, keys.dropFirst()) where next.starts(with: key) {
            let path = String(
                decoding: key.map { $0 == 0 ? UInt8(ascii: "/") : $0 }, as: UTF8.self)
            if next.count == key.count { throw .duplicatePath(path) }
            if next[key.count] == 0 { throw .fileAndDirectory(path) }
        }
    }
}
