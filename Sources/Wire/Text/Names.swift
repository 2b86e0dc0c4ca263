/// The rule for ids of users and groups.
package enum Identifier {
    /// The most characters an id may have.
    package static let maxLength = 64

    /// Whether the text is 1 to 64 of `A-Z a-z 0-9 . _ -`.
    package static func isValid(_ text: some StringProtocol) -> Bool {
        (1...maxLength).contains(text.utf8.count) && text.utf8.allSatisfy(isAllowed)
    }

    private static func isAllowed(_ character: UInt8) -> Bool {
        switch character {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }
}

/// The rule for names of shared files.
package enum FileName {
    /// The most bytes of UTF-8 a name may have: `NAME_MAX` of Linux.
    package static let maxLength = 255

    /// Whether the text is a single path component: not empty, not `.` or `..`, without `/` and
    /// NUL, at most 255 bytes of UTF-8.
    package static func isValid(_ text: some StringProtocol) -> Bool {
        (1...maxLength).contains(text.utf8.count) && text != "." && text != ".."
            && text.utf8.allSatisfy { $0 != 0 && $0 != UInt8(ascii: "/") }
    }
}
