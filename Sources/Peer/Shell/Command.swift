/// One command of the shell: what drives its help, its completion and its dispatch.
struct Command: Sendable {
    struct Argument: Sendable {
        /// What the argument names; completion offers what it knows of that kind.
        enum Kind: Equatable, Sendable {
            case user, password, group, groupKind, file, download, path, command
            /// The name of a download, or of its group where that is needed too.
            case downloadOrGroup
            case direction, rate
        }

        let name: String
        let kind: Kind
        let isOptional: Bool

        init(_ name: String, _ kind: Kind, isOptional: Bool = false) {
            self.name = name
            self.kind = kind
            self.isOptional = isOptional
        }
    }

    typealias Handler = @Sendable (Shell, CommandArguments) throws(CommandError) -> Void

    let name: String
    let aliases: [String]
    let arguments: [Argument]
    /// Words such as `--data` that may stand anywhere after the name.
    let flags: [String]
    let summary: String
    let run: Handler

    init(
        _ name: String, aliases: [String] = [], _ arguments: [Argument],
        flags: [String] = [], _ summary: String, run: @escaping Handler
    ) {
        self.name = name
        self.aliases = aliases
        self.arguments = arguments
        self.flags = flags
        self.summary = summary
        self.run = run
    }

    var takesPassword: Bool { arguments.contains { $0.kind == .password } }

    /// `login <user_id> <password>`: optional parts in brackets.
    var usage: String {
        let parts =
            flags.map { "[\($0)]" }
            + arguments.map { argument in
                argument.isOptional ? "[\(argument.name)]" : "<\(argument.name)>"
            }
        return ([name] + parts).joined(separator: " ")
    }

    /// The words after the name, sorted into flags and arguments; throws the usage where their
    /// number is wrong. A password may be missing where `asksPassword`.
    func parse(
        _ words: ArraySlice<String>, asksPassword: Bool
    ) throws(CommandError) -> CommandArguments {
        var parsed = CommandArguments()
        var takesFlags = !flags.isEmpty
        for word in words {
            if takesFlags, word == "--" {
                takesFlags = false
            } else if takesFlags, word.hasPrefix("--") {
                guard flags.contains(word) else { throw usageError }
                parsed.flags.insert(word)
            } else {
                parsed.words.append(word)
            }
        }
        let needed = arguments.filter { argument in
            !argument.isOptional && !(argument.kind == .password && asksPassword)
        }
        guard (needed.count...arguments.count).contains(parsed.words.count) else {
            throw usageError
        }
        return parsed
    }

    var usageError: CommandError { CommandError("usage: \(usage)", .usage) }
}

/// The arguments of one run of a command, their number checked.
struct CommandArguments {
    var words: [String] = []
    var flags: Set<String> = []

    subscript(_ index: Int) -> String { words[index] }

    /// An argument that may be missing.
    func optional(_ index: Int) -> String? { index < words.count ? words[index] : nil }
}
