import PeerCore
import Reactor
import Wire

/// What is known of a file that is served.
struct FileWatch {
    /// When it was last found to be what was hashed.
    var checkedAt: Instant
    /// Workers that read parts of it from the disk.
    var readerCount = 0
    /// Until then its reads are left to workers: pages that are still being read in look like
    /// pages that are there.
    var coldUntil = Instant(nanoseconds: .min / 2)
}

/// Bytes that aren't in memory. The loop never waits for a disk: it asks the system whether a run's
/// pages are there, and has a worker read in those that aren't.
extension Torrent {
    /// A file that is served is compared with what was hashed this often.
    private static let checkInterval: Duration = .seconds(1)
    /// A file that had to be read from the disk counts as cold for so long.
    private static let coldInterval: Duration = .seconds(1)
    /// Reads of one torrent at a time, so that a slow disk leaves workers to the others.
    private static let maxReads = 2

    enum Readiness {
        /// The bytes are in memory, in these files.
        case ready(OpenFiles)
        /// These files aren't open, or it is time to look whether they are what they were.
        case stale(Set<ContentLayout.Place>)
        /// A worker has to read the bytes, from the disk where they lie in these files.
        case cold(Set<ContentLayout.Place>)
    }

    /// How far the bytes of blocks are from being sent.
    func readiness(of blocks: [BlockRequest]) -> Readiness {
        var files = OpenFiles()
        var stale: Set<ContentLayout.Place> = []
        var cold: Set<ContentLayout.Place> = []
        var isSuspect = false
        let now = node.now
        forEachExtent(of: blocks) { extent in
            let place = extent.place
            guard let watch = watches[place],
                watch.checkedAt.advanced(by: Self.checkInterval) >= now,
                let file = files[place] ?? content.openFile(place)
            else {
                stale.insert(place)
                return
            }
            if !file.isCached(offset: extent.offset, length: extent.length) {
                cold.insert(place)
            } else if watch.readerCount > 0 || watch.coldUntil > now {
                isSuspect = true
            }
            if files[place] == nil { files.add(file, at: place) }
        }
        if !stale.isEmpty { return .stale(stale) }
        return cold.isEmpty && !isSuspect ? .ready(files) : .cold(cold)
    }

    /// Parts of files that blocks lie in, neighbours joined; pads left out.
    private func forEachExtent(of blocks: [BlockRequest], _ body: (FileExtent) -> Void) {
        let layout = content.layout
        var last: FileExtent?
        blocks.forEachStretch { stretch in
            layout.forEachSpan(of: stretch.range(in: info)) { span in
                if span.place == .pad || last?.extend(by: span) == true { return }
                if let last { body(last) }
                last = FileExtent(span)
            }
        }
        if let last { body(last) }
    }

    /// Sends what waits for a connection once its bytes are in memory.
    func awaitBytes(for connection: PeerConnection) {
        guard !connection.awaitsBytes else { return }
        connection.awaitsBytes = true
        awaitingBytes.append(connection.id)
        serveWaiting()
    }

    /// Sends what has come into memory, in the order in which it was asked for, and gives work to
    /// the workers, as much as a torrent may.
    private func serveWaiting() {
        while let id = awaitingBytes.first {
            guard let connection = connections[id] else {
                _ = awaitingBytes.removeFirst()
                continue
            }
            switch readiness(of: connection.waiting) {
            case .ready(let files):
                connection.awaitsBytes = false
                send(connection.takeWaiting(), from: files, on: connection)
            case .stale(let places):
                // Done in a moment mostly; then all who wait are looked at again.
                return check(places)
            case .cold(let places):
                guard readCount < Self.maxReads else { return }
                read(for: connection, places)
            }
            _ = awaitingBytes.removeFirst()
        }
    }

    // MARK: Workers

    /// Has a worker open files and see whether they are what they were.
    private func check(_ places: Set<ContentLayout.Place>) {
        guard !isChecking else { return }
        isChecking = true
        let content = content
        node.readers.run {
            for place in places {
                guard content.isUnchanged(place, try content.open(place)) else {
                    throw content.changed(place)
                }
            }
        } then: { [self] result in
            isChecking = false
            guard isRunning else { return }
            if case .failure(let error) = result { return fail(CommandError(wrapping: error)) }
            // The content may have moved to its place meanwhile, and is asked again then.
            if self.content === content {
                for place in places {
                    watches[place, default: FileWatch(checkedAt: node.now)].checkedAt = node.now
                }
            }
            serveWaiting()
            settle()
        }
    }

    /// Has a worker read in what waits for a connection.
    /// - Parameter places: the files that are known not to be in memory.
    private func read(for connection: PeerConnection, _ places: Set<ContentLayout.Place>) {
        var extents: [FileExtent] = []
        forEachExtent(of: connection.waiting) { extents.append($0) }
        let (id, blocks) = (connection.id, connection.takeWaiting())
        connection.isReading = true
        readCount += 1
        for place in places { watches[place]?.readerCount += 1 }
        let reader = FileReader(content: content, extents: extents)
        node.readers.run {
            try reader.read()
        } then: { [self] result in
            readCount -= 1
            for place in places { watches[place]?.readerCount -= 1 }
            guard isRunning else { return }
            switch result {
            case .failure(let error): return fail(CommandError(wrapping: error))
            case .success(let outcome):
                let until = node.now.advanced(by: Self.coldInterval)
                for file in outcome.files.all where outcome.wasCold {
                    watches[file.place]?.coldUntil = until
                }
                if let connection = connections[id] {
                    connection.isReading = false
                    connection.awaitsBytes = false
                    send(blocks, from: outcome.files, on: connection)
                    if !connection.waiting.isEmpty { awaitBytes(for: connection) }
                }
            }
            serveWaiting()
            settle()
        }
    }

    /// A stream found a file shorter than it was, or unreadable: its connection has ended, and a
    /// worker finds out which file it was.
    func fileBroke() {
        guard isRunning else { return }
        let (content, places) = (content, Set(watches.keys))
        node.readers.run {
            for place in places {
                guard content.isUnchanged(place, try content.open(place)) else {
                    throw content.changed(place)
                }
            }
        } then: { [self] result in
            if case .failure(let error) = result { fail(CommandError(wrapping: error)) }
        }
    }
}
