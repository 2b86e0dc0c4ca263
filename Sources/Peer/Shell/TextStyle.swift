/// Colours, where they are wanted: on a terminal, unless NO_COLOR is set (no-color.org) or the
/// terminal is a dumb one. Elsewhere every function gives its text back untouched.
package struct TextStyle: Equatable, Sendable {
    package let usesColour: Bool

    package init(usesColour: Bool) {
        self.usesColour = usesColour
    }

    package init(isTerminal: Bool, environment: [String: String]) {
        let refuses = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        usesColour = isTerminal && !refuses && !Self.isDumb(environment)
    }

    /// Whether the terminal can't move its cursor (`TERM` is `dumb`, or missing).
    package static func isDumb(_ environment: [String: String]) -> Bool {
        let term = environment["TERM"] ?? ""
        return term.isEmpty || term == "dumb"
    }

    package func bold(_ text: String) -> String { sgr("1", text) }
    package func red(_ text: String) -> String { sgr("31", text) }
    package func green(_ text: String) -> String { sgr("32", text) }
    package func yellow(_ text: String) -> String { sgr("33", text) }

    /// ECMA-48 Select Graphic Rendition around `text`.
    private func sgr(_ code: String, _ text: String) -> String {
        usesColour ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
