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
        let body = Unmanaged.passRetained(Body(node: node))
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().read()
                return nil
            }, body.toOpaque())
        if result == 0 {
            pthread_detach(thread)
        } else {
            body.release()
        }
    }

    private final class Body: Sendable {
        let node: LoopBound<TrackerNode>

        init(node: LoopBound<TrackerNode>) { self.node = node }

        func read() {
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
}
