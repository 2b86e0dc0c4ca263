import Foundation

let usage = """
    Usage: mtorrent-bench [--programs DIR] [--size MIB] [--runs N] [transfer|hashing|startup|memory ...]

    Measures the built programs on this machine, beside others where there are any, and prints
    Markdown tables. Without a name all are measured. Exits with 1 when a transfer is wrong.

      --programs DIR  where mtorrent and mtorrent-tracker are (.build/release)
      --size MIB      size of the file that is hashed and transferred (1024)
      --runs N        of each contender, one after the other; medians are shown (3)

    """

var programs = Programs(folder: ".build/release")
var mebibytes = 1024
var runs = 3
var wanted: [String] = []
var arguments = CommandLine.arguments.dropFirst()
while let argument = arguments.popFirst() {
    switch argument {
    case "--programs":
        programs = Programs(folder: arguments.popFirst() ?? "")
    case "--size":
        mebibytes = arguments.popFirst().flatMap { Int($0) } ?? 0
    case "--runs":
        runs = arguments.popFirst().flatMap { Int($0) } ?? 0
    case "--help", "-h":
        print(usage, terminator: "")
        exit(0)
    case "transfer", "hashing", "startup", "memory":
        wanted.append(argument)
    default:
        mebibytes = 0
    }
}
guard mebibytes > 0, runs > 0, FileManager.default.isExecutableFile(atPath: programs.peer) else {
    FileHandle.standardError.write(Data("\(programs.peer)?\n\(usage)".utf8))
    exit(2)
}
if wanted.isEmpty { wanted = ["transfer", "hashing", "startup", "memory"] }
do {
    print(try await report(wanted, programs: programs, mebibytes: mebibytes, runs: runs))
} catch {
    FileHandle.standardError.write(Data("mtorrent-bench: \(error)\n".utf8))
    exit(1)
}
