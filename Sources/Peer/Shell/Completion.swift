import Glibc
import Wire

/// Names that commands brought up, for completion.
struct SeenNames {
    var users: Set<String> = []
    var groups: Set<String> = []
    /// By group.
    var files: [String: Set<String>] = [:]
    var downloads: Set<String> = []
}

/// What could be typed at the end of a line.
struct Completion: Equatable {
    /// The whole word, not quoted.
    let word: String
    /// Whether the word ends here: a directory's name goes on.
    let isFinal: Bool

    /// Entries of a directory that are looked at: completion must not hang in a huge one.
    private static let directoryLimit = 10_000

    /// What fits the word being typed at the end of `line`, sorted.
    static func candidates(for line: String, seen: SeenNames) -> [Completion] {
        let (finished, current) = CommandWords.partial(line)
        guard let name = finished.first else {
            return words(CommandTable.names, beginningWith: current)
        }
        guard let command = CommandTable.find(name) else { return [] }
        // What the value of an option may be isn't known.
        if let last = finished.last, command.option(named: last) != nil { return [] }
        let flags = command.flags + command.options.map(\.name)
        if current.hasPrefix("-"), !flags.isEmpty {
            return words(flags, beginningWith: current)
        }
        let given = command.arguments(among: finished.dropFirst())
        guard given.count < command.arguments.count else { return [] }
        switch command.arguments[given.count].kind {
        case .password: return []
        case .command: return words(CommandTable.names, beginningWith: current)
        case .groupKind: return words(GroupKind.allCases.map(\.rawValue), beginningWith: current)
        case .user: return words(seen.users, beginningWith: current)
        case .group: return words(seen.groups, beginningWith: current)
        case .download: return words(seen.downloads, beginningWith: current)
        case .downloadOrGroup:
            return words(seen.downloads.union(seen.groups), beginningWith: current)
        case .direction: return words(Direction.allCases.map(\.rawValue), beginningWith: current)
        case .rate: return words(["off"], beginningWith: current)
        case .reset: return words(["reset"], beginningWith: current)
        case .file:
            let files = given.first.flatMap { seen.files[$0] }
            return words(files ?? [], beginningWith: current)
        case .path: return paths(beginningWith: current)
        }
    }

    /// The longest beginning that all have in common.
    static func commonPrefix(of candidates: [Completion]) -> String {
        guard var prefix = candidates.first?.word else { return "" }
        for candidate in candidates.dropFirst() {
            let common = zip(prefix, candidate.word).prefix { $0 == $1 }.count
            prefix = String(prefix.prefix(common))
        }
        return prefix
    }

    private static func words(
        _ known: some Collection<String>, beginningWith prefix: String
    ) -> [Completion] {
        known.filter { $0.hasPrefix(prefix) }.sorted()
            .map { Completion(word: $0, isFinal: true) }
    }

    private static func paths(beginningWith typed: String) -> [Completion] {
        let slash = typed.lastIndex(of: "/")
        let folder = slash.map { typed[...$0] } ?? ""
        let prefix = slash.map { typed[typed.index(after: $0)...] } ?? typed[...]
        var opened = folder.isEmpty ? "." : String(folder)
        if opened.hasPrefix("~/"), let home = getenv("HOME") {
            opened = String(cString: home) + opened.dropFirst()
        }
        guard let directory = opendir(opened) else { return [] }
        defer { closedir(directory) }
        var found: [Completion] = []
        for _ in 0..<directoryLimit {
            guard let entry = readdir(directory) else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." || !name.hasPrefix(prefix) { continue }
            // Hidden files are offered to who asks for them.
            if name.hasPrefix("."), prefix.isEmpty { continue }
            let isFolder = isDirectory(opened + "/" + name)
            found.append(
                Completion(word: folder + name + (isFolder ? "/" : ""), isFinal: !isFolder))
        }
        return found.sorted { $0.word < $1.word }
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
