import CMalloc
import FoundationEssentials
import Glibc
import Logging
import Options
import Reactor

/// The program `mtorrent-tracker`: reads the command line, runs a tracker, and says what failed.
package enum TrackerProgram {
    package static let version = "0.1.0"

    private static let name = "mtorrent-tracker"

    private enum ExitCode {
        static let success: Int32 = 0
        static let failed: Int32 = 1
        static let usage: Int32 = 2
    }

    /// - Parameter arguments: without the program's name.
    /// - Returns: the exit code.
    package static func run(
        arguments: [String],
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> Int32 {
        do {
            let parser = TrackerSettings.parser(program: name)
            let options = try parser.parse(arguments: arguments, environment: environment)
            if options.wantsHelp {
                print(parser.helpText, terminator: "")
                return ExitCode.success
            }
            if options.wantsVersion {
                print("\(name) \(version)")
                return ExitCode.success
            }
            if let command = try OperatorCommand(options.operands) {
                try command.run(
                    on: try TrackerSettings.storeLocation(options, mayBeNew: command.makesStore))
                return ExitCode.success
            }
            let settings = try TrackerSettings(options)
            return try serve(settings, environment: environment) {
                try TrackerSettings(parser.parse(arguments: arguments, environment: environment))
            }
        } catch let error as OptionError {
            return fail("\(error)", ExitCode.usage)
        } catch {
            return fail("\(error)", ExitCode.failed)
        }
    }

    private static func serve(
        _ settings: TrackerSettings, environment: [String: String],
        readingAgain readAgain: @escaping () throws -> TrackerSettings
    ) throws -> Int32 {
        SignalSource.block([SIGINT, SIGTERM, SIGHUP])
        raiseDescriptorLimit()
        returnLargeBlocks()
        let sink = try settings.logFile.map { try LogSink(path: $0) } ?? .standardError
        let logger = Logger(level: settings.logLevel, sink: sink)
        let manager = ServiceManager(environment: environment)
        let node = try TrackerNode(
            address: settings.address, sockets: try inheritedSockets(environment),
            store: { (port) throws(StartError) in
                try settings.storeLocation(port: port, environment: environment)
            },
            certificate: { (port) throws(StartError) in
                try settings.certificate(port: port, environment: environment)
            },
            secrets: { (port) throws(StartError) in
                try settings.secrets(port: port, environment: environment)
            }, configuration: settings.configuration, logger: logger)
        node.onStopping = { manager.stopping() }
        let status = "listening on \(node.address)"
        let signals = try SignalSource(loop: node.loop, signals: [SIGINT, SIGTERM, SIGHUP]) {
            if $0 != SIGHUP { return node.stop() }
            manager.reloading()
            reload(node, sink, logger, since: settings) {
                let settings = try readAgain()
                return (
                    settings,
                    try settings.certificate(port: node.address.port, environment: environment)
                )
            }
            manager.ready(status)
        }
        TerminalCommands.watch(stopping: LoopBound(node, on: node.loop))
        print("\(status)\ncertificate \(node.certificate.pin)")
        fflush(nil)
        manager.ready(status)
        tellSignsOfLife(to: manager, on: node.loop)
        node.run()
        signals.close()
        if let failure = node.failure { return fail(failure, ExitCode.failed) }
        return ExitCode.success
    }

    private static func inheritedSockets(
        _ environment: [String: String]
    ) throws(StartError) -> InheritedSockets {
        do throws(SystemError) {
            return try InheritedSockets(environment: environment)
        } catch {
            throw StartError(
                "can't take the sockets of LISTEN_FDS, one that listens for TCP and one for UDP: "
                    + "\(error)")
        }
    }

    /// Opens the log file and reads the options and the certificate again. What is wrong there leaves
    /// all as it was.
    private static func reload(
        _ node: TrackerNode, _ sink: LogSink, _ logger: Logger, since old: TrackerSettings,
        _ readAgain: () throws -> (TrackerSettings, TrackerCertificate)
    ) {
        do throws(LogFileError) {
            try sink.reopen()
        } catch {
            logger.error("can't open the log file again", ["error": error])
        }
        do {
            let (settings, certificate) = try readAgain()
            for name in settings.needingRestart(since: old) {
                logger.warning("this option counts from the next start on", ["option": name])
            }
            node.reload(settings.configuration, certificate)
        } catch {
            logger.error("the options stay as they are", ["error": "\(error)"])
        }
    }

    private static func tellSignsOfLife(to manager: ServiceManager, on loop: EventLoop) {
        guard let interval = manager.watchdogInterval else { return }
        loop.schedule(after: interval) {
            manager.isAlive()
            tellSignsOfLife(to: manager, on: loop)
        }
    }

    private static func fail(_ message: String, _ code: Int32) -> Int32 {
        let line = Array("error: \(message)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
        return code
    }

    /// Large blocks go back to the system when they are freed. By itself malloc(3) would keep the
    /// 16 MiB that checking a password takes, since it raises its limit with each such block.
    private static func returnLargeBlocks() {
        mallopt(M_MMAP_THRESHOLD, 1 << 20)
    }

    /// Every client is a descriptor: as many as the system lets this user have.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
