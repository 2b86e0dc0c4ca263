import Foundation

/// What `mtorrent-bench peer` measures, as its options say.
struct PeerBenchmark {
    enum Part: String, CaseIterable {
        case serve
        case seal
        case download
        case memory
        case respond
    }

    var programs = Programs(folder: ".build/release")
    var parts: [Part] = [.serve, .download, .memory, .respond]
    var mebibytes = 1024
    var runs = 3
    /// Of the window in which a server is measured.
    var seconds = 2.0
    /// Until all leechers have been served.
    var patience = 10.0
    var leechers = [1, 50, 500, 2000]
    var sharers = [1, 8, 50]
    var isQuick = false
    var cores: [Core] = [.any, .first]
    /// Only those clients whose names have one of these in them; all if there are none.
    var only: [String] = []

    static let usage = """
        Usage: mtorrent-bench peer [OPTIONS] [serve|download|memory|respond|seal ...]

        Measures the peer under load, beside other clients and minimal servers in C, and prints
        Markdown tables. `seal` is serving over TLS beside serving without, and is left out unless
        named. On a machine that has other work, `chrt --rr 20` before it keeps that away.

          --programs DIR    where mtorrent and mtorrent-tracker are (.build/release)
          --quick           one run, fewer and shorter cells
          --runs N          of each cell, in turn; medians are shown (3)
          --size MIB        of the file (1024)
          --leechers N,...  sizes of the crowd (1,50,500,2000)
          --sharers N,...   how many a download comes from (1,8,50)
          --seconds S       of the window in which a server is measured (2)
          --only NAME,...   only clients with such a name

        """

    /// Nil when they aren't understood.
    init?(_ arguments: some Collection<String>) {
        var arguments = Array(arguments)[...]
        var named: [Part] = []
        while let argument = arguments.popFirst() {
            switch argument {
            case "--quick":
                (runs, seconds, patience) = (1, 1, 5)
                (leechers, sharers, cores) = ([50], [8], [.any])
                isQuick = true
                continue
            default: break
            }
            if let part = Part(rawValue: argument) {
                named.append(part)
                continue
            }
            guard let value = arguments.popFirst(), take(argument, value) else { return nil }
        }
        if !named.isEmpty { parts = named }
    }

    private mutating func take(_ name: String, _ value: String) -> Bool {
        let numbers = value.split(separator: ",").compactMap { Int($0) }.filter { $0 > 0 }
        switch name {
        case "--programs": programs = Programs(folder: value)
        case "--only": only = value.split(separator: ",").map(String.init)
        case "--seconds": seconds = Double(value) ?? 0
        case "--leechers": leechers = numbers
        case "--sharers": sharers = numbers
        case "--runs": runs = numbers.first ?? 0
        case "--size": mebibytes = numbers.first ?? 0
        default: return false
        }
        return runs > 0 && mebibytes > 0 && seconds > 0 && !leechers.isEmpty && !sharers.isEmpty
    }

    func run() async throws -> String {
        let scratch = try WorkFolder(bytes: mebibytes << 22)
        let congestion = CongestionControl()
        defer { congestion.restore() }
        let placement = Placement()
        let stage = try await PeerStage(
            programs: programs, placement: placement, folder: scratch.path,
            size: mebibytes << 20)
        defer { stage.end() }
        var text = """
            \(Machine.description());
            congestion control \(congestion.inForce); files in \(scratch.kind);
            medians of \(runs) interleaved runs.

            """
        var targets: [Target] = []
        for part in Part.allCases where parts.contains(part) {
            let (table, wanted) = try await measure(part, stage)
            text += table
            targets += wanted
        }
        return text + targetTable(targets)
    }

