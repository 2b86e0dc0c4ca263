import Glibc

/// The shell's two outputs. Answers are gathered and written after each command; errors go out
/// at once, after the answers before them. Writing blocks; a reader that went away is no error,
/// what it would have read is dropped.
final class ShellOutput {
    let output: Int32
    let errors: Int32
    /// For answers, and for errors: each may be a terminal or not.
    let style: TextStyle
    private let errorStyle: TextStyle
    let isTerminal: Bool
    /// Whether escape sequences that move the cursor may be written.
    let movesCursor: Bool
    /// As terminfo knows it.
    let terminalKind: String
    private var pending: [UInt8] = []

    init(output: Int32, errors: Int32, environment: [String: String]) {
        self.output = output
        self.errors = errors
        isTerminal = isatty(output) == 1
        movesCursor = isTerminal && !TextStyle.isDumb(environment)
        terminalKind = TextStyle.isDumb(environment) ? "dumb" : environment["TERM"] ?? "dumb"
        style = TextStyle(isTerminal: isTerminal, environment: environment)
        errorStyle = TextStyle(isTerminal: isatty(errors) == 1, environment: environment)
    }

    /// Cells in a row of the terminal.
    var width: Int {
        var size = winsize()
        guard ioctl(output, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    func line(_ text: String) {
        raw(text + "\n")
    }

    func columns(_ columns: Columns) {
        for text in isTerminal ? columns.aligned(style: style) : columns.plain() { line(text) }
    }

    func raw(_ text: String) {
        pending += text.utf8
        if pending.count >= 65_536 { flush() }
    }

    func error(_ message: String) {
        flush()
        Self.write(Array("\(errorStyle.red("error:")) \(message)\n".utf8), to: errors)
    }

    func warning(_ message: String) {
        flush()
        Self.write(Array("\(errorStyle.yellow("warning:")) \(message)\n".utf8), to: errors)
    }

    func flush() {
        if pending.isEmpty { return }
        Self.write(pending, to: output)
        pending.removeAll(keepingCapacity: true)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&ready, 1, -1)
            } else if errno != EINTR {
                return
            }
        }
    }
}

/// A line that is drawn over again while a command runs; nothing where the output can't do that.
/// What the user types meanwhile is kept for the next prompt and not echoed into the line.
final class LiveLine {
    private let output: ShellOutput
    private let echo: EchoSwitch?
    private var isShown = false

    init(output: ShellOutput, input: Int32) {
        self.output = output
        echo = output.movesCursor ? EchoSwitch(input) : nil
    }

    var isEnabled: Bool { output.movesCursor }

    func show(_ text: String) {
        guard isEnabled else { return }
        echo?.turnOff()
        isShown = true
        output.raw("\r\(text)\u{1B}[K")
        output.flush()
    }

    /// Takes the line away and gives the terminal back.
    func clear() {
        if isShown { output.raw("\r\u{1B}[K") }
        output.flush()
        isShown = false
        echo?.restore()
    }
}

/// Turns a terminal's echo off and on again; does nothing to what isn't a terminal.
final class EchoSwitch {
    private let descriptor: Int32
    private var saved: termios?

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit { restore() }

    func turnOff() {
        guard saved == nil else { return }
        var state = termios()
        guard tcgetattr(descriptor, &state) == 0 else { return }
        saved = state
        state.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(descriptor, TCSADRAIN, &state)
    }

    func restore() {
        guard var state = saved else { return }
        saved = nil
        tcsetattr(descriptor, TCSADRAIN, &state)
    }
}
