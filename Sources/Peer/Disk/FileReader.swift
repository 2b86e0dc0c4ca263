import Glibc
import Reactor

/// A stretch of one file.
struct FileExtent: Sendable {
    let place: ContentLayout.Place
    /// In the file, in bytes.
    let offset: Int64
    private(set) var length: Int

    init(_ span: ContentLayout.Span) {
        place = span.place
        offset = span.offset
        length = span.length
    }

    var end: Int64 { offset + Int64(length) }

    /// Whether the span goes on where this ends; then it is part of it now.
    mutating func extend(by span: ContentLayout.Span) -> Bool {
        guard span.place == place, span.offset == end else { return false }
        length += span.length
        return true
    }
}

/// Reads stretches of files from the disk into the system's page cache; on a worker.
struct FileReader: Sendable {
    struct Outcome: Sendable {
        var files = OpenFiles()
        /// Whether anybody had to wait for a disk.
        var wasCold = false
    }

    let content: any Content
    let extents: [FileExtent]

    /// What is likely to be asked for next is read in too, but nobody waits for it.
    private static let readAhead = 4 << 20
    private static let bufferSize = 128 << 10
    /// Memory is read in less; what takes longer had to be waited for.
    private static let patience: Duration = .milliseconds(5)

    func read() throws(CommandError) -> Outcome {
        var outcome = Outcome()
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.bufferSize, alignment: 64)
        defer { buffer.deallocate() }
        for extent in extents {
            let start = ContinuousClock.now
            let file = try content.open(extent.place)
            if outcome.files[extent.place] == nil { outcome.files.add(file, at: extent.place) }
            let wasCached = file.isCached(offset: extent.offset, length: extent.length)
            try read(extent, of: file, into: buffer)
            if !wasCached || ContinuousClock.now - start > Self.patience {
                outcome.wasCold = true
                file.readAhead(offset: extent.end, length: Self.readAhead)
            }
        }
        return outcome
    }

    private func read(
        _ extent: FileExtent, of file: SharedFile, into buffer: UnsafeMutableRawBufferPointer
    ) throws(CommandError) {
        var offset = extent.offset
        while offset < extent.end {
            let wanted = min(buffer.count, Int(extent.end - offset))
            let got = pread(file.descriptor, buffer.baseAddress, wanted, off_t(offset))
            if got < 0 {
                if errno == EINTR { continue }
                throw DiskFile.failure("reading", content.path(of: extent.place), errno)
            }
            guard got > 0 else { throw content.changed(extent.place) }
            offset += Int64(got)
        }
    }
}
