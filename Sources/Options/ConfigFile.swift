import Glibc

/// The config file: `key = value` a line, `#` begins a comment at the start of a line or after a
/// space, empty lines count for nothing.
enum ConfigFile {
    struct Setting {
        let line: Int
        let key: String
        let value: String
    }

    /// More than any sensible config file, so that `--config /dev/zero` ends.
    static let maximumByteCount = 1 << 20

    static func settings(in text: String, path: String) throws(OptionError) -> [Setting] {
        var settings: [Setting] = []
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, raw) in lines.enumerated() {
            let line = trimmed(withoutComment(raw))
            if line.isEmpty { continue }
            guard let equals = line.firstIndex(of: "=") else {
                throw OptionError("\(path):\(index + 1): `\(line)` is not `name = value`")
            }
            let key = trimmed(line[..<equals])
            let value = trimmed(line[line.index(after: equals)...])
            guard !key.isEmpty, !value.isEmpty else {
                throw OptionError("\(path):\(index + 1): `\(line)` is not `name = value`")
            }
            settings.append(Setting(line: index + 1, key: String(key), value: String(value)))
        }
        return settings
    }

    /// `$XDG_CONFIG_HOME/mtorrent/PROGRAM.conf`, `~/.config` standing in. A relative path there is
    /// to be ignored (XDG Base Directory Specification).
    static func defaultPath(program: String, environment: [String: String]) -> String? {
        if let folder = environment["XDG_CONFIG_HOME"], folder.hasPrefix("/") {
            return "\(folder)/mtorrent/\(program).conf"
        }
        guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
        return "\(home)/.config/mtorrent/\(program).conf"
    }

    /// The file's text; nil where there is none and it need not exist.
    static func read(path: String, mustExist: Bool) throws(OptionError) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if !mustExist, errno == ENOENT || errno == ENOTDIR { return nil }
            throw OptionError("\(path): can't read the config file: \(systemError())")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw OptionError("\(path): can't read the config file: \(systemError())")
            }
            if count == 0 { break }
            bytes += buffer[..<count]
            guard bytes.count <= maximumByteCount else {
                throw OptionError("\(path): the config file is longer than 1 MiB")
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw OptionError("\(path): the config file is not UTF-8 text")
        }
        return text
    }

    private static func systemError() -> String { String(cString: strerror(errno)) }

    private static func withoutComment(_ line: Substring) -> Substring {
        var previous: Character = " "
        for index in line.indices {
            if line[index] == "#", previous.isWhitespace { return line[..<index] }
            previous = line[index]
        }
        return line
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
