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
            let settings = try TrackerSettings(options)
            return try serve(settings, environment: environment)
        } catch let error as OptionError {
            return fail("\(error)", ExitCode.usage)
        } catch {
            return fail("\(error)", ExitCode.failed)
        }
    }

    private static func serve(
        _ settings: TrackerSettings, environment: [String: String]
    ) throws -> Int32 {
        SignalSource.block([SIGINT, SIGTERM, SIGHUP])
        raiseDescriptorLimit()
        returnLargeBlocks()
        let sink = try settings.logFile.map { try LogSink(path: $0) } ?? .standardError
        let logger = Logger(level: settings.logLevel, sink: sink)
        let node = try TrackerNode(
            address: settings.address,
            dataFolder: { (port) throws(StartError) in
                if let folder = settings.dataFolder { return folder }
                return try DataFolder.defaultPath(port: port, environment: environment)
            }, configuration: settings.configuration, logger: logger)
        let signals = try SignalSource(loop: node.loop, signals: [SIGINT, SIGTERM, SIGHUP]) {
            if $0 != SIGHUP { return node.stop() }
            do throws(LogFileError) {
                try sink.reopen()
            } catch {
                logger.error("can't open the log file again", ["error": error])
            }
        }
        TerminalCommands.watch(stopping: LoopBound(node, on: node.loop))
        print("listening on \(node.address)")
        fflush(nil)
        node.run()
        signals.close()
        if let failure = node.failure { return fail(failure, ExitCode.failed) }
        return ExitCode.success
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
