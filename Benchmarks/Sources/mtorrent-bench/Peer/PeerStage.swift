import Foundation
import Synchronization

/// What all runs have in common: a tracker, a group with a file in it, two accounts, and the same
/// torrent for other clients.
final class PeerStage: Sendable {
    let programs: Programs
    let placement: Placement
    let generators: Generators
    let folder: String
    let size: Int
    private let tracker: Mutex<ChildProcess>
    let trackerAddress: String
    let torrent: TorrentFile
    /// With the announce address of who downloads.
    let downloaderTorrent: String
    /// For those that share, with the address of a tracker that isn't there: leechers come by
    /// themselves, and rtorrent takes no torrent without a tracker.
    let sharerTorrent: String

    static let group = "bench"
    static let file = "bench.bin"

    /// The file that is shared, and the state of our own peer that shares it.
    var original: String { folder + "/seed/" + Self.file }
    var sharerState: String { folder + "/state-alice" }

    init(programs: Programs, placement: Placement, folder: String, size: Int) async throws {
        (self.programs, self.placement, self.folder, self.size) =
            (programs, placement, folder, size)
        generators = Generators(placement: placement)
        let manager = FileManager.default
        try manager.createDirectory(
            atPath: folder + "/seed", withIntermediateDirectories: true)
        try TestBytes.write(to: folder + "/seed/" + Self.file, size: size, seed: 1)
        let (process, address) = try await Self.startTracker(programs, folder, "127.0.0.1:0")
        tracker = Mutex(process)
        trackerAddress = address
        downloaderTorrent = folder + "/bob.torrent"
        sharerTorrent = folder + "/plain.torrent"
        torrent = try await Self.share(programs, trackerAddress, folder)
        try torrent.withDeadTracker.write(to: URL(fileURLWithPath: sharerTorrent))
    }

    private static func startTracker(
        _ programs: Programs, _ folder: String, _ address: String
    ) async throws -> (ChildProcess, String) {
        // Whoever has announced once is known for as long as a run takes.
        let process = try ChildProcess(
            programs.tracker,
            [
                "--announce-interval", "1h", "--swarm-log", "off",
                "--data-dir", folder + "/tracker", address,
            ])
        let line = try await process.line("the tracker's address") { $0.contains("listening on") }
        return (process, String(line.split(separator: " ").last ?? ""))
    }

    /// Starts the tracker again: it has forgotten the clients of earlier runs, which didn't all
    /// take their leave.
    func forgetClients() async throws {
        tracker.withLock { $0.kill() }
        let (process, _) = try await Self.startTracker(programs, folder, trackerAddress)
        tracker.withLock { $0 = process }
    }

    func end() {
        tracker.withLock { $0.kill() }
    }

    /// Alice shares the file, Bob becomes a member; both have their torrents exported.
    private static func share(
        _ programs: Programs, _ tracker: String, _ folder: String
    ) async throws -> TorrentFile {
        let alice = try await Shell(
            programs, tracker: tracker, folder: folder + "/state-alice", port: try freePort())
        let bob = try await Shell(
            programs, tracker: tracker, folder: folder + "/state-bob", port: try freePort())
        for (shell, user) in [(alice, "alice"), (bob, "bob")] {
            try await shell("create_user \(user) \(user)-secret")
            try await shell("login \(user) \(user)-secret")
        }
        try await alice("create_group \(group) open")
        try await alice("upload_file \(folder)/seed/\(file) \(group)", within: .seconds(300))
        try await bob("join_group \(group)")
        try await alice("accept_request \(group) bob")
        try await bob("export \(group) \(file) \(folder)/bob.torrent")
        let facts = try await bob("file_info \(group) \(file)")
        try await bob.quit()
        try await alice.quit()
        return try TorrentFile(path: folder + "/bob.torrent", facts: facts)
    }

    /// What every generator has to know.
    /// - Parameter infoHash: nil is the open group's.
    func torrentOptions(infoHash: String? = nil) -> [String] {
        .option("info-hash", infoHash ?? torrent.infoHash) + .option("bytes", size)
            + .option("piece", torrent.pieceLength)
    }

