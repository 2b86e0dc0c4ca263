import Glibc
import Logging
import Reactor
import Synchronization

/// The program `mtorrent`: the loop on the calling thread, the shell on one of its own.
package enum PeerProgram {
    /// - Parameter arguments: without the program's name.
    /// - Returns: the exit code.
    package static func run(arguments: [String], environment: [String: String]) -> Int32 {
        do throws(CommandError) {
            switch try Invocation.parse(arguments: arguments, environment: environment) {
            case .print(let text):
                print(text, terminator: "")
                return ExitCode.success.rawValue
            case .run(let invocation):
                return try run(invocation, environment: environment).rawValue
            }
        } catch {
            let text = "error: \(error)\n"
            write(STDERR_FILENO, text, text.utf8.count)
            return error.exitCode.rawValue
        }
    }

    private static func run(
        _ invocation: Invocation, environment: [String: String]
    ) throws(CommandError) -> ExitCode {
        // Before the first thread: all others inherit it.
        SignalSource.block(Node.signals)
        raiseDescriptorLimit()
        let logger = try logger(invocation)
        let loop: EventLoop
        do throws(SystemError) {
            loop = try EventLoop()
        } catch {
            throw CommandError("the event loop can't be made: \(error)")
        }
        let node = try NodeOpener(
            loop: loop, logger: logger, invocation: invocation, environment: environment
        ).open()
        try node.start()
        var configuration = ShellConfiguration(environment: environment)
        configuration.commands = invocation.commands
        configuration.isDaemon = invocation.isDaemon
        logger.info("listening", ["address": node.listenAddress])
        let service = NodeService(node)
        let end = ShellEnd()
        let thread: PosixThread
        do throws(SystemError) {
            thread = try PosixThread { [configuration] in
                let code = Shell(service: service, configuration: configuration).run()
                end.exitCode.withLock { $0 = code }
            }
        } catch {
            throw CommandError("the shell's thread can't be started: \(error)")
        }
        loop.run()
        thread.join()
        return end.exitCode.withLock { $0 }
    }

    /// How the shell ended, told from its thread.
    private final class ShellEnd: Sendable {
        let exitCode = Mutex(ExitCode.success)
    }

    /// Up to what the system allows: a soft limit of 1,024 is a relic of select(2), and a socket or
    /// a file each takes one.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(resource, &limit)
    }

    private static func logger(_ invocation: Invocation) throws(CommandError) -> Logger {
        guard let path = invocation.logFile else {
            return Logger(level: invocation.logLevel, sink: .standardError)
        }
        do {
            return Logger(level: invocation.logLevel, sink: try LogSink(path: path))
        } catch {
            throw CommandError("\(error)", .cannotCreateFile)
        }
    }
}
