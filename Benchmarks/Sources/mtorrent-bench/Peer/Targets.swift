import Foundation

/// What the peer is to reach beside the others of the same run.
struct Target {
    let what: String
    /// As measured, and the bound that it is held against.
    let figure: Double
    let bound: Double
    var digits = 2
    /// Whether the figure has to be at least the bound; else at most.
    var isLeast = false

    var row: String {
        let isReached = isLeast ? figure >= bound : figure <= bound
        let verdict = figure.isNaN ? "not measured" : isReached ? "reached" : "**falls short**"
        let relation = isLeast ? "at least" : "at most"
        return "| \(what) | \(fixed(figure, digits)) | \(relation) \(fixed(bound, digits)) | "
            + "\(verdict) |"
    }
}

func targetTable(_ targets: [Target]) -> String {
    targets.isEmpty
        ? ""
        : """

        ### Targets

        | | measured | wanted | |
        |---|---|---|---|
        \(targets.map(\.row).joined(separator: "\n"))

        """
}

private let rivals = ["libtorrent, tuned", "libtorrent, defaults", "qBittorrent", "rtorrent"]

func sealedTargets(_ cells: [Serving.Key: Serving.Cell], counts: [Int]) -> [Target] {
    func cost(_ client: String, _ count: Int) -> Double {
        cells[Serving.Key(client: client, leechers: count)]?.figure { $0.served.serverCpuPerGib }
            ?? .nan
    }
    return counts.map { count in
        Target(
            what: "serving \(count) over TLS: CPU / libtorrent's without",
            figure: cost(SealedPeer().name, count)
                / cost(LibTorrent(isTuned: true).name, count), bound: 1)
    }
}

func servingTargets(_ cells: [Serving.Key: Serving.Cell], counts: [Int]) -> [Target] {
    func figure(
        _ client: String, _ count: Int, _ value: (Generators.Served) -> Double
    ) -> Double {
        cells[Serving.Key(client: client, leechers: count)]?.figure { value($0.served) } ?? .nan
    }
    func best(_ clients: [String], _ of: (String) -> Double, _ choose: ([Double]) -> Double?)
        -> Double
    {
        choose(clients.map(of).filter { !$0.isNaN && $0 > 0 }) ?? .nan
    }
    let ours = OurPeer().name
    let ourRuns = OurPeer(requestBytes: 1 << 20).name
    let together = [CServer.Answer.gathered, .corked].map(\.rawValue)
    return counts.flatMap { count in
        let cheapest = best(rivals, { figure($0, count, \.serverCpuPerGib) }, { $0.min() })
        let limit = best(together, { figure($0, count, \.mibPerSecond) }, { $0.max() })
        let ranges = figure(CServer.Answer.ranges.rawValue, count, \.mibPerSecond)
        let least = figure(ours, count) { Double($0.leastBytes) / Double(max($0.medianBytes, 1)) }
        return [
            Target(
                what: "serving \(count): CPU / the cheapest other client",
                figure: figure(ours, count, \.serverCpuPerGib) / cheapest, bound: 0.55),
            Target(
                what: "serving \(count): rate / C that answers together",
                figure: figure(ours, count, \.mibPerSecond) / limit, bound: 0.75, isLeast: true),
            Target(
                what: "serving \(count): runs of 1 MiB, rate / C with sendfile of ranges",
                figure: figure(ourRuns, count, \.mibPerSecond) / ranges, bound: 0.9,
                isLeast: true),
            Target(
                what: "serving \(count): leechers served",
                figure: figure(ours, count) { Double($0.served) }, bound: Double(count),
                digits: 0, isLeast: true),
            Target(
                what: "serving \(count): least / median bytes of a leecher", figure: least,
                bound: 0.25, isLeast: true),
        ]
    }
}

func downloadTargets(
    _ cells: [Downloading.Key: Downloading.Cell], counts: [Int], size: Int
) -> [Target] {
    let others = rivals + ["aria2", "transmission"]
    func figure(
        _ client: String, _ count: Int, _ value: (Downloading.Sample) -> Double
    ) -> Double {
        let key = Downloading.Key(client: client, sharers: count, core: .any)
        return median(cells[key]?.samples.map(value) ?? [])
    }
    func least(_ count: Int, _ value: (Downloading.Sample) -> Double) -> Double {
        others.map { figure($0, count, value) }.filter { !$0.isNaN }.min() ?? .nan
    }
    let ours = OurDownload(verify: "pieces").name
    return counts.flatMap { count in
        [
            Target(
                what: "downloading from \(count): time / the fastest other client",
                figure: figure(ours, count, \.transfer) / least(count, \.transfer), bound: 0.8),
            Target(
                what: "downloading from \(count): CPU / the cheapest other client",
                figure: figure(ours, count, \.processorSeconds)
                    / least(count, \.processorSeconds), bound: 0.9),
            Target(
                what: "downloading from \(count): % of bytes that came twice",
                figure: figure(ours, count) { Double($0.duplicates) / Double(size) * 100 },
                bound: 0.1),
        ]
    }
}

func memoryTargets(_ samples: [IdleCrowd.Sample]) -> [Target] {
    samples.filter { $0.client == OurPeer().name }.flatMap { sample in
        [
            Target(
                what: "bytes for each of \(sample.connected) idle leechers",
                figure: sample.bytesEach, bound: 4096, digits: 0),
            Target(
                what: "MiB resident with \(sample.served) active leechers, page cache aside",
                figure: sample.residentActive / 1_048_576, bound: 64, digits: 1),
        ]
    }
}

func responsivenessTargets(_ samples: [Responsiveness.Sample]) -> [Target] {
    samples.map {
        Target(
            what: "handshake while serving \($0.leechers), p99 ms", figure: $0.handshakes.p99Ms,
            bound: 5)
    }
}
