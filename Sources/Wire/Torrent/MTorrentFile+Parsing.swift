extension MTorrentFile {
    /// Reads a file's text; lines may end in LF or CR LF. Errors name the line.
    package init(parsing text: String) throws(MTorrentError) {
        try self.init(parsing: [UInt8](text.utf8))
    }

    /// Reads a file's bytes; lines may end in LF or CR LF. Errors name the line.
    package init(parsing bytes: [UInt8]) throws(MTorrentError) {
        self = try bytes.withRawBytes { (raw) throws(MTorrentError) in
            var parser = MTorrentParser(bytes: raw)
            return try parser.file()
        }
    }
}

private struct MTorrentParser {
    private typealias Field = MTorrentError.Field

    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    /// The number of the line that was read last.
    private var number = 0

    init(bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    mutating func file() throws(MTorrentError) -> MTorrentFile {
        let first = try text(.tracker)
        guard Endpoint(first) != nil else { throw .malformed(line: number, .tracker) }
        let second = try text(.tracker)
        guard second.isEmpty || Endpoint(second) != nil else {
            throw .malformed(line: number, .tracker)
        }
        let path = try text(.path)
        guard let name = MTorrentFile.name(inPath: path) else {
            throw .malformed(line: number, .path)
        }
        guard let size = decimal(try text(.size)) else { throw .malformed(line: number, .size) }
        let pieces = try hashes()
        let lastHashLine = number
        let extra = try keysAndValues()
        let pieceLength = Int64(extra.pieceLength)
        let expected = size / pieceLength + (size % pieceLength == 0 ? 0 : 1)
        guard expected == Int64(pieces.count / 20) else {
            throw .wrongHashCount(
                line: lastHashLine, expected: expected, actual: pieces.count / 20)
        }
        let info = try MTorrentFile.info(name, size, extra.pieceLength, pieces)
        if let named = extra.infoHash, named.value != info.infoHash {
            throw .wrongInfoHash(line: named.line)
        }
        return MTorrentFile(
            trackers: second.isEmpty ? [first] : [first, second], path: path, info: info,
            hasInfoHash: extra.infoHash != nil)
    }

    /// The piece hashes, 20 bytes each, checked against the combined one that ends them.
    private mutating func hashes() throws(MTorrentError) -> [UInt8] {
        var pieces: [UInt8] = []
        var combined = SHA1Hasher()
        var pending: Range<Int>?
        while let range = peekLine(), let digest = digest(range) {
            if let previous = pending {
                combined.update(UnsafeRawBufferPointer(rebasing: bytes[previous]))
            }
            digest.withBytes { pieces.append(contentsOf: $0) }
            pending = range
            skipLine()
        }
        guard pending != nil else {
            throw peekLine() == nil
                ? .missing(line: number + 1, .hash) : .malformed(line: number + 1, .hash)
        }
        let last = Array(pieces.suffix(20))
        pieces.removeLast(20)
        guard combined.finalize().bytes == last else { throw .wrongCombinedHash(line: number) }
        return pieces
    }

    private mutating func keysAndValues() throws(MTorrentError) -> (
        pieceLength: Int, infoHash: (line: Int, value: InfoHash)?
    ) {
        var pieceLength: Int?
        var infoHash: (line: Int, value: InfoHash)?
        while peekLine() != nil {
            let line = try text(.keyAndValue)
            if line.isEmpty && isAtBlankEnd { break }
            let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw .malformed(line: number, .keyAndValue)
            }
            switch parts[0] {
            case "piece_length":
                guard pieceLength == nil else { throw .repeatedKey(line: number, "piece_length") }
                guard let value = decimal(parts[1]),
                    (1...Int64(Info.maxPieceLength)).contains(value)
                else { throw .malformed(line: number, .pieceLength) }
                pieceLength = Int(value)
            case "info_hash":
                guard infoHash == nil else { throw .repeatedKey(line: number, "info_hash") }
                guard let value = InfoHash(hex: parts[1]) else {
                    throw .malformed(line: number, .infoHash)
                }
                infoHash = (number, value)
            default:
                // Lines that later versions may add.
                break
            }
        }
        return (pieceLength ?? MTorrentFile.defaultPieceLength, infoHash)
    }

    /// Whether nothing but ends of lines is left.
    private var isAtBlankEnd: Bool {
        bytes[position...].allSatisfy { $0 == 0x0a || $0 == 0x0d }
    }

    private mutating func text(_ field: Field) throws(MTorrentError) -> String {
        guard let range = peekLine() else { throw .missing(line: number + 1, field) }
        skipLine()
        guard let text = String(validating: bytes[range], as: UTF8.self) else {
            throw .malformed(line: number, field)
        }
        return text
    }

    /// Where the next line lies, without its end; nil when there is none.
    private func peekLine() -> Range<Int>? {
        guard position < bytes.count else { return nil }
        var end = bytes[position...].firstIndex(of: 0x0a) ?? bytes.count
        if end > position && bytes[end - 1] == 0x0d { end -= 1 }
        return position..<end
    }

    private mutating func skipLine() {
        let end = bytes[position...].firstIndex(of: 0x0a) ?? bytes.count - 1
        position = end + 1
        number += 1
    }

    /// The number written in decimal digits, without a sign; nil for anything else.
    private func decimal(_ text: some StringProtocol) -> Int64? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(text) : nil
    }

    private func digest(_ range: Range<Int>) -> SHA1Digest? {
        guard range.count == 40 else { return nil }
        return SHA1Digest(hexDigits: UnsafeRawBufferPointer(rebasing: bytes[range]))
    }
}

extension SHA1Digest {
    /// The digest of 40 hexadecimal digits as bytes; nil if there is anything but digits.
    fileprivate init?(hexDigits: UnsafeRawBufferPointer) {
        let digest: SHA1Digest? = withUnsafeTemporaryAllocation(byteCount: 20, alignment: 8) {
            output in
            for index in 0..<20 {
                guard let high = Hex.value(of: hexDigits[2 * index]),
                    let low = Hex.value(of: hexDigits[2 * index + 1])
                else { return nil }
                output[index] = high << 4 | low
            }
            return SHA1Digest(loading: UnsafeRawBufferPointer(output))
        }
        guard let digest else { return nil }
        self = digest
    }
}
