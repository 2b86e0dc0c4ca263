import Foundation

/// One program downloads from a crowd of sharers that answer as fast as it asks.
struct Downloading {
    let stage: PeerStage
    let clients: [any Downloader]
    let counts: [Int]
    let cores: [Core]
    /// The one count that is measured on one core.
    let onOneCore: Int
    let runs: Int

    struct Key: Hashable {
        let client: String
        let sharers: Int
        let core: Core
    }

    struct Cell {
        var samples: [Sample] = []
        /// Why there are none, or no more.
        var remark: String?
    }

    struct Sample {
        /// From the first request that a sharer saw to the client's word, seconds.
        let transfer: Double
        /// From the moment that the client was told to download to its word, seconds.
        let wall: Double
        /// Of the client, from the command to its word.
        let processorSeconds: Double
        /// Bytes.
        let peakMemory: Int
        /// Bytes sent beyond the file's size.
        let duplicates: Int
    }

    private static let limit = Duration.seconds(40)
    private static let slow = Duration.seconds(12)

    func run() async throws -> [Key: Cell] {
        var cells: [Key: Cell] = [:]
        for _ in 0..<runs {
            for core in cores {
                for count in counts where core == .any || count == onOneCore {
                    for client in clients {
                        let key = Key(client: client.name, sharers: count, core: core)
                        guard cells[key]?.remark == nil else { continue }
                        cells[key] = await measured(client, key, after: cells[key] ?? Cell())
                    }
                }
            }
        }
        return cells
    }

    private func measured(_ client: any Downloader, _ key: Key, after cell: Cell) async -> Cell {
        var cell = cell
        let start = ContinuousClock.now
        do {
            let sample = try await measure(client, key)
            cell.samples.append(sample)
            if ContinuousClock.now - start > Self.slow { cell.remark = "slow: once" }
            progress(
                "\(client.name) from \(key.sharers), \(key.core) core: "
                    + "\(fixed(sample.transfer, 2)) s (\(fixed(sample.wall, 2)) from the command), "
                    + "\(fixed(sample.processorSeconds, 2)) CPU s, \(sample.duplicates) bytes twice"
            )
        } catch {
            progress("\(client.name) from \(key.sharers): \(error)")
            cell.remark = "not within \(Self.limit.components.seconds) s"
        }
        return cell
    }

    private func measure(_ client: any Downloader, _ key: Key) async throws -> Sample {
        let folder = stage.folder + "/download"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(
            atPath: folder + "/got", withIntermediateDirectories: true)
        let ports = try freePorts(key.sharers)
        let order = DownloadOrder(
            sharers: ports, port: try freePort(), folder: folder, core: key.core)
        let sharers = try startSharers(client, order)
        defer { sharers.kill() }
        try await sharers.line("the sharers") { $0.contains("ready") }
        try await stage.forgetClients()
        if !client.isDialled { try await stage.announce(ports) }
        let download = try await client.download(order, stage)
        defer { download.process.kill() }
        let (processorTime, memory) = try await completion(of: download, from: sharers)
        let done = monotonicSeconds()
        sharers.closeInput()
        _ = try await sharers.end()
        let shared = try stage.generators.result(Generators.Shared.self, of: sharers)
        _ = try await finish("cmp", ["--", stage.original, order.result])
        return Sample(
            transfer: done - shared.firstRequest, wall: done - download.told,
            processorSeconds: processorTime, peakMemory: memory,
            duplicates: shared.bytes - stage.size)
    }

    private func startSharers(_ client: any Downloader, _ order: DownloadOrder) throws
        -> ChildProcess
    {
        let place: [String] =
            client.isDialled
            ? .option("connect", "127.0.0.1:\(order.port)")
            : .option("listen", "127.0.0.1:\(order.sharers.lowerBound)")
        return try stage.generators.start(
            "sharers",
            place + ["--sendfile"] + stage.torrentOptions() + .option("file", stage.original)
                + .option("count", order.sharers.count)
                + (client.maxBlock > 16384 ? .option("max-block", client.maxBlock) : []))
    }

    /// Waits for the client's word.
    /// - Returns: the processor seconds that it took, and its peak memory.
    private func completion(
        of download: RunningDownload, from sharers: ChildProcess
    ) async throws -> (Double, Int) {
        let process = download.process
        let before = download.processorSecondsBefore
        var (processorTime, memory) = (0.0, 0)
        try await eventually(
            "the end of the download", within: Self.limit, longestPause: .milliseconds(1),
            context: process.transcript + "\n" + sharers.transcript
        ) { () throws -> Bool in
            // Looked at before: with its end they are gone.
            let latest = process.processorSeconds
            memory = process.memory("VmHWM") ?? memory
            if let latest { processorTime = latest - before }
            if download.isComplete() { return true }
            if let status = process.exitStatus {
                guard status == .exited(0) else { throw BenchmarkError(process.transcript) }
                processorTime = process.usage.processorSeconds - before
                return true
            }
            return false
        }
        return (processorTime, memory)
    }
}

/// Seconds of the clock that the generators read too.
func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Ports in a row.
func freePorts(_ count: Int) throws -> Range<UInt16> {
    var first = try freePort()
    var last = first
    while Int(last - first) + 1 < count {
        let next = try freePort()
        if next != last + 1 { first = next }
        last = next
    }
    return first..<(last + 1)
}
