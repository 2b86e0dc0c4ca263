/// One command of the shell: what drives its help, its completion and its dispatch.
struct Command: Sendable {
    struct Argument: Sendable {
        /// What the argument names; completion offers what it knows of that kind.
        enum Kind: Equatable, Sendable {
            case user, password, group, groupKind, file, download, path, command
            /// The name of a download, or of its group where that is needed too.
            case downloadOrGroup
            case direction, rate, reset
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

    /// An option with a value, which may be given several times: `--only PATTERN`.
    struct Option: Sendable {
        let name: String
        let value: String
    }

    typealias Handler = @Sendable (Shell, CommandArguments) throws(CommandError) -> Void

    let name: String
    let aliases: [String]
    let arguments: [Argument]
    /// Words such as `--data` that may stand anywhere after the name.
    let flags: [String]
    /// They may stand where flags may, as `--name VALUE` or `--name=VALUE`.
    let options: [Option]
    let summary: String
    let run: Handler

    init(
        _ name: String, aliases: [String] = [], _ arguments: [Argument],
        flags: [String] = [], options: [Option] = [], _ summary: String, run: @escaping Handler
    ) {
        self.name = name
        self.aliases = aliases
        self.arguments = arguments
        self.flags = flags
        self.options = options
        self.summary = summary
        self.run = run
    }

    var takesPassword: Bool { arguments.contains { $0.kind == .password } }

    /// `login <user_id> <password>`: optional parts in brackets, what may be repeated with dots.
    var usage: String {
        let parts =
            arguments.map { argument in
                argument.isOptional ? "[\(argument.name)]" : "<\(argument.name)>"
            }
            + options.map { "[\($0.name) \($0.value)]..." } + flags.map { "[\($0)]" }
        return ([name] + parts).joined(separator: " ")
    }

    /// The words after the name, sorted into flags and arguments; throws the usage where their
    /// number is wrong. A password may be missing where `asksPassword`.
    func parse(
        _ words: ArraySlice<String>, asksPassword: Bool
    ) throws(CommandError) -> CommandArguments {
        var parsed = CommandArguments()
        var takesFlags = !(flags.isEmpty && options.isEmpty)
        var rest = words
        while let word = rest.popFirst() {
            if takesFlags, word == "--" {
                takesFlags = false
            } else if takesFlags, word.hasPrefix("--") {
                guard !flags.contains(word) else {
                    parsed.flags.insert(word)
                    continue
                }
                let parts = word.split(
                    separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard let option = option(named: String(parts[0])),
                    let value = parts.count > 1 ? String(parts[1]) : rest.popFirst(),
                    !value.isEmpty
                else { throw usageError }
                parsed.values[option.name, default: []].append(value)
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

    func option(named name: String) -> Option? { options.first { $0.name == name } }

    /// Those of the words that are arguments, and not flags, options, or values of options.
    func arguments(among words: some Sequence<String>) -> [String] {
        let takesFlags = !(flags.isEmpty && options.isEmpty)
        var found: [String] = []
        var isValue = false
        for word in words {
            if !isValue, !(takesFlags && word.hasPrefix("--")) { found.append(word) }
            isValue = !isValue && option(named: word) != nil
        }
        return found
    }

    var usageError: CommandError { CommandError("usage: \(usage)", .usage) }
}

/// The arguments of one run of a command, their number checked.
struct CommandArguments {
    var words: [String] = []
    var flags: Set<String> = []
    /// Of options, by name, in their order.
    var values: [String: [String]] = [:]

    subscript(_ index: Int) -> String { words[index] }

    /// An argument that may be missing.
    func optional(_ index: Int) -> String? { index < words.count ? words[index] : nil }
}
