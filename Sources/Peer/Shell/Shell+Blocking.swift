import Synchronization

extension Shell {
    /// Runs a call that may take long on a thread of its own: an interrupt cancels it, and
    /// `progress` is drawn meanwhile, five times a second, where the output is a terminal.
    func runBlocking<Value: Sendable>(
        progress: () -> String?,
        _ body: @escaping @Sendable (Cancellation) throws(CommandError) -> Value
    ) throws(CommandError) -> Value {
        output.flush()
        let cancellation = Cancellation()
        control.enter(.cancellable(cancellation))
        let live = LiveLine(output: output, input: configuration.input)
        defer {
            control.enter(.idle)
            live.clear()
        }
        let call = try BlockingCall(wake: control.wake) { () throws(CommandError) in
            try body(cancellation)
        }
        while true {
            if let result = call.takeResult() { return try result.get() }
            if live.isEnabled, let text = progress() { live.show(text) }
            let wait = InputWait(
                input: nil, wake: control.wake, milliseconds: live.isEnabled ? 200 : -1)
            if wait.isAwake { control.wake.drain() }
        }
    }

    /// Hashes with a progress line of the file's name.
    func runHashing(
        name: String,
        _ body:
            @escaping @Sendable (
                Cancellation, @escaping @Sendable (HashProgress) -> Void
            ) throws(CommandError) -> UploadOutcome
    ) throws(CommandError) -> UploadOutcome {
        let latest = LatestProgress()
        return try runBlocking(
            progress: {
                guard let progress = latest.value else { return nil }
                return ProgressLine(
                    name: name, doneBytes: progress.hashed, totalBytes: progress.total,
                    rate: progress.bytesPerSecond, peers: nil
                ).text(width: output.width, style: output.style)
            },
            { (cancellation) throws(CommandError) in
                try body(cancellation) { latest.value = $0 }
            })
    }
}

/// The last progress that hashing threads reported.
private final class LatestProgress: Sendable {
    private let state = Mutex<HashProgress?>(nil)

    var value: HashProgress? {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