    /// Waits until a handshake for the torrent is answered at the port.
    /// - Parameter asking: what the visitor has to know; nil for the open group.
    func answers(
        at port: UInt16, asking: [String]? = nil, within limit: Duration = .seconds(30)
    ) async throws {
        let visitor = try generators.start(
            "leechers",
            ["--idle"] + (asking ?? torrentOptions()) + .option("to", "127.0.0.1:\(port)")
                + .option("settle", seconds(limit)))
        defer { visitor.kill() }
        let line = try await visitor.line("a visitor's word", within: limit + .seconds(5)) { _ in
            true
        }
        let idle = try generators.decode(Generators.Idle.self, line)
        guard idle.connected == 1 else { throw BenchmarkError("no handshake within \(limit)") }
    }

    /// One leecher takes blocks from the port, as much as the whole file if it gets them soon.
    /// - Parameter patience: until the first block, seconds.
    /// - Returns: whether there was one.
    func visit(
        _ port: UInt16, asking: [String]? = nil, patience: Double
    ) async throws -> Bool {
        let visitor = try generators.start(
            "leechers",
            (asking ?? torrentOptions()) + .option("to", "127.0.0.1:\(port)")
                + .option("settle", patience)
                + .option("seconds", 0.01))
        defer { visitor.kill() }
        _ = try await visitor.end(within: .seconds(patience + 20))
        return try generators.result(Generators.Served.self, of: visitor).served == 1
    }

    /// A crowd that asks for blocks of the server at the port, whose process is measured.
    func crowd(
        _ count: Int, at port: UInt16, of server: ChildProcess, asking: [String]? = nil,
        options: [String]
    ) throws -> ChildProcess {
        try generators.start(
            "leechers",
            (asking ?? torrentOptions()) + .option("to", "127.0.0.1:\(port)")
                + .option("count", count)
                + .option("pid", server.pid) + options)
    }

    /// Tells the tracker that there are sharers with the whole file.
    func announce(_ ports: Range<UInt16>) async throws {
        let addresses = ports.map { port in
            torrent.announce + "?info_hash=\(torrent.escapedInfoHash)&peer_id=-SH0001-"
                + String(format: "%012d", Int(port))
                + "&port=\(port)&left=0&compact=1&numwant=0&event=started"
        }
        let answers = try await finish(
            "curl", ["--silent", "--show-error", "--max-time", "20", "--fail"] + addresses)
        if let refusal = answers.first(where: { $0.contains("failure reason") }) {
            throw BenchmarkError("announce: \(refusal)")
        }
    }
}

/// What the generators and other clients have to know of a torrent that we exported.
struct TorrentFile: Sendable {
    /// 40 hex digits.
    let infoHash: String
    let pieceLength: Int
    /// The announce address with its passkey.
    let announce: String
    /// SHA-1 of each piece, 20 bytes each.
    let pieceHashes: Data
    let withDeadTracker: Data

    /// - Parameter facts: what `file_info` tells.
    init(path: String, facts: [String]) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        // The keys of a dictionary are in order: `info` is the last one.
        guard let info = data.range(of: Data("4:infod".utf8)),
            let announce = Self.string(after: "8:announce", in: data),
            let pieces = Self.string(after: "6:pieces", in: data),
            let key = data.range(of: Data("12:piece lengthi".utf8)),
            let pieceLength = Int(
                String(
                    decoding: data[key.upperBound...].prefix { $0 != UInt8(ascii: "e") },
                    as: UTF8.self)),
            let hash = facts.joined(separator: " ")
                .firstMatch(of: /\binfo_hash\s+([0-9a-f]{40})/)?.1
        else { throw BenchmarkError("\(path): not as expected, or \(facts)") }
        infoHash = String(hash)
        self.pieceLength = pieceLength
        self.announce = String(decoding: announce, as: UTF8.self)
        pieceHashes = pieces
        let dead = "http://127.0.0.1:9/announce"
        withDeadTracker =
            Data("d8:announce\(dead.utf8.count):\(dead)".utf8) + data[info.lowerBound...]
    }

    /// The bencoded string after a key: its length, a colon, its bytes.
    private static func string(after key: String, in data: Data) -> Data? {
        guard let key = data.range(of: Data(key.utf8)),
            let colon = data[key.upperBound...].firstIndex(of: UInt8(ascii: ":")),
            let length = Int(String(decoding: data[key.upperBound..<colon], as: UTF8.self)),
            data.endIndex - colon > length
        else { return nil }
        return Data(data[(colon + 1)...].prefix(length))
    }

    var escapedInfoHash: String {
        stride(from: 0, to: 40, by: 2).map { "%" + infoHash.dropFirst($0).prefix(2) }.joined()
    }
}
