import Glibc

/// The form of a line: fields apart by a space, values quoted where they need it.
enum LogLine {
    static func append(_ fields: Logger.Fields, to line: inout String) {
        for (key, value) in fields {
            line += " \(key)="
            append(value: value.description, to: &line)
        }
    }

    /// A value of plain visible characters stands as it is. Any other is quoted, with `"` and `\`
    /// escaped, and control, format and line-separating characters written as `\n` or `\u{…}`, so
    /// that a value can neither end its line nor drive a terminal.
    static func append(value: String, to line: inout String) {
        if !value.isEmpty, value.utf8.allSatisfy(isPlain) {
            line += value
            return
        }
        line += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": line += "\\\""
            case "\\": line += "\\\\"
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            default:
                if isUnsafe(scalar) {
                    line += "\\u{\(String(scalar.value, radix: 16))}"
                } else {
                    line.unicodeScalars.append(scalar)
                }
            }
        }
        line += "\""
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7f && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "=")
            && byte != UInt8(ascii: "\\")
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate,
            .unassigned:
            true
        default: false
        }
    }

    /// Now in UTC to the millisecond, as RFC 3339 writes it.
    static func timestamp() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return timestamp(seconds: now.tv_sec, milliseconds: now.tv_nsec / 1_000_000)
    }

    static func timestamp(seconds: Int, milliseconds: Int) -> String {
        var seconds = time_t(seconds)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var text = padded(Int(parts.tm_year) + 1900, 4)
        text += "-\(padded(Int(parts.tm_mon) + 1, 2))-\(padded(Int(parts.tm_mday), 2))"
        text += "T\(padded(Int(parts.tm_hour), 2)):\(padded(Int(parts.tm_min), 2))"
        text += ":\(padded(Int(parts.tm_sec), 2)).\(padded(milliseconds, 3))Z"
        return text
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
