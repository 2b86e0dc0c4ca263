import Foundation

let usage = """
    Usage: mtorrent-bench [--programs DIR] [--size MIB] [--runs N] [transfer|hashing|startup|memory ...]
           mtorrent-bench peer ...
           mtorrent-bench tracker ...

    Measures the built programs on this machine, beside others where there are any, and prints
    Markdown tables. Without a name the first four are measured; `peer --help` and `tracker --help`
    tell what those take. Exits with 1 when a transfer is wrong.

      --programs DIR  where mtorrent and mtorrent-tracker are (.build/release)
      --size MIB      size of the file that is hashed and transferred (1024)
      --runs N        of each contender, one after the other; medians are shown (3)

    """

func refuse(_ text: String) -> Never {
    FileHandle.standardError.write(Data(text.utf8))
    exit(2)
}

func checked(_ programs: Programs, _ usage: String) -> Programs {
    guard FileManager.default.isExecutableFile(atPath: programs.peer) else {
        refuse("\(programs.peer)?\n\(usage)")
    }
    return programs
}

/// The report of what the command line asks for.
func measured(_ arguments: ArraySlice<String>) async throws -> String {
    if arguments.first == "peer" {
        if arguments.contains("--help") { return PeerBenchmark.usage }
        guard let benchmark = PeerBenchmark(arguments.dropFirst()) else {
            refuse(PeerBenchmark.usage)
        }
        _ = checked(benchmark.programs, PeerBenchmark.usage)
        return try await benchmark.run()
    }
    if arguments.first == "tracker" {
        if arguments.contains("--help") { return TrackerBenchmark.usage }
        guard let benchmark = TrackerBenchmark(arguments.dropFirst()) else {
            refuse(TrackerBenchmark.usage)
        }
        _ = checked(benchmark.programs, TrackerBenchmark.usage)
        return try await benchmark.run()
    }
    var programs = Programs(folder: ".build/release")
    var mebibytes = 1024
    var runs = 3
    var wanted: [String] = []
    var arguments = arguments
    while let argument = arguments.popFirst() {
        switch argument {
        case "--programs":
            programs = Programs(folder: arguments.popFirst() ?? "")
        case "--size":
            mebibytes = arguments.popFirst().flatMap { Int($0) } ?? 0
        case "--runs":
            runs = arguments.popFirst().flatMap { Int($0) } ?? 0
        case "--help", "-h":
            return usage
        case "transfer", "hashing", "startup", "memory":
            wanted.append(argument)
        default:
            mebibytes = 0
        }
    }
    guard mebibytes > 0, runs > 0 else { refuse(usage) }
    if wanted.isEmpty { wanted = ["transfer", "hashing", "startup", "memory"] }
    return try await report(
        wanted, programs: checked(programs, usage), mebibytes: mebibytes, runs: runs)
}

do {
    print(try await measured(CommandLine.arguments.dropFirst()))
} catch {
    FileHandle.standardError.write(Data("mtorrent-bench: \(error)\n".utf8))
    exit(1)
}
