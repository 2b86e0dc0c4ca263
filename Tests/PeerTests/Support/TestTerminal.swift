import Foundation

@testable import Peer

/// A pseudo-terminal with a screen: what a person would see of a program that writes to it.
final class TestTerminal {
    let descriptor: Int32
    private let master: Int32
    private(set) var screen: TestScreen
    /// Everything written to the terminal.
    private(set) var bytes: [UInt8] = []

    init(columns: Int = 80, rows: Int = 24) {
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        var number: Int32 = 0
        var locked: Int32 = 0
        // TIOCGPTN and TIOCSPTLCK of ioctl_tty(2): what ptsname and unlockpt ask for.
        guard ioctl(master, 0x8004_5430, &number) == 0, ioctl(master, 0x4004_5431, &locked) == 0
        else { fatalError("no pseudo-terminal: errno \(errno)") }
        descriptor = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        screen = TestScreen(columns: columns, rows: rows)
        resize(columns: columns, rows: rows)
    }

    deinit {
        close(descriptor)
        close(master)
    }

    func resize(columns: Int, rows: Int) {
        var size = winsize()
        size.ws_col = UInt16(columns)
        size.ws_row = UInt16(rows)
        _ = ioctl(descriptor, UInt(TIOCSWINSZ), &size)
    }

    var echoes: Bool {
        var state = termios()
        return tcgetattr(descriptor, &state) == 0 && state.c_lflag & tcflag_t(ECHO) != 0
    }

    func type(_ text: String) {
        let bytes = Array(text.utf8)
        _ = write(master, bytes, bytes.count)
    }

    /// Draws what comes until `condition` holds; false where it doesn't within 10 s.
    func wait(until condition: (TestScreen) -> Bool) -> Bool {
        let deadline = Date().addingTimeInterval(10)
        while !condition(screen) {
            guard Date() < deadline else { return false }
            draw(waitingMilliseconds: 50)
        }
        return true
    }

    func wait(for text: String) -> Bool {
        wait { $0.text.contains(text) }
    }

    /// Draws what is there.
    func draw(waitingMilliseconds: Int32 = 0) {
        var ready = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
        var wait = waitingMilliseconds
        while poll(&ready, 1, wait) > 0, ready.revents & Int16(POLLIN) != 0 {
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = read(master, &chunk, chunk.count)
            guard count > 0 else { return }
            bytes += chunk[..<count]
            screen.draw(chunk[..<count])
            wait = 0
        }
    }
}

/// The part of a VT100 and ECMA-48 that a line editor uses. Wide characters aren't known.
struct TestScreen {
    private let columns: Int
    private var rows: [[Character]]
    private var row = 0
    private var column = 0
    private var saved = (row: 0, column: 0)
    private var sequence: [UInt8] = []
    private var isWrapPending = false

    init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = Array(repeating: Array(repeating: " ", count: columns), count: rows)
    }

    /// The rows without blanks at their ends, down to the last that isn't empty.
    var lines: [String] {
        var lines = rows.map { row in
            var text = String(row)
            while text.last == " " { text.removeLast() }
            return text
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    var text: String { lines.joined(separator: "\n") }
    var cursor: (row: Int, column: Int) { (row, column) }

    mutating func draw(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { take(byte) }
    }

    private mutating func take(_ byte: UInt8) {
        if !sequence.isEmpty {
            sequence.append(byte)
            takeSequence()
            return
        }
        switch byte {
        case 0x1B: sequence = [byte]
        case 0x0A: lineFeed()
        case 0x0D: move(toColumn: 0)
        case 0x08: move(toColumn: max(0, column - 1))
        case 0x07: break
        case 0xC2...0xF4: sequence = [byte]
        case 0x20...: put(Character(Unicode.Scalar(byte)))
        default: break
        }
    }

    private mutating func put(_ character: Character) {
        if isWrapPending {
            column = 0
            lineFeed()
        }
        rows[row][column] = character
        if column == columns - 1 { isWrapPending = true } else { column += 1 }
    }

    private mutating func lineFeed() {
        isWrapPending = false
        if row == rows.count - 1 {
            rows.removeFirst()
            rows.append(Array(repeating: " ", count: columns))
        } else {
            row += 1
        }
    }

    private mutating func move(toColumn target: Int) {
        isWrapPending = false
        column = min(max(0, target), columns - 1)
    }

    private mutating func takeSequence() {
        guard sequence[0] == 0x1B else {
            let length = sequence[0] < 0xE0 ? 2 : sequence[0] < 0xF0 ? 3 : 4
            guard sequence.count == length else { return }
            let text = String(decoding: sequence, as: UTF8.self)
            sequence = []
            put(text.first ?? "?")
            return
        }
        switch sequence[1] {
        case UInt8(ascii: "["):
            guard sequence.count > 2, let last = sequence.last, (0x40...0x7E).contains(last)
            else { return }
            control(last, String(decoding: sequence[2..<(sequence.count - 1)], as: UTF8.self))
        case UInt8(ascii: "7"): saved = (row, column)
        case UInt8(ascii: "8"): (row, column) = saved
        case UInt8(ascii: "("), UInt8(ascii: ")"):
            if sequence.count < 3 { return }
        default: break
        }
        sequence = []
    }

    private mutating func control(_ final: UInt8, _ parameters: String) {
        let numbers = parameters.split(separator: ";").map { Int($0) ?? 0 }
        let count = max(1, numbers.first ?? 1)
        isWrapPending = false
        switch UnicodeScalar(final) {
        case "A": row = max(0, row - count)
        case "B": row = min(rows.count - 1, row + count)
        case "C": move(toColumn: column + count)
        case "D": move(toColumn: column - count)
        case "G": move(toColumn: count - 1)
        case "H":
            row = min(rows.count, count) - 1
            move(toColumn: (numbers.count > 1 ? numbers[1] : 1) - 1)
        case "J": erase(from: numbers.first == 2 ? 0 : row, wholeRow: numbers.first == 2)
        case "K": for cell in column..<columns { rows[row][cell] = " " }
        case "M":
            for _ in 0..<count {
                rows.remove(at: row)
                rows.append(Array(repeating: " ", count: columns))
            }
        case "P":
            rows[row].removeSubrange(column..<min(columns, column + count))
            rows[row] += Array(repeating: " ", count: columns - rows[row].count)
        case "@":
            rows[row].insert(contentsOf: Array(repeating: " ", count: count), at: column)
            rows[row].removeLast(rows[row].count - columns)
        default: break
        }
    }

    private mutating func erase(from first: Int, wholeRow: Bool) {
        for index in first..<rows.count {
            let start = index == first && !wholeRow ? column : 0
            for cell in start..<columns { rows[index][cell] = " " }
        }
    }
}
