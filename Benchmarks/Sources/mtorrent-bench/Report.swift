import Foundation

/// Measures what is wanted and writes it down.
func report(
    _ wanted: [String], programs: Programs, mebibytes: Int, runs: Int
) async throws -> String {
    let scratch = try WorkFolder(bytes: mebibytes << 22)
    let congestion = CongestionControl()
    defer { congestion.restore() }
    let size = mebibytes << 20
    var text = """
        \(Machine.description());
        congestion control \(congestion.inForce); files in \(scratch.kind);
        medians of \(runs) interleaved runs.

        """
    if wanted.contains("transfer") {
        let transfer = Transfer(
            programs: programs, folder: scratch.path + "/transfer", size: size, runs: runs)
        text += table(try await transfer.run(), mebibytes: mebibytes)
        try? FileManager.default.removeItem(atPath: scratch.path + "/transfer")
    }
    if wanted.contains("hashing") {
        let hashing = Hashing(
            programs: programs, folder: scratch.path + "/hashing", size: size, runs: runs)
        text += table(try await hashing.run())
    }
    if wanted.contains("startup") {
        let startup = Startup(programs: programs, folder: scratch.path + "/startup", runs: runs)
        text += table(try await startup.run())
    }
    if wanted.contains("memory") {
        // On a disk: in memory its own copies would leave too little for everything else.
        let disk = try WorkFolder(bytes: .max)
        let memory = Memory(programs: programs, folder: disk.path, size: 10 << 30)
        text += table(try await memory.run(), size: 10 << 30)
    }
    return text
}

private func table(_ result: Memory.Result, size: Int) -> String {
    func row(_ name: String, _ peak: Double, _ anonymous: Double) -> String {
        "| \(name) | \(fixed(peak / 1_048_576, 1)) | \(fixed(anonymous / 1_048_576, 1)) |"
    }
    return """

        ### Memory with a file of \(size >> 30) GiB

        | | peak resident MiB | anonymous MiB at the end |
        |---|---|---|
        \(row("sharing", result.seederPeak, result.seederAnonymous))
        \(row("downloading", result.downloaderPeak, result.downloaderAnonymous))

        """
}

private func table(
    _ samples: [Transfer.Contender: [Transfer.Sample]], mebibytes: Int
) -> String {
    var text = """

        ### \(mebibytes) MiB from one peer to another

        | seeder → downloader | wall s | transfer s | downloader CPU s | seeder CPU s | downloader RSS MiB |
        |---|---|---|---|---|---|

        """
    for contender in Transfer.Contender.allCases {
        guard let all = samples[contender] else { continue }
        let columns = [
            fixed(median(all.map(\.wall)), 2), fixed(median(all.map(\.transfer)), 2),
            fixed(median(all.map(\.downloaderCPU)), 2), fixed(median(all.map(\.seederCPU)), 2),
            fixed(median(all.map(\.downloaderMemory)) / 1_048_576, 0),
        ]
        text += "| \(contender.rawValue) | \(columns.joined(separator: " | ")) |\n"
    }
    return text + """

        *Wall*: from the start of the downloading program to its end, log-in and tracker included.
        *Transfer*: from the first MiB written to the program's word that all is verified. After
        each run the result is compared with the original by `sha1sum`.

        """
}

private func table(_ result: Hashing.Result) -> String {
    let share = result.upload / result.openssl * 100
    return """

        ### Hashing

        | | MB/s | CPU s/GiB |
        |---|---|---|
        | `upload_file`, cached: SHA-1 of the whole file and of each piece | \
        \(fixed(result.upload / 1e6, 0)) | \(fixed(result.processorSecondsPerGiB, 2)) |
        | `openssl speed -bytes 16384 sha1`, one core | \(fixed(result.openssl / 1e6, 0)) | |

        `upload_file` reaches \(fixed(share, 0)) % of one core's `openssl speed`.

        """
}

private func table(_ result: Startup.Result) -> String {
    """

    ### Start and idle memory

    | | |
    |---|---|
    | peer: start to prompt on a terminal | \(fixed(result.prompt * 1000, 0)) ms |
    | peer: resident at the prompt | \(fixed(result.peerMemory / 1_048_576, 1)) MiB |
    | tracker: resident when idle | \(fixed(result.trackerMemory / 1_048_576, 1)) MiB |

    """
}

/// Where the files of a run are: in memory when there is room for them.
final class WorkFolder {
    let path: String
    let kind: String

    init(bytes: Int) throws {
        let memory = "/dev/shm"
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: memory)
        let isRoomy = (attributes?[.systemFreeSize] as? Int ?? 0) > bytes
        let base = isRoomy ? memory : FileManager.default.temporaryDirectory.path
        kind = isRoomy ? "memory (tmpfs)" : "the temporary folder"
        var template = Array("\(base)/mtorrent-bench-XXXXXX".utf8CString)
        guard let folder = mkdtemp(&template) else { throw BenchmarkError("\(base): no folder") }
        path = String(cString: folder)
        let made = path
        Interruption.whenInterrupted { try? FileManager.default.removeItem(atPath: made) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
