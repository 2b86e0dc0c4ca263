/// One line of `show_downloads` on a pipe.
struct Download {
    /// `D`, `Q`, `P`, `C` or `F`.
    let state: Character
    let group: String
    let name: String
    let percent: String
    /// Bytes.
    let verified: Int
    /// Bytes.
    let size: Int
    let connectedPeers: Int
    /// Bytes by the `IP:PORT` of the peer they came from.
    let sources: [String: Int]
    /// Why it failed; `-` otherwise.
    let reason: String

    var isComplete: Bool { state == "C" }

    var isInTheMiddle: Bool { state == "D" && verified > 0 && verified < size }

    var received: Int { sources.values.reduce(0, +) }

    /// `[D] [group] name`, percent, bytes verified, size, bytes a second, seconds left, peers,
    /// `IP:PORT=BYTES` apart by commas, reason: apart by tabs.
    init?(_ line: String) {
        let columns = line.split(separator: "\t").map(String.init)
        guard columns.count == 9, columns[0].hasPrefix("["), columns[0].dropFirst(2).first == "]",
            columns[0].dropFirst(3).hasPrefix(" ["),
            let end = columns[0].dropFirst(5).firstIndex(of: "]"),
            columns[0][end...].hasPrefix("] "),
            let verified = Int(columns[2]), let size = Int(columns[3]),
            let peers = Int(columns[6])
        else { return nil }
        state = columns[0][columns[0].index(after: columns[0].startIndex)]
        group = String(columns[0].dropFirst(5).prefix(upTo: end))
        name = String(columns[0][end...].dropFirst(2))
        percent = columns[1]
        (self.verified, self.size, connectedPeers) = (verified, size, peers)
        reason = columns[8]
        var sources: [String: Int] = [:]
        for source in columns[7].split(separator: ",") where source != "-" {
            let parts = source.split(separator: "=")
            guard parts.count == 2, let bytes = Int(parts[1]) else { return nil }
            sources[String(parts[0]), default: 0] += bytes
        }
        self.sources = sources
    }
}

extension PeerProcess {
    /// All lines of `show_downloads`, each of which must be understood.
    func downloads() async throws -> [Download] {
        try await self("show_downloads").map { line in
            guard let download = Download(line) else {
                throw CommandFailure(description: "show_downloads says `\(line)`")
            }
            return download
        }
    }

    /// The last download of a file of that name.
    func shownDownload(of file: String) async throws -> Download {
        let all = try await downloads()
        guard let download = all.last(where: { $0.name == file }) else {
            throw CommandFailure(description: "show_downloads doesn't know \(file): \(all)")
        }
        return download
    }

    /// Asks until the download is as wanted.
    @discardableResult
    func download(
        of file: String, within limit: Duration = .seconds(60), becomes isWanted: (Download) -> Bool
    ) async throws -> Download {
        try await eventually(
            "the wanted state of \(file)", within: limit, longestPause: .milliseconds(10),
            context: process.transcript
        ) {
            let download = try await shownDownload(of: file)
            return isWanted(download) ? download : nil
        }
    }

    /// One line of `file_info`, by its name.
    func fact(_ name: String, of file: String, in group: String) async throws -> String {
        let lines = try await self("file_info \(group) \(file)")
        guard let line = lines.first(where: { $0.hasPrefix(name + "\t") }) else {
            throw CommandFailure(description: "no \(name) in \(lines)")
        }
        return String(line.dropFirst(name.count + 1))
    }
}
