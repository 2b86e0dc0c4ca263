import Foundation

/// What iperf3 moves over loopback from memory that is sent again and again: no framing, no file.
struct Streams {
    let placement: Placement
    /// Of the transfer, at least 1.
    let seconds: Double

    struct Sample {
        let mibPerSecond: Double
        /// Of the sender.
        let cpuPerGib: Double
    }

    func measure(_ count: Int) async throws -> Sample {
        let port = try freePort()
        let receiver = try placement.start(
            "iperf3", ["--server", "--one-off", "--port", "\(port)", "--forceflush"], on: .second)
        defer { receiver.kill() }
        try await receiver.line("iperf3's server") { $0.contains("listening") }
        let sender = try placement.start(
            "iperf3",
            [
                "--client", "127.0.0.1", "--port", "\(port)", "--json", "--parallel", "\(count)",
                "--time", "\(max(1, Int(seconds)))",
            ], on: .first)
        guard try await sender.end() == .exited(0) else {
            throw BenchmarkError(sender.transcript)
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let report = try decoder.decode(
            Report.self, from: Data(sender.output.lines.joined().utf8))
        let gib = report.end.sumSent.bytes / Double(1 << 30)
        return Sample(
            mibPerSecond: gib * 1024 / report.end.sumSent.seconds,
            cpuPerGib: sender.usage.processorSeconds / gib)
    }

    private struct Report: Decodable {
        struct End: Decodable {
            let sumSent: Sum
        }

        struct Sum: Decodable {
            let bytes: Double
            let seconds: Double
        }

        let end: End
    }
}
