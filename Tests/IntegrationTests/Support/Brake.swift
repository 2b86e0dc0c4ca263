import Glibc

/// A program that is let run for a moment at a time, so that what it does for others can be
/// caught in the middle.
struct Brake {
    private let process: ChildProcess

    /// Halts the program.
    init(_ process: ChildProcess) {
        self.process = process
        process.signal(SIGSTOP)
    }

    /// Lets it run on.
    func off() { process.signal(SIGCONT) }

    /// Lets it run for moments until the condition holds; it is halted then.
    func release(
        until what: String, within limit: Duration = .seconds(60),
        _ condition: () async throws -> Bool
    ) async throws {
        try await eventually(
            what, within: limit, longestPause: .milliseconds(1), context: process.transcript
        ) {
            if try await condition() { return true }
            process.signal(SIGCONT)
            // As long as it takes to start a small program: about a millisecond.
            _ = try await run("true", [])
            process.signal(SIGSTOP)
            return false
        }
    }
}
