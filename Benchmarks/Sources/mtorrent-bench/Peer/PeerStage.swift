import Foundation

/// What all runs have in common: a tracker, a group with a file in it, two accounts, and the same
/// torrent for other clients.
final class PeerStage: Sendable {
    let programs: Programs
    let placement: Placement
    let generators: Generators
    let folder: String
    let size: Int
    let tracker: ChildProcess
    let trackerAddress: String
    let torrent: TorrentFile
    /// With the announce address of who downloads.
    let downloaderTorrent: String
    /// Without any tracker, for those that share: leechers come by themselves.
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
        // Whoever has announced once is known for as long as all of this takes.
        tracker = try ChildProcess(
            programs.tracker,
            ["--announce-interval", "1h", "--data-dir", folder + "/tracker", "127.0.0.1:0"])
        let line = try await tracker.line("the tracker's address") { $0.contains("listening on") }
        trackerAddress = String(line.split(separator: " ").last ?? "")
        downloaderTorrent = folder + "/bob.torrent"
        sharerTorrent = folder + "/plain.torrent"
        torrent = try await Self.share(programs, trackerAddress, folder)
        try torrent.withoutTracker.write(to: URL(fileURLWithPath: sharerTorrent))
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
    var torrentOptions: [String] {
        .option("info-hash", torrent.infoHash) + .option("bytes", size)
            + .option("piece", torrent.pieceLength)
    }

    /// Waits until a handshake for the torrent is answered at the port.
    func answers(at port: UInt16, within limit: Duration = .seconds(30)) async throws {
        let visitor = try generators.start(
            "leechers",
            ["--idle"] + torrentOptions + .option("to", "127.0.0.1:\(port)")
                + .option("settle", seconds(limit)))
        defer { visitor.kill() }
        let line = try await visitor.line("a visitor's word", within: limit + .seconds(5)) { _ in
            true
        }
        let idle = try generators.decode(Generators.Idle.self, line)
        guard idle.connected == 1 else { throw BenchmarkError("no handshake within \(limit)") }
    }

    /// Tells the tracker that there are sharers with the whole file, or that they have gone.
    func announce(_ ports: Range<UInt16>, event: String) async throws {
        let addresses = ports.map { port in
            torrent.announce + "?info_hash=\(torrent.escapedInfoHash)&peer_id=-SH0001-"
                + String(format: "%012d", Int(port))
                + "&port=\(port)&left=0&compact=1&numwant=0&event=\(event)"
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
    let withoutTracker: Data

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
        withoutTracker = Data("d".utf8) + data[info.lowerBound...]
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
