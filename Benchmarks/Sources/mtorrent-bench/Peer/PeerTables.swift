import Foundation

func servingTable(
    _ cells: [Serving.Key: Serving.Cell], clients: [any Client], counts: [Int]
) -> String {
    var text = """

        ### Serving: MiB/s (CPU seconds of the server per GiB served)

        | leechers | \(counts.map { "\($0)" }.joined(separator: " | ")) |
        |---|\(String(repeating: "---|", count: counts.count))

        """
    for client in clients {
        let columns = counts.map { count in
            servingText(cells[Serving.Key(client: client.name, leechers: count)], of: count)
        }
        text += "| \(client.name) | \(columns.joined(separator: " | ")) |\n"
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
