import Glibc
import Reactor

/// `quit` and `exit`, typed on the terminal that the tracker was started from.
enum TerminalCommands {
    /// Watches standard input from a thread of its own, if it is a terminal. The thread ends with
    /// the process.
    static func watch(stopping node: LoopBound<TrackerNode>) {
        guard isatty(STDIN_FILENO) == 1 else { return }
        // In the background, reading the terminal then fails instead of stopping the process.
        signal(SIGTTIN, SIG_IGN)
        // Without it the tracker does all but take these commands.
        try? PosixThread.startDetached { read(stopping: node) }
    }

    private static func read(stopping node: LoopBound<TrackerNode>) {
        while let line = readLine() {
            let words = line.split(separator: " ")
            if words == ["quit"] || words == ["exit"] {
                node.submit { $0.stop() }
            } else if !words.isEmpty {
                print("the tracker knows `quit` only")
                fflush(nil)
            }
        }
    }
}
