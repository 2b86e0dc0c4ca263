/// The text with everything escaped that could move the cursor, change colours, or reorder what
/// is seen: control characters (C0, DEL, C1), bidirectional controls and other invisible format
/// characters, line and paragraph separators. They are written `\n`, `\t`, `\r` or `\u{1b}`; a
/// backslash stays as it is. The joiners that scripts and emoji need to be spelt are kept.
package func terminalSafe(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isUnsafeOnTerminal) else { return text }
    var safe = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\n": safe += "\\n"
        case "\t": safe += "\\t"
        case "\r": safe += "\\r"
        case _ where isUnsafeOnTerminal(scalar):
            safe += "\\u{" + String(scalar.value, radix: 16) + "}"
        default: safe.unicodeScalars.append(scalar)
        }
    }
    return safe
}

private func isUnsafeOnTerminal(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value < 0x20 || scalar.value >= 0x7f else { return false }
    return switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    case .format: scalar != "\u{200c}" && scalar != "\u{200d}"
    default: false
    }
}