    /// The tables of a part, and what was wanted.
    private func measure(_ part: Part, _ stage: PeerStage) async throws -> (String, [Target]) {
        switch part {
        case .serve: return try await serve(stage)
        case .seal: return try await seal(stage)
        case .download: return try await download(stage)
        case .memory:
            let others: [any Client] = [LibTorrent(isTuned: true), QBittorrent(), RTorrent()]
            let clients: [any Client] = [OurPeer()] + (isQuick ? [] : others)
            let crowd = IdleCrowd(
                stage: stage, clients: clients.filter { isWanted($0.name) },
                leechers: 2000)
            let samples = await crowd.run()
            return (memoryTable(samples), memoryTargets(samples))
        case .respond:
            let samples = try await Responsiveness(
                stage: stage, counts: leechers, seconds: seconds * 2
            ).run()
            return (responsivenessTable(samples), responsivenessTargets(samples))
        }
    }

    private static let others: [any Client & Downloader] = [
        LibTorrent(isTuned: true), LibTorrent(), QBittorrent(), RTorrent(), Transmission(),
        Aria2(),
    ]

    private func serve(_ stage: PeerStage) async throws -> (String, [Target]) {
        let limits: [CServer.Answer] = [.gathered, .corked, .blockwise, .ranges]
        let all: [any Client] =
            [OurPeer(), OurPeer(requestBytes: 1 << 20)] + Self.others
            + limits.map { CServer(answer: $0) }
        let clients = all.filter { isWanted($0.name) }
        let serving = Serving(
            stage: stage, clients: clients, counts: leechers, runs: runs, seconds: seconds,
            patience: patience)
        let cells = try await serving.run()
        var table = servingTable(cells, names: clients.map(\.name), counts: leechers)
        if isWanted("iperf3") { table += streamsTable(try await streams(stage)) }
        return (table, servingTargets(cells, counts: leechers))
    }

    /// Over TLS and without, beside libtorrent's serving without.
    private func seal(_ stage: PeerStage) async throws -> (String, [Target]) {
        let clients: [any Client] = [OurPeer(), SealedPeer(), LibTorrent(isTuned: true)]
        let serving = Serving(
            stage: stage, clients: clients.filter { isWanted($0.name) }, counts: leechers,
            runs: runs, seconds: seconds, patience: patience)
        let cells = try await serving.run()
        let names = serving.clients.map(\.name)
        return (
            servingTable(cells, names: names, counts: leechers),
            sealedTargets(cells, counts: leechers)
        )
    }

    private func streams(_ stage: PeerStage) async throws -> [Int: [Streams.Sample]] {
        var samples: [Int: [Streams.Sample]] = [:]
        let streams = Streams(placement: stage.placement, seconds: seconds)
        for _ in 0..<runs {
            for count in [1, 50] {
                samples[count, default: []].append(try await streams.measure(count))
            }
        }
        return samples
    }

    private func download(_ stage: PeerStage) async throws -> (String, [Target]) {
        let ours = [
            OurDownload(), OurDownload(verify: "pieces"),
            OurDownload(verify: "pieces", maxBlock: 1 << 20),
        ]
        let all: [any Downloader] = ours + Self.others + [CReceiver()]
        let clients = all.filter { isWanted($0.name) }
        let downloading = Downloading(
            stage: stage, clients: clients, counts: sharers, cores: cores, onOneCore: onOneCore,
            runs: runs)
        let cells = try await downloading.run()
        let tables = cores.map { core in
            downloadTable(
                cells, names: clients.map(\.name),
                counts: sharers.filter { core == .any || $0 == onOneCore }, core: core)
        }
        let targets = downloadTargets(cells, counts: sharers, size: mebibytes << 20)
        return (tables.joined(), targets)
    }

    /// With one core all crowds of sharers look alike: one of them is enough.
    private var onOneCore: Int { sharers.contains(8) ? 8 : sharers[0] }

    private func isWanted(_ name: String) -> Bool {
        // transmission takes half a minute for a cell.
        if isQuick, only.isEmpty { return name != Transmission().name }
        return only.isEmpty || only.contains { name.contains($0) }
    }
}
