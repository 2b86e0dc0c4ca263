/// A file's name as a key: equal when its bytes are.
///
/// `String` takes two spellings of one character (U+00E9, and e with U+0301) for the same; Linux
/// and the database take them for two names, and so must the catalogue.
package struct ByteName: Hashable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (a: ByteName, b: ByteName) -> Bool {
        a.text.utf8.elementsEqual(b.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
    }
}
