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
    /// Pinning takes two cores.
    let pins: Bool
    /// Ahead of everything else on the machine (SCHED_RR): for figures that hold while others
    /// work. Between the programs of a run it changes little, since each has its own core.
    let isRealtime: Bool

    init(isRealtime: Bool) {
        pins = ProcessInfo.processInfo.activeProcessorCount >= 2
        self.isRealtime = isRealtime
    }

    func start(
        _ executable: String, _ arguments: [String], on core: Core,
        environment: [String: String] = [:], mergingErrors: Bool = true
    ) throws -> ChildProcess {
        var words = [executable] + arguments
        // Both of these become the program they start, so the process is the program's.
        switch core {
        case .first where pins: words = ["taskset", "--cpu-list", "0"] + words
        case .second where pins: words = ["taskset", "--cpu-list", "1"] + words
        case .first, .second, .any: break
        }
        if isRealtime { words = ["chrt", "--rr", "20"] + words }
        return try ChildProcess(
            words[0], Array(words.dropFirst()), environment: environment,
            mergingErrors: mergingErrors)
    }
}
