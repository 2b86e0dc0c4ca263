/// How many cells of a terminal a text takes.
package enum DisplayWidth {
    /// Blocks whose characters take two cells (Unicode UAX #11, the Wide and Fullwidth ones that
    /// occur in file names; emoji are told by their property).
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
        0xA000...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
        0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD,
    ]

    package static func of(_ text: some StringProtocol) -> Int {
        var width = 0
        for scalar in text.unicodeScalars { width += of(scalar) }
        return width
    }

    /// `text` cut to at most `cells`, with `…` in place of what went.
    package static func truncated(_ text: String, to cells: Int) -> String {
        if of(text) <= cells { return text }
        guard cells > 0 else { return "" }
        var result = ""
        var width = 0
        for character in text {
            width += of(String(character))
            if width > cells - 1 { break }
            result.append(character)
        }
        return result + "…"
    }

    private static func of(_ scalar: Unicode.Scalar) -> Int {
        if scalar.value < 0x7F { return scalar.value < 0x20 ? 0 : 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: break
        }
        if scalar.properties.isEmojiPresentation { return 2 }
        return wide.contains { $0.contains(scalar.value) } ? 2 : 1
    }
}
