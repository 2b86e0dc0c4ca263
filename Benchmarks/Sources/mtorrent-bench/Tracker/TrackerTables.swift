import Foundation

/// Resident bytes for each stored peer.
struct StoreSample {
    let layout: String
    let contender: TrackerContender
    let bytes: Double
}

private let contenders = TrackerContender.allCases

func announceTables(_ cells: TrackerCells) -> String {
    var text = """

        #### Answers a second (processor microseconds of the server for each)

        | | \(contenders.map(\.rawValue).joined(separator: " | ")) |
        |---|\(String(repeating: "---|", count: contenders.count))

        """
    let measured = TrackerCell.allCases.filter { cells.samples[$0] != nil }
    for cell in measured where !cell.hasLatency {
        let columns = contenders.map { contender in
            let rate = cells.figure(contender, cell, \.perSecond)
            let cost = cells.figure(contender, cell, \.serverMicros)
            return rate.isNaN ? "–" : "\(fixed(rate / 1000, 1))k (\(fixed(cost, 1)))"
        }
        text += "| \(cell.rawValue) | \(columns.joined(separator: " | ")) |\n"
    }
    text += latencyTable(cells, measured.filter(\.hasLatency))
    guard !cells.idleBytes.isEmpty else { return text }
    let idle = contenders.map { fixed(median(cells.idleBytes[$0] ?? []), 0) }
    return text + """

        Bytes of user memory for an idle connection: \(idle.joined(separator: ", ")), in the order
        of the columns.

        """
}

private func latencyTable(_ cells: TrackerCells, _ measured: [TrackerCell]) -> String {
    guard !measured.isEmpty else { return "" }
    var text = """

        #### Microseconds until an answer, p50 and p99

        | | \(contenders.map(\.rawValue).joined(separator: " | ")) |
        |---|\(String(repeating: "---|", count: contenders.count))

        """
    for cell in measured {
        let columns = contenders.map { contender in
            let (p50, p99) = (
                cells.figure(contender, cell, \.p50), cells.figure(contender, cell, \.p99)
            )
            return p50.isNaN ? "–" : "\(fixed(p50, 0)), \(fixed(p99, 0))"
        }
        text += "| \(cell.rawValue) | \(columns.joined(separator: " | ")) |\n"
    }
    return text
}

func announceTargets(_ cells: TrackerCells) -> [Target] {
    func rate(_ contender: TrackerContender, _ cell: TrackerCell) -> Double {
        cells.figure(contender, cell, \.perSecond)
    }
    func cost(_ contender: TrackerContender, _ cell: TrackerCell) -> Double {
        cells.figure(contender, cell, \.serverMicros)
    }
    func ratio(
        _ cell: TrackerCell, _ other: TrackerContender,
        _ value: (TrackerContender, TrackerCell) -> Double
    ) -> Double { value(.ours, cell) / value(other, cell) }
    let p99 = ratio(.udpFixed, .opentracker) { cells.figure($0, $1, \.p99) }
    var targets = [
        Target(
            what: "UDP announces: rate / opentracker", figure: ratio(.udp, .opentracker, rate),
            bound: 1.15, isLeast: true),
        Target(
            what: "UDP announces: CPU / opentracker", figure: ratio(.udp, .opentracker, cost),
            bound: 1),
        Target(
            what: "UDP scrapes of 30: rate / opentracker",
            figure: ratio(.scrape, .opentracker, rate), bound: 1.5, isLeast: true),
        Target(what: "UDP announces at 50,000/s: p99 / opentracker", figure: p99, bound: 1),
        Target(
            what: "HTTP, kept connections: rate / C", figure: ratio(.kept, .limit, rate),
            bound: 0.8, isLeast: true),
        Target(
            what: "HTTP, a connection each: CPU / opentracker",
            figure: ratio(.closed, .opentracker, cost), bound: 1.1),
    ]
    if let bytes = cells.idleBytes[.ours] {
        targets += [
            Target(
                what: "idle connections beside: UDP rate / without",
                figure: rate(.ours, .udpBesideIdle) / rate(.ours, .udpBeforeIdle), bound: 0.95,
                isLeast: true),
            Target(
                what: "idle connections beside: HTTP rate / without",
                figure: rate(.ours, .httpBesideIdle) / rate(.ours, .httpBeforeIdle), bound: 0.95,
                isLeast: true),
            Target(
                what: "bytes for an idle connection", figure: median(bytes), bound: 1024,
                digits: 0),
        ]
    }
    return targets
}

func storeTable(_ samples: [StoreSample]) -> String {
    let stores = contenders.filter(\.storesPeers)
    var text = """

        #### Resident bytes for each stored peer

        | | \(stores.map(\.rawValue).joined(separator: " | ")) |
        |---|\(String(repeating: "---|", count: stores.count))

        """
    for layout in samples.filter({ $0.contender == .ours }).map(\.layout) {
        let columns = stores.map { contender in
            fixed(
                samples.first { $0.layout == layout && $0.contender == contender }?.bytes
                    ?? .nan, 1)
        }
        text += "| \(layout) | \(columns.joined(separator: " | ")) |\n"
    }
    return text
}

func storeTargets(_ samples: [StoreSample]) -> [Target] {
    zip(samples.filter { $0.contender == .ours }, [150.0, 40, 24]).map { sample, bound in
        Target(
            what: "bytes for each peer, \(sample.layout)", figure: sample.bytes, bound: bound,
            digits: 1)
    }
}

func passkeyTable(_ samples: [PasskeyCost.Sample]) -> String {
    let rows = PasskeyCost.Transport.allCases.map { transport in
        let (open, personal) = PasskeyCost.medians(samples, transport)
        return "| \(transport.rawValue) | \(fixed(open, 2)) | \(fixed(personal, 2)) |"
    }
    return """

        #### Processor microseconds for an announce

        | | open swarm | group's file, by passkey |
        |---|---|---|
        \(rows.joined(separator: "\n"))

        """
}

func passkeyTargets(_ samples: [PasskeyCost.Sample]) -> [Target] {
    PasskeyCost.Transport.allCases.map { transport in
        let (open, personal) = PasskeyCost.medians(samples, transport)
        return Target(
            what: "announce by passkey over \(transport.rawValue): CPU / open swarm",
            figure: personal / open, bound: 1.1)
    }
}
