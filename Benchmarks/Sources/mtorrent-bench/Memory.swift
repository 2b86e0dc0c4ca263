import Foundation

/// What peers hold in memory while one shares and the other downloads a file far larger than that.
struct Memory {
    let programs: Programs
    let folder: String
    /// Bytes of the file, which is sparse: its content doesn't matter to memory.
    let size: Int

    struct Result {
        /// Peak resident bytes, and the anonymous ones among those at the end: what isn't pages
        /// of files.
        let seederPeak: Double
        let seederAnonymous: Double
        let downloaderPeak: Double
        let downloaderAnonymous: Double
        let seconds: Double
    }

    func run() async throws -> Result {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        let original = folder + "/large.bin"
        guard FileManager.default.createFile(atPath: original, contents: nil),
            truncate(original, off_t(size)) == 0
        else { throw BenchmarkError("\(original) can't be made") }
        let tracker = try ChildProcess(
            programs.tracker, ["--data-dir", folder + "/tracker", "127.0.0.1:0"])
        defer { tracker.kill() }
        let line = try await tracker.line("the tracker's address") { $0.contains("listening on") }
        let address = String(line.split(separator: " ").last ?? "")
        let seeder = try await Shell(
            programs, tracker: address, folder: folder + "/state-alice", port: 26885)
        let downloader = try await Shell(
            programs, tracker: address, folder: folder + "/state-bob", port: 26886)
        for (shell, user) in [(seeder, "alice"), (downloader, "bob")] {
            try await shell("create_user \(user) \(user)-secret")
            try await shell("login \(user) \(user)-secret")
        }
        try await seeder("create_group large open")
        try await downloader("join_group large")
        try await seeder("accept_request large bob")
        try await seeder("upload_file \(original) large", within: .seconds(600))
        let clock = ContinuousClock()
        let start = clock.now
        try await downloader("download_file large large.bin \(folder)/got.bin")
        try await downloader("wait", within: .seconds(900))
        let result = Result(
            seederPeak: bytes(seeder, "VmHWM"), seederAnonymous: bytes(seeder, "RssAnon"),
            downloaderPeak: bytes(downloader, "VmHWM"),
            downloaderAnonymous: bytes(downloader, "RssAnon"), seconds: seconds(clock.now - start))
        try await downloader.quit()
        try await seeder.quit()
        return result
    }

    private func bytes(_ shell: Shell, _ key: String) -> Double {
        shell.process.memory(key).map(Double.init) ?? .nan
    }
}
