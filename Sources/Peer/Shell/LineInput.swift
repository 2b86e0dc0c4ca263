import Glibc

/// What asking for the next command line brings.
enum LineOutcome: Equatable {
    case line(String)
    /// Not usable as a command, with the reason; the input goes on.
    case unusable(String)
    /// The user gave up this line.
    case interrupted
    /// The input has ended.
    case end
    /// The peer stops.
    case stopped
}

/// Where command lines come from.
protocol LineSource: AnyObject {
    /// Blocks until there is a line, or no more.
    func next() -> LineOutcome
}

/// Lines of a pipe or file. It reads ahead: nobody else may read the same input.
final class PipeLines: LineSource {
    /// Longer than any path and id together; a line beyond it is passed over as a whole.
    static let maximumLineBytes = 65_536

    private let input: Int32
    private let control: ShellControl
    private var buffer: [UInt8] = []
    private var scanned = 0
    private var isSkipping = false
    private var hasEnded = false

    init(input: Int32, control: ShellControl) {
        self.input = input
        self.control = control
    }

    func next() -> LineOutcome {
        while true {
            if control.isStopping { return .stopped }
            if let outcome = takeLine() { return outcome }
            if hasEnded { return takeLast() }
            let wait = InputWait(input: input, wake: control.wake, milliseconds: -1)
            if wait.isAwake { control.wake.drain() }
            if wait.isInputReady { fill() }
        }
    }

    private func fill() {
        var chunk = [UInt8](repeating: 0, count: 16_384)
        let count = read(input, &chunk, chunk.count)
        if count > 0 {
            buffer += chunk[..<count]
        } else if count == 0 || (errno != EINTR && errno != EAGAIN) {
            // A pipe that can't be read any more brings nothing more.
            hasEnded = true
        }
    }

    private func takeLine() -> LineOutcome? {
        guard let newline = buffer[scanned...].firstIndex(of: 0x0A) else {
            scanned = buffer.count
            if buffer.count > Self.maximumLineBytes {
                isSkipping = true
                buffer.removeAll()
                scanned = 0
            }
            return nil
        }
        let bytes = buffer[..<newline]
        defer {
            buffer.removeFirst(newline + 1)
            scanned = 0
        }
        return outcome(of: bytes)
    }

    private func takeLast() -> LineOutcome {
        if buffer.isEmpty && !isSkipping { return .end }
        defer {
            buffer.removeAll()
            scanned = 0
        }
        return outcome(of: buffer[...])
    }

    private func outcome(of bytes: ArraySlice<UInt8>) -> LineOutcome {
        if isSkipping || bytes.count > Self.maximumLineBytes {
            isSkipping = false
            return .unusable("a line is longer than \(Self.maximumLineBytes) bytes")
        }
        let line = bytes.last == 0x0D ? bytes.dropLast() : bytes
        guard let text = String(validating: line, as: UTF8.self), !line.contains(0) else {
            return .unusable("a line is not UTF-8 text")
        }
        return .line(text)
    }
}

/// Reads a password from a terminal without echo.
struct PasswordPrompt {
    private static let maximumBytes = 4096

    let input: Int32
    let output: ShellOutput
    let control: ShellControl

    /// Asks, and returns what was typed before Enter.
    func ask(_ question: String) throws(CommandError) -> String {
        let echo = EchoSwitch(input)
        echo.turnOff()
        defer { echo.restore() }
        control.enter(.editing(isEmpty: false))
        defer { control.enter(.idle) }
        output.raw(question)
        output.flush()
        // The Enter isn't echoed either.
        defer { output.raw("\n") }
        return try readLine()
    }

    private func readLine() throws(CommandError) -> String {
        var bytes: [UInt8] = []
        while true {
            let wait = InputWait(input: input, wake: control.wake, milliseconds: -1)
            if wait.isAwake {
                control.wake.drain()
                if control.isStopping { throw CommandError("stopping", .interrupted) }
                if control.takeInterrupt() { throw CommandError("interrupted", .interrupted) }
            }
            guard wait.isInputReady else { continue }
            // Byte by byte: what follows the line belongs to the next prompt.
            var byte: UInt8 = 0
            let count = read(input, &byte, 1)
            if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
            guard count == 1, bytes.count < Self.maximumBytes else {
                throw CommandError("no password was given", .usage)
            }
            if byte == 0x0A { break }
            bytes.append(byte)
        }
        guard let password = String(validating: bytes, as: UTF8.self) else {
            throw CommandError("the password is not UTF-8 text", .usage)
        }
        return password
    }
}
