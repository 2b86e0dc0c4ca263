import Foundation

/// One program serves a crowd of leechers that throw the data away.
struct Serving {
    let stage: PeerStage
    let clients: [any Client]
    let counts: [Int]
    let runs: Int
    /// Of the window, in seconds.
    let seconds: Double
    /// Seconds at most until every leecher has been served.
    let patience: Double

    /// What the runs of one client with one crowd gave.
    struct Cell {
        var samples: [Sample] = []
        /// Why there are none, or no more.
        var remark: String?
    }

    struct Sample {
        let served: Generators.Served
        /// Anonymous memory before the first leecher came, bytes.
        let anonymousBefore: Int
    }

    struct Key: Hashable {
        let client: String
        let leechers: Int
    }

    /// A cell that takes longer than this isn't measured again.
    private static let slow = Duration.seconds(15)

    func run() async throws -> [Key: Cell] {
        var cells: [Key: Cell] = [:]
        for client in clients { try await prepare(client, &cells) }
        for _ in 0..<runs {
            for count in counts {
                for client in clients {
                    let key = Key(client: client.name, leechers: count)
                    guard cells[key]?.remark == nil else { continue }
                    let start = ContinuousClock.now
                    do {
                        let sample = try await measure(client, count)
                        cells[key, default: Cell()].samples.append(sample)
                        if sample.served.served == 0 { cells[key]?.remark = "nothing served" }
                    } catch {
                        progress("\(client.name), \(count): \(error)")
                        cells[key, default: Cell()].remark = "failed"
                    }
                    if ContinuousClock.now - start > Self.slow, cells[key]?.remark == nil {
                        cells[key]?.remark = "slow: once"
                    }
                    progress("\(client.name), \(count): \(text(cells[key]))")
                }
            }
        }
        return cells
    }

    /// One that can't be made ready is left out, and the table says so.
    private func prepare(_ client: any Client, _ cells: inout [Key: Cell]) async throws {
        do {
            try await client.prepare(stage)
        } catch {
            progress("\(client.name): \(error)")
            for count in counts {
                cells[Key(client: client.name, leechers: count)] = Cell(remark: "doesn't start")
            }
        }
    }

    private func measure(_ client: any Client, _ count: Int) async throws -> Sample {
        let port = try freePort()
        let server = try await client.share(stage, port: port)
        defer { server.kill() }
        let asking = client.leecherOptions(stage)
        try await stage.answers(at: port, asking: asking)
        // The whole file once: a server that maps it pays for the first touch of each page.
        _ = try await stage.visit(port, asking: asking, patience: 3)
        let before = server.memory("RssAnon") ?? 0
        let crowd = try stage.crowd(
            count, at: port, of: server, asking: asking,
            options: .option("block", client.requestBytes)
                + .option("pipeline", client.requestBytes > 16384 ? 4 : 64)
                + .option("settle", patience) + .option("seconds", seconds))
        defer { crowd.kill() }
        let limit = Duration.seconds(patience + seconds + 20)
        guard try await crowd.end(within: limit) == .exited(0) else {
            throw BenchmarkError(crowd.transcript + server.transcript)
        }
        let served = try stage.generators.result(Generators.Served.self, of: crowd)
        if served.served > 0, client.requestBytes > served.blockBytes {
            throw BenchmarkError("it takes requests of \(served.blockBytes) bytes only")
        }
        return Sample(served: served, anonymousBefore: before)
    }

    private func text(_ cell: Cell?) -> String {
        guard let last = cell?.samples.last?.served else { return cell?.remark ?? "" }
        return "\(fixed(last.mibPerSecond, 0)) MiB/s, \(fixed(last.serverCpuPerGib, 3)) CPU s/GiB, "
            + "\(last.served) served \(cell?.remark ?? "")"
    }
}

extension Serving.Cell {
    /// The median over the runs.
    func figure(_ value: (Serving.Sample) -> Double) -> Double {
        median(samples.map(value))
    }
}

func progress(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
}
