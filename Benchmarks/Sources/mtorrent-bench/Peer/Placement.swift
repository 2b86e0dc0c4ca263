import Foundation

/// On which core a program runs: what is measured has the first for itself, what makes the load
/// the second.
enum Core: String {
    case first
    case second
    /// Wherever the system puts it, so that all its threads have both.
    case any
}

/// Starts programs where they belong.
struct Placement {
    /// It takes two cores.
    let pins = ProcessInfo.processInfo.activeProcessorCount >= 2

    func start(
        _ executable: String, _ arguments: [String], on core: Core,
        environment: [String: String] = [:], mergingErrors: Bool = true
    ) throws -> ChildProcess {
        // taskset becomes the program that it starts: the process is the program's.
        var words = [executable] + arguments
        switch core {
        case .first where pins: words = ["taskset", "--cpu-list", "0"] + words
        case .second where pins: words = ["taskset", "--cpu-list", "1"] + words
        case .first, .second, .any: break
        }
        return try ChildProcess(
            words[0], Array(words.dropFirst()), environment: environment,
            mergingErrors: mergingErrors)
    }
}
