import Glibc
import Testing

@testable import Reactor

@Suite struct SignalSourceTests {
    /// Runs `body` on a thread that takes no signals, as a program's first does once it has
    /// blocked those it waits for; signals are sent to that thread alone.
    private func onThread<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) throws -> Value {
        let outcome = Shared<Result<Value, any Error>?>(nil)
        try PosixThread { outcome.value = Result(catching: body) }.join()
        return try #require(outcome.value).get()
    }

    @Test func `signals become events`() throws {
        let received = try onThread {
            var received: [Int32] = []
            try withLoop { loop in
                let source = try SignalSource(loop: loop, signals: [SIGUSR1, SIGHUP]) { number in
                    received.append(number)
                    if received.count == 2 { loop.stop() }
                }
                loop.schedule(after: .zero) { pthread_kill(pthread_self(), SIGUSR1) }
                loop.schedule(after: .milliseconds(1)) { pthread_kill(pthread_self(), SIGHUP) }
                let watchdog = loop.schedule(after: .seconds(10)) { loop.stop() }
                loop.run()
                loop.cancel(watchdog)
                source.close()
            }
            return received
        }
        #expect(received == [SIGUSR1, SIGHUP])
    }

    @Test func `a source may close itself in its handler`() throws {
        let received = try onThread {
            var received = 0
            try withLoop { loop in
                var source: SignalSource?
                source = try SignalSource(loop: loop, signals: [SIGUSR1, SIGUSR2]) { _ in
                    received += 1
                    source?.close()
                    loop.schedule(after: .milliseconds(1)) { loop.stop() }
                }
                pthread_kill(pthread_self(), SIGUSR1)
                pthread_kill(pthread_self(), SIGUSR2)
                loop.run()
            }
            return received
        }
        #expect(received == 1)
    }

    @Test func `a loop's process ignores SIGPIPE`() throws {
        _ = try EventLoop()
        var action = sigaction()
        sigaction(SIGPIPE, nil, &action)
        let handler = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
        #expect(handler == unsafeBitCast(SIG_IGN, to: Int.self))
    }

    @Test func `what isn't a signal is refused`() throws {
        try withLoop { loop in
            #expect(throws: SystemError(code: EINVAL, operation: "signalfd")) {
                try SignalSource(loop: loop, signals: [1000]) { _ in }
            }
        }
    }
}
