/// A command line taken apart into words, as a shell does it: blanks separate, `'…'` is literal,
/// `"…"` knows `\"` and `\\`, and elsewhere a backslash makes the next character ordinary.
package struct CommandWords: Equatable {
    /// Why a line can't be taken apart.
    package enum Problem: Error, Equatable {
        case openQuote(Character)
        case trailingBackslash

        package var message: String {
            switch self {
            case .openQuote(let quote): "a \(quote) is opened and never closed"
            case .trailingBackslash: "the line ends in a backslash that escapes nothing"
            }
        }
    }

    private enum State {
        /// Between words. Exits: any character that isn't blank.
        case blank
        /// In a word, outside quotes. Exits: a blank, a quote, a backslash.
        case plain
        /// Right after a backslash outside quotes. Exits: any character.
        case plainEscape
        /// In `'…'`. Exits: `'`.
        case single
        /// In `"…"`. Exits: `"`, a backslash.
        case double
        /// Right after a backslash in `"…"`. Exits: any character.
        case doubleEscape
    }

    private(set) package var words: [String] = []
    private var current = ""
    private var state = State.blank

    /// The words of `line`; throws where a quote or an escape is left open.
    package static func split(_ line: String) throws(Problem) -> [String] {
        var scanner = CommandWords()
        scanner.scan(line)
        switch scanner.state {
        case .blank: break
        case .plain: scanner.words.append(scanner.current)
        case .plainEscape, .doubleEscape: throw .trailingBackslash
        case .single: throw .openQuote("'")
        case .double: throw .openQuote("\"")
        }
        return scanner.words
    }

    /// What stands before the cursor: the words that are finished, and the one being typed with
    /// its quotes and escapes taken away (empty after a blank). Never fails: completion works
    /// inside an open quote too.
    package static func partial(_ line: String) -> (finished: [String], current: String) {
        var scanner = CommandWords()
        scanner.scan(line)
        return (scanner.words, scanner.state == .blank ? "" : scanner.current)
    }

    /// The beginning of the word being typed, as it stands in the line, quotes and all.
    package static func rawCurrentWord(_ line: String) -> Substring {
        var scanner = CommandWords()
        var start = line.endIndex
        for index in line.indices {
            let wasBlank = scanner.state == .blank
            scanner.take(line[index])
            if scanner.state == .blank {
                start = line.endIndex
            } else if wasBlank {
                start = index
            }
        }
        return line[start...]
    }

    /// `word` written so that ``split(_:)`` gives it back.
    package static func quoted(_ word: String) -> String {
        if word.isEmpty { return "''" }
        var result = ""
        for character in word {
            if character.isWhitespace || "\\'\"#".contains(character) { result.append("\\") }
            result.append(character)
        }
        return result
    }

    /// Whether a line holds no command: blank, or a `#` comment.
    package static func isBlankOrComment(_ line: String) -> Bool {
        guard let first = line.first(where: { !$0.isWhitespace }) else { return true }
        return first == "#"
    }

    private mutating func scan(_ line: String) {
        for character in line { take(character) }
    }

    private mutating func take(_ character: Character) {
        switch state {
        case .blank:
            if character.isWhitespace { return }
            state = .plain
            takePlain(character)
        case .plain:
            takePlain(character)
        case .plainEscape:
            current.append(character)
            state = .plain
        case .single:
            if character == "'" { state = .plain } else { current.append(character) }
        case .double:
            switch character {
            case "\"": state = .plain
            case "\\": state = .doubleEscape
            default: current.append(character)
            }
        case .doubleEscape:
            if character != "\"" && character != "\\" { current.append("\\") }
            current.append(character)
            state = .double
        }
    }

    private mutating func takePlain(_ character: Character) {
        switch character {
        case "'": state = .single
        case "\"": state = .double
        case "\\": state = .plainEscape
        case _ where character.isWhitespace:
            words.append(current)
            current = ""
            state = .blank
        default: current.append(character)
        }
    }
}
