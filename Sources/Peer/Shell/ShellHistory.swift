import Glibc
import Options

/// The lines typed before, in a file for the owner alone; never one with a password.
struct ShellHistory {
    /// Lines kept when the file is read; it may grow to twice as many.
    static let limit = 1000
    /// Bytes read of the file: what is before them is too old to be kept anyway.
    private static let maximumBytes = 4 << 20

    private let path: String
    /// Oldest first.
    private(set) var lines: [String]

    /// Reads the file where there is one, and cuts it where it has grown long. A history that
    /// can't be read or written is done without.
    init(path: String) {
        self.path = path
        lines = []
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < Self.maximumBytes {
            let count = read(descriptor, &chunk, chunk.count)
            if count <= 0 { break }
            bytes += chunk[..<count]
        }
        let all = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        lines = Array(all.suffix(Self.limit))
        if all.count > Self.limit * 2 { rewrite() }
    }

    /// Appends a line, unless it is the last one again or holds a password.
    /// - Returns: whether it was taken.
    mutating func append(_ line: String) -> Bool {
        let isBlank = line.allSatisfy(\.isWhitespace)
        if isBlank || line == lines.last || Self.mayHoldPassword(line) { return false }
        lines.append(line)
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        fchmod(descriptor, 0o600)
        write(line + "\n", to: descriptor)
        return true
    }

    /// Whether a line names a command that takes a password, or something like one mistyped,
    /// followed by more than the user's name.
    static func mayHoldPassword(_ line: String) -> Bool {
        // A line commented out is no better place for a password.
        let typed = CommandWords.partial(String(line.drop { $0.isWhitespace || $0 == "#" }))
        let words = typed.current.isEmpty ? typed.finished : typed.finished + [typed.current]
        guard words.count > 2, let command = words.first else { return false }
        let secret = CommandTable.all.filter(\.takesPassword).map(\.name)
        if secret.contains(command) { return true }
        if CommandTable.find(command) != nil { return false }
        let meant = Spelling.nearest(to: command.lowercased(), among: CommandTable.names)
        return meant.map(secret.contains) ?? false
    }

    private func rewrite() {
        let new = path + ".new"
        let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        let isWritten = write(lines.joined(separator: "\n") + "\n", to: descriptor)
        close(descriptor)
        if isWritten { rename(new, path) } else { unlink(new) }
    }

    @discardableResult
    private func write(_ text: String, to descriptor: Int32) -> Bool {
        let bytes = Array(text.utf8)
        return Glibc.write(descriptor, bytes, bytes.count) == bytes.count
    }
}
