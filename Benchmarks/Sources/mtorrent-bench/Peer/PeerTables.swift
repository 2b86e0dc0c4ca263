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
