/// A declarative GNU-style command line, with the same options from environment variables and a
/// config file. The command line wins over the environment, that over the file, and that over
/// the defaults, which the program gives where it reads a value.
///
/// `--help`, `--version` and `--config FILE` are added to the given options.
package struct OptionParser: Sendable {
    package let program: String
    /// Lines of operands after the program's name, such as `[OPTIONS] tracker_info.txt N`.
    package let usage: [String]
    /// One paragraph under the usage lines.
    package let summary: String
    package let options: [Option]
    private let byLongName: [String: Option]
    private let byShortName: [Character: Option]

    package init(program: String, usage: [String], summary: String = "", options: [Option]) {
        self.program = program
        self.usage = usage
        self.summary = summary
        self.options =
            options + [
                Option(
                    long: "config", value: "FILE",
                    help: "read options from FILE, a line each: `name = value`"),
                Option(long: "help", short: "h", help: "print this help and exit"),
                Option(long: "version", help: "print the version and exit"),
            ]
        byLongName = Dictionary(uniqueKeysWithValues: self.options.map { ($0.long, $0) })
        byShortName = Dictionary(
            uniqueKeysWithValues: self.options.compactMap { option in
                option.short.map { ($0, option) }
            })
    }

    /// Reads the command line, the environment and the config file. With `--help` or `--version`
    /// on the command line the rest isn't read: what is wrong there doesn't hide the help.
    /// - Parameters:
    ///   - arguments: without the program's own name.
    ///   - environment: all of it; only this program's variables are looked at.
    package func parse(
        arguments: [String], environment: [String: String]
    ) throws(OptionError) -> ParsedOptions {
        var parsed = ParsedOptions()
        if let asked = arguments.prefix(while: { $0 != "--" }).first(where: isQuestion) {
            if let option = byLongName[asked == "--version" ? "version" : "help"] {
                parsed.set(option, "on", .commandLine(spelling: asked))
            }
            return parsed
        }
        try readArguments(arguments, into: &parsed)
        if parsed.wantsHelp || parsed.wantsVersion { return parsed }
        readEnvironment(environment, into: &parsed)
        if let named = parsed.string("config") {
            let text = try ConfigFile.read(path: named, mustExist: true) ?? ""
            try readConfig(text, path: named, into: &parsed)
        } else if let path = ConfigFile.defaultPath(program: program, environment: environment),
            let text = try ConfigFile.read(path: path, mustExist: false)
        {
            try readConfig(text, path: path, into: &parsed)
        }
        try checkFlags(parsed)
        return parsed
    }

    private func isQuestion(_ argument: String) -> Bool {
        ["--help", "-h", "--version"].contains(argument)
    }

    // MARK: Command line

    private func readArguments(
        _ arguments: [String], into parsed: inout ParsedOptions
    ) throws(OptionError) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--" {
                parsed.operands += rest
                return
            } else if argument.hasPrefix("--") {
                try readLong(argument, rest: &rest, into: &parsed)
            } else if argument.hasPrefix("-"), argument != "-" {
                try readCluster(argument, rest: &rest, into: &parsed)
            } else {
                parsed.operands.append(argument)
            }
        }
    }

    /// `--name`, `--name=value`, `--name value`, and `--no-name` for a flag.
    private func readLong(
        _ argument: String, rest: inout ArraySlice<String>, into parsed: inout ParsedOptions
    ) throws(OptionError) {
        let parts = argument.dropFirst(2).split(
            separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        let given = parts.count > 1 ? String(parts[1]) : nil
        let source = OptionSource.commandLine(spelling: "--" + name)
        if name.hasPrefix("no-"), given == nil, let flag = byLongName[String(name.dropFirst(3))],
            flag.value == nil
        {
            parsed.set(flag, "off", source)
            return
        }
        guard let option = byLongName[name] else {
            throw unknown("--" + name, name: name, prefix: "--")
        }
        if option.value == nil {
            parsed.set(option, given ?? "on", source)
        } else if let value = given ?? rest.popFirst() {
            parsed.set(option, value, source)
        } else {
            throw missingValue(of: option, spelling: "--" + name)
        }
    }

    /// `-v`, several flags as `-vq`, and a value as `-d DIR` or `-dDIR`.
    private func readCluster(
        _ argument: String, rest: inout ArraySlice<String>, into parsed: inout ParsedOptions
    ) throws(OptionError) {
        var letters = argument.dropFirst()
        while let letter = letters.popFirst() {
            let spelling = "-\(letter)"
            guard let option = byShortName[letter] else {
                throw OptionError("\(spelling): unknown option; see `\(program) --help`")
            }
            if option.value == nil {
                parsed.set(option, "on", .commandLine(spelling: spelling))
                continue
            }
            let value = letters.isEmpty ? rest.popFirst() : String(letters)
            guard let value else { throw missingValue(of: option, spelling: spelling) }
            parsed.set(option, value, .commandLine(spelling: spelling))
            return
        }
    }

    // MARK: Environment and config file

    private func readEnvironment(
        _ environment: [String: String], into parsed: inout ParsedOptions
    ) {
        let alreadyGiven = parsed.givenNames
        for option in options where !alreadyGiven.contains(option.long) {
            // "MTORRENT_HELP" in an environment must not turn every run into a help page.
            guard option.long != "help", option.long != "version",
                let value = environment[option.environmentName], !value.isEmpty
            else { continue }
            parsed.set(option, value, .environment(name: option.environmentName))
        }
    }

    private func readConfig(
        _ text: String, path: String, into parsed: inout ParsedOptions
    ) throws(OptionError) {
        let alreadyGiven = parsed.givenNames
        for setting in try ConfigFile.settings(in: text, path: path) {
            let place = "\(path):\(setting.line)"
            guard let option = byLongName[setting.key],
                !["help", "version", "config"].contains(option.long)
            else {
                throw unknown("\(place): \(setting.key)", name: setting.key, prefix: "")
            }
            guard !alreadyGiven.contains(option.long) else { continue }
            parsed.set(
                option, setting.value,
                .file(path: path, line: setting.line, key: setting.key))
        }
    }

    private func checkFlags(_ parsed: ParsedOptions) throws(OptionError) {
        for option in options where option.value == nil { _ = try parsed.flag(option.long) }
    }

    // MARK: Errors

    private func missingValue(of option: Option, spelling: String) -> OptionError {
        let value = option.value ?? "VALUE"
        return OptionError("\(spelling): a value is missing: `--\(option.long) \(value)`")
    }

    private func unknown(_ written: String, name: String, prefix: String) -> OptionError {
        let nearest = Spelling.nearest(to: name, among: options.map(\.long))
        let remedy =
            nearest.map { "did you mean `\(prefix)\($0)`?" } ?? "see `\(program) --help`"
        return OptionError("\(written): unknown option; \(remedy)")
    }
}
