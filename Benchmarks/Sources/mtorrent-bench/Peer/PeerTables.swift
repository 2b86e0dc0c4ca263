import Foundation

func servingTable(
    _ cells: [Serving.Key: Serving.Cell], names: [String], counts: [Int]
) -> String {
    var text = """

        ### Serving: MiB/s (CPU seconds of the server per GiB served)

        | leechers | \(counts.map { "\($0)" }.joined(separator: " | ")) |
        |---|\(String(repeating: "---|", count: counts.count))

        """
    for name in names {
        let columns = counts.map { count in
            servingText(cells[Serving.Key(client: name, leechers: count)], of: count)
        }
        text += "| \(name) | \(columns.joined(separator: " | ")) |\n"
    }
    return text + crowdTable(cells, names: names, count: counts.last ?? 0)
}

/// What the largest crowd cost and got.
private func crowdTable(
    _ cells: [Serving.Key: Serving.Cell], names: [String], count: Int
) -> String {
    var text = """

        With \(count) leechers:

        | | peak resident MiB | anonymous bytes for each | least MiB of a leecher | median MiB |
        |---|---|---|---|---|

        """
    for name in names {
        guard let cell = cells[Serving.Key(client: name, leechers: count)], !cell.samples.isEmpty
        else { continue }
        let columns = [
            cell.figure { Double($0.served.serverPeakBytes) / 1_048_576 },
            cell.figure {
                Double($0.served.serverAnonymousBytes - $0.anonymousBefore)
                    / Double(max($0.served.connected, 1))
            },
            cell.figure { Double($0.served.leastBytes) / 1_048_576 },
            cell.figure { Double($0.served.medianBytes) / 1_048_576 },
        ]
        let digits = [0, 0, 2, 2]
        let texts = zip(columns, digits).map { fixed($0, $1) }
        text += "| \(name) | \(texts.joined(separator: " | ")) |\n"
    }
    return text
}

private func servingText(_ cell: Serving.Cell?, of count: Int) -> String {
    guard let cell, !cell.samples.isEmpty else { return cell?.remark ?? "–" }
    let rate = cell.figure { $0.served.mibPerSecond }
    let cost = cell.figure { $0.served.serverCpuPerGib }
    let served = Int(cell.figure { Double($0.served.served) })
    var text = "\(fixed(rate, 0)) (\(fixed(cost, 2)))"
    if served < count { text += ", \(served) of \(count) served" }
    return text
}

func downloadTable(
    _ cells: [Downloading.Key: Downloading.Cell], names: [String], counts: [Int], core: Core
) -> String {
    let place = core == .any ? "on all cores" : "on one core"
    var text = """

        ### Downloading, \(place): seconds (CPU seconds)

        | sharers | \(counts.map { "\($0)" }.joined(separator: " | ")) |
        |---|\(String(repeating: "---|", count: counts.count))

        """
    for name in names {
        let columns = counts.map { count in
            downloadText(cells[Downloading.Key(client: name, sharers: count, core: core)])
        }
        text += "| \(name) | \(columns.joined(separator: " | ")) |\n"
    }
    return text
}

private func downloadText(_ cell: Downloading.Cell?) -> String {
    guard let cell, !cell.samples.isEmpty else { return cell?.remark ?? "–" }
    let transfer = median(cell.samples.map(\.transfer))
    let cost = median(cell.samples.map(\.processorSeconds))
    return "\(fixed(transfer, 2)) (\(fixed(cost, 2)))"
}

func memoryTable(_ samples: [IdleCrowd.Sample]) -> String {
    let rows = samples.map {
        "| \($0.client) | \($0.connected) | \(fixed($0.bytesEach, 0)) | \($0.served) | "
            + "\(fixed($0.residentActive / 1_048_576, 1)) |"
    }
    return """

        ### Memory

        | | idle leechers | bytes each | active leechers | MiB resident, page cache aside |
        |---|---|---|---|---|
        \(rows.joined(separator: "\n"))

        """
}

func responsivenessTable(_ samples: [Responsiveness.Sample]) -> String {
    let rows = samples.map {
        "| \($0.leechers) | \(fixed($0.handshakes.p50Ms, 2)) | \(fixed($0.handshakes.p99Ms, 2)) | "
            + "\($0.handshakes.tried - $0.handshakes.answered) of \($0.handshakes.tried) | "
            + "\(fixed($0.shellMedian, 1)) | \(fixed($0.shellMost, 1)) |"
    }
    return """

        ### While it serves: milliseconds until a new connection's handshake, or a command, is answered

        | leechers | handshake p50 | p99 | unanswered | `show_downloads`, median | most |
        |---|---|---|---|---|---|
        \(rows.joined(separator: "\n"))

        """
}

func streamsTable(_ samples: [Int: [Streams.Sample]]) -> String {
    let counts = samples.keys.sorted()
    let columns = counts.map { count -> String in
        let all = samples[count] ?? []
        let cost = fixed(median(all.map(\.cpuPerGib)), 2)
        return "\(fixed(median(all.map(\.mibPerSecond)), 0)) (\(cost))"
    }
    return """

        iperf3, \(counts.map { "\($0)" }.joined(separator: " and ")) streams: \
        \(columns.joined(separator: ", ")).

        """
}
