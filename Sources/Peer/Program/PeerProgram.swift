import Glibc
import Logging
import Reactor
import Synchronization
import Wire

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
            let text = "error: \(terminalSafe("\(error)"))\n"
            write(STDERR_FILENO, text, text.utf8.count)
            return error.exitCode.rawValue
        }
    }

    private static func run(
        _ invocation: Invocation, environment: [String: String]
    ) throws(CommandError) -> ExitCode {
        // Before the first thread: all others inherit it.
        SignalSource.block(Node.signals)
        let descriptors = try DescriptorPlan(
            allowed: DescriptorPlan.raiseLimit(), askedConnections: invocation.maxConnections)
        let logger = try logger(invocation)
        let loop: EventLoop
        do throws(SystemError) {
            loop = try EventLoop()
        } catch {
            throw CommandError("the event loop can't be made: \(error)")
        }
        let node = try NodeOpener(
            loop: loop, logger: logger, invocation: invocation, descriptors: descriptors,
            environment: environment
        ).open()
        var configuration = ShellConfiguration(environment: environment)
        configuration.commands = invocation.commands
        configuration.isDaemon = invocation.isDaemon
        logger.info("TLS", ["by": KernelTLS.summary])
        for address in node.listenAddresses { logger.info("listening", ["address": address]) }
        let shell = ShellThread(service: NodeService(node), configuration: configuration)
        try node.start {
            // The first command finds what was restored.
            if !shell.start() { node.stop() }
        }
        loop.run()
        return shell.join()
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

/// The shell on its thread.
private final class ShellThread {
    /// How the shell ended, told from its thread.
    private final class End: Sendable {
        let exitCode = Mutex(ExitCode.failed)
    }

    private let service: NodeService
    private let configuration: ShellConfiguration
    private let end = End()
    private var thread: PosixThread?

    init(service: NodeService, configuration: ShellConfiguration) {
        self.service = service
        self.configuration = configuration
    }

    /// - Returns: false where the system has no thread to spare.
    func start() -> Bool {
        thread = try? PosixThread { [service, configuration, end] in
            let code = Shell(service: service, configuration: configuration).run()
            end.exitCode.withLock { $0 = code }
        }
        return thread != nil
    }

    /// Waits for the shell's end, where it was started.
    func join() -> ExitCode {
        thread?.join()
        return end.exitCode.withLock { $0 }
    }
}
