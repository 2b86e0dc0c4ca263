import Testing

/// Lets few tests run at a time: each starts several programs, and bounded waits are only fair to
/// programs that get to run.
struct Turn: SuiteTrait, TestTrait, TestScoping {
    /// So that every test of a suite takes a turn of its own.
    let isRecursive = true

    func provideScope(
        for test: Test, testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        await Turns.shared.take()
        let start = ContinuousClock.now
        var failure: (any Error)?
        do { try await function() } catch { failure = error }
        await Turns.shared.giveBack()
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        // The test program's own figures have the wait for the turn in them.
        if seconds > Turn.slow { print("\(Int(seconds)) s: \(test.name)") }
        if let failure { throw failure }
    }

    /// Tests that take longer are named, in seconds.
    private static let slow = 10.0
}

extension Trait where Self == Turn {
    /// The test waits for its turn.
    static var inTurn: Turn { Turn() }
}

private actor Turns {
    static let shared = Turns()

    private var free = 4
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func take() async {
        if free > 0 {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func giveBack() {
        if waiting.isEmpty {
            free += 1
        } else {
            waiting.removeFirst().resume()
        }
    }
}
