import Glibc
import Options
import Wire

/// The descriptors and surroundings of a shell.
package struct ShellConfiguration: Sendable {
    package var input: Int32 = 0
    package var output: Int32 = 1
    package var errors: Int32 = 2
    package var environment: [String: String]
    /// Run instead of reading `input`; then the shell ends.
    package var commands: [String] = []
    /// After `commands`, wait for the peer to be stopped; `input` is never read.
    package var isDaemon = false

    package init(environment: [String: String]) {
        self.environment = environment
    }
}

/// Reads command lines, has the peer do what they say, and prints the answers.
///
/// Made and used on one thread of its own, which it blocks; other threads reach it only through
/// the service's handlers. On a terminal there are a prompt, line editing, and live progress;
/// elsewhere one command a line is read and nothing but answers is printed.
package final class Shell {
    let service: any PeerService
    let configuration: ShellConfiguration
    let control = ShellControl()
    let output: ShellOutput
    /// Whether a person types the commands.
    let isInteractive: Bool
    /// What completion offers besides commands.
    var seen = SeenNames()

    private var firstFailure: ExitCode?
    private var wantsExit = false
    private var editor: LineEditor?

    package init(service: any PeerService, configuration: ShellConfiguration) {
        self.service = service
        self.configuration = configuration
        output = ShellOutput(
            output: configuration.output, errors: configuration.errors,
            environment: configuration.environment)
        isInteractive =
            configuration.commands.isEmpty && !configuration.isDaemon
            && isatty(configuration.input) == 1 && output.isTerminal
        let control = control
        service.setInterruptHandler { control.interrupt() }
        service.setStopHandler { control.stop() }
        if isInteractive { service.setNoticeHandler { control.add($0) } }
    }

    /// Runs until `exit`, the end of the input, or the peer's stop, and asks the peer to stop.
    /// - Returns: the exit code of the first command that failed, where they weren't typed on a
    ///   terminal; else success.
    package func run() -> ExitCode {
        defer {
            output.flush()
            service.stop()
        }
        if configuration.isDaemon || !configuration.commands.isEmpty {
            runGivenCommands()
        } else {
            runLines()
        }
        return isInteractive ? .success : firstFailure ?? .success
    }

    private func runGivenCommands() {
        for command in configuration.commands where !wantsExit && !control.isStopping {
            execute(command)
        }
        guard configuration.isDaemon, !wantsExit else { return }
        while !control.isStopping {
            _ = InputWait(input: nil, wake: control.wake, milliseconds: -1)
            control.wake.drain()
        }
    }

    private func runLines() {
        let source = makeSource()
        while !wantsExit {
            refreshStatus()
            switch source.next() {
            case .line(let line): execute(line)
            case .unusable(let reason): fail(CommandError(reason, .usage))
            case .interrupted: continue
            case .stopped: return
            case .end:
                if isInteractive { output.line("") }
                return
            }
        }
    }

    private func makeSource() -> any LineSource {
        guard isInteractive else {
            return PipeLines(input: configuration.input, control: control)
        }
        let editor = LineEditor(
            prompt: "\(service.port)> ", input: configuration.input, output: output,
            control: control,
            history: ShellHistory(path: service.dataDirectory + "/history"))
        guard let editor else {
            return PipeLines(input: configuration.input, control: control)
        }
        editor.completions = { [unowned self] line in
            Completion.candidates(for: line, seen: seen)
        }
        editor.describe = { [unowned self] in describe($0) }
        self.editor = editor
        return editor
    }

    /// Runs one line; what goes wrong is printed and remembered, never thrown.
    func execute(_ line: String) {
        defer { output.flush() }
        do {
            try perform(line)
        } catch {
            fail(error)
        }
    }

    private func perform(_ line: String) throws(CommandError) {
        if CommandWords.isBlankOrComment(line) { return }
        let words: [String]
        do {
            words = try CommandWords.split(line)
        } catch {
            throw CommandError(error.message, .usage)
        }
        guard let name = words.first else { return }
        guard let command = CommandTable.find(name) else { throw Self.unknown(name) }
        let arguments = try command.parse(words.dropFirst(), asksPassword: canAskPassword)
        try command.run(self, arguments)
    }

    private func fail(_ error: CommandError) {
        if firstFailure == nil { firstFailure = error.exitCode }
        output.error(terminalSafe(error.message))
    }

    static func unknown(_ name: String) -> CommandError {
        let nearest = Spelling.nearest(to: name.lowercased(), among: CommandTable.names)
        let remedy = nearest.map { "did you mean '\($0)'?" } ?? "'help' lists all commands"
        return CommandError("unknown command '\(name)': \(remedy)", .usage)
    }

    func exit() {
        wantsExit = true
    }

    // MARK: Passwords

    private var canAskPassword: Bool {
        isatty(configuration.input) == 1 && output.isTerminal && !configuration.isDaemon
    }

    /// Asks for a password without echo; only where the command's parser let it be missing.
    func askPassword(_ question: String) throws(CommandError) -> String {
        let prompt = PasswordPrompt(
            input: configuration.input, output: output, control: control)
        return try prompt.ask(question)
    }

    // MARK: Progress

    /// Shows the downloads that go on above the prompt, while there are any.
    private func refreshStatus() {
        guard let editor else { return }
        guard !service.activeDownloads().isEmpty else {
            editor.status = nil
            return
        }
        editor.status = { [unowned self] in progress(of: service.activeDownloads()) }
    }

    /// One line about the downloads that go on; nil without any.
    func progress(of active: [DownloadStatus]) -> String? {
        if active.isEmpty { return nil }
        return ProgressLine(adding: active.map(\.progressLine))
            .text(width: output.width, style: output.style)
    }
}
