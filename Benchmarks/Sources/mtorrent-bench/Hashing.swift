import Foundation

/// How fast `upload_file` hashes a cached file, beside what one core can do.
struct Hashing {
    let programs: Programs
    let folder: String
    let size: Int
    let runs: Int

    struct Result {
        /// Bytes a second of `upload_file`, from the command to its answer.
        let upload: Double
        /// Bytes a second of `openssl speed -bytes 16384 sha1`.
        let openssl: Double
        /// Processor seconds for each GiB; a file has a hash of its whole and one of each piece.
        let processorSecondsPerGiB: Double
    }

    func run() async throws -> Result {
        let manager = FileManager.default
        try manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let path = folder + "/hash.bin"
        try TestBytes.write(to: path, size: size, seed: 2)
        let tracker = try ChildProcess(
            programs.tracker, ["--data-dir", folder + "/tracker", "127.0.0.1:0"])
        defer { tracker.kill() }
        let line = try await tracker.line("the tracker's address") { $0.contains("listening on") }
        let address = String(line.split(separator: " ").last ?? "")
        let shell = try await Shell(
            programs, tracker: address, folder: folder + "/state", port: 26883)
        try await shell("create_user carol carol-secret")
        try await shell("login carol carol-secret")
        var rates: [Double] = []
        var openssl: [Double] = []
        var costs: [Double] = []
        for run in 0..<runs {
            try await shell("create_group hash\(run) open")
            let before = shell.process.processorSeconds ?? .nan
            let clock = ContinuousClock()
            let start = clock.now
            try await shell("upload_file \(path) hash\(run)", within: .seconds(300))
            rates.append(Double(size) / seconds(clock.now - start))
            let cost = (shell.process.processorSeconds ?? .nan) - before
            costs.append(cost / (Double(size) / Double(1 << 30)))
            openssl.append(try await opensslRate())
        }
        try await shell.quit()
        return Result(
            upload: median(rates), openssl: median(openssl),
            processorSecondsPerGiB: median(costs))
    }

    /// The last line is `sha1 NNNNNN.NNk`, thousands of bytes a second.
    private func opensslRate() async throws -> Double {
        let lines = try await finish(
            "openssl", ["speed", "-seconds", "2", "-bytes", "16384", "-evp", "sha1"])
        guard let last = lines.last?.split(separator: " ").last, last.hasSuffix("k"),
            let thousands = Double(last.dropLast())
        else { throw BenchmarkError("openssl speed says: \(lines)") }
        return thousands * 1000
    }
}
