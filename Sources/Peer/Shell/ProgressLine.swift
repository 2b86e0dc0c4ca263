/// One line that tells how far something is: percent, a bar, rate, time to go, peers, name.
package struct ProgressLine: Equatable {
    package let name: String
    package let doneBytes: Int64
    package let totalBytes: Int64
    /// Bytes a second, now.
    package let rate: Double
    /// nil where there are none to speak of: a file being hashed.
    package let peers: Int?

    package init(
        name: String, doneBytes: Int64, totalBytes: Int64, rate: Double, peers: Int?
    ) {
        self.name = name
        self.doneBytes = doneBytes
        self.totalBytes = totalBytes
        self.rate = rate
        self.peers = peers
    }

    /// Several at once told as one: sizes, rates and peers add up, the name is their number.
    package init(adding parts: [ProgressLine]) {
        if parts.count == 1 {
            self = parts[0]
            return
        }
        name = "\(parts.count) downloads"
        doneBytes = parts.reduce(0) { $0 + $1.doneBytes }
        totalBytes = parts.reduce(0) { $0 + $1.totalBytes }
        rate = parts.reduce(0) { $0 + $1.rate }
        peers = parts.reduce(0) { $0 + ($1.peers ?? 0) }
    }

    /// Seconds until the rest is done at this rate; nil when nothing moves.
    package var secondsLeft: Double? {
        if doneBytes >= totalBytes { return 0 }
        return rate >= 1 ? Double(totalBytes - doneBytes) / rate : nil
    }

    /// The line in at most `width - 1` cells: a line that fills its row would wrap on some
    /// terminals. The name goes first where it is narrow, then the bar.
    package func text(width: Int, style: TextStyle) -> String {
        let percent = Quantity.percent(doneBytes, of: totalBytes)
        // Figures keep their width while they change, so that the bar keeps its own.
        let total = Quantity.bytes(totalBytes)
        let done = leftPadded(Quantity.bytes(doneBytes), to: max(8, total.count))
        var figures = [
            "\(done)/\(total)", leftPadded(Quantity.rate(rate), to: 10),
            "ETA " + leftPadded(Quantity.time(seconds: secondsLeft), to: 5),
        ]
        if let peers { figures.append(peers == 1 ? "1 peer" : "\(peers) peers") }
        let head = leftPadded("\(percent)%", to: 4)
        let tail = figures.joined(separator: "  ")
        let room = max(0, width - 1)
        let free = room - DisplayWidth.of(head) - DisplayWidth.of(tail) - 2
        guard free > 0 else {
            return DisplayWidth.truncated(head + "  " + tail, to: room)
        }
        // What is left over goes to the name, up to its length, and to a bar of 10 to 30 cells.
        let nameWidth = min(DisplayWidth.of(name), max(0, free - 2))
        let barRoom = free - nameWidth - 5
        let bar = barRoom >= 10 ? " [" + self.bar(cells: min(30, barRoom), style) + "]" : ""
        let showsName = nameWidth >= min(4, DisplayWidth.of(name))
        let shownName = showsName ? "  " + DisplayWidth.truncated(name, to: nameWidth) : ""
        return head + bar + "  " + tail + shownName
    }

    private func bar(cells: Int, _ style: TextStyle) -> String {
        let fraction = totalBytes > 0 ? Double(doneBytes) / Double(totalBytes) : 1
        let full = Int(Double(cells) * min(1, max(0, fraction)))
        return style.green(String(repeating: "#", count: full))
            + String(repeating: ".", count: cells - full)
    }

    private func leftPadded(_ text: String, to width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
