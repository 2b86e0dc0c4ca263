import Foundation

/// What `mtorrent-bench peer` measures, as its options say.
struct PeerBenchmark {
    enum Part: String, CaseIterable {
        case serve
    }

    var programs = Programs(folder: ".build/release")
    var parts = Part.allCases
    var mebibytes = 1024
    var runs = 3
    /// Of the window in which a server is measured.
    var seconds = 2.0
    /// Until all leechers have been served.
    var patience = 10.0
    var leechers = [1, 50, 500, 2000]
    /// Only those clients whose names have one of these in them; all if there are none.
    var only: [String] = []
    var isRealtime = false

    static let usage = """
        Usage: mtorrent-bench peer [OPTIONS] [serve ...]

        Measures the peer under load, beside other clients and minimal servers in C, and prints
        Markdown tables.

          --programs DIR    where mtorrent and mtorrent-tracker are (.build/release)
          --quick           one run, fewer and shorter cells
          --runs N          of each cell, in turn; medians are shown (3)
          --size MIB        of the file (1024)
          --leechers N,...  sizes of the crowd (1,50,500,2000)
          --seconds S       of the window in which a server is measured (2)
          --only NAME,...   only clients with such a name
          --realtime        ahead of whatever else runs on this machine (SCHED_RR)

        """

    /// Nil when they aren't understood.
    init?(_ arguments: some Collection<String>) {
        var arguments = Array(arguments)[...]
        var named: [Part] = []
        while let argument = arguments.popFirst() {
            switch argument {
            case "--quick":
                (runs, seconds, patience, leechers) = (1, 1, 5, [1, 50, 500])
                continue
            case "--realtime":
                isRealtime = true
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
        case "--runs": runs = numbers.first ?? 0
        case "--size": mebibytes = numbers.first ?? 0
        default: return false
        }
        return runs > 0 && mebibytes > 0 && seconds > 0 && !leechers.isEmpty
    }

    func run() async throws -> String {
        let scratch = try WorkFolder(bytes: mebibytes << 22)
        let congestion = CongestionControl()
        defer { congestion.restore() }
        let placement = Placement(isRealtime: isRealtime)
        let stage = try await PeerStage(
            programs: programs, placement: placement, folder: scratch.path,
            size: mebibytes << 20)
        defer { stage.tracker.kill() }
        var text = """
            \(Machine.description());
            congestion control \(congestion.inForce); files in \(scratch.kind);
            medians of \(runs) interleaved runs.

            """
        if parts.contains(.serve) {
            let clients = wanted(
                [OurPeer(), OurPeer(requestBytes: 1 << 20)]
                    + [.gathered, .corked, .blockwise, .ranges].map { CServer(answer: $0) })
            let serving = Serving(
                stage: stage, clients: clients, counts: leechers, runs: runs, seconds: seconds,
                patience: patience)
            let cells = try await serving.run()
            text += servingTable(cells, clients: clients, counts: leechers)
        }
        return text
    }

    private func wanted(_ clients: [any Client]) -> [any Client] {
        only.isEmpty
            ? clients : clients.filter { client in only.contains { client.name.contains($0) } }
    }
}
