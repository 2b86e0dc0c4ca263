import Wire

extension Shell {
    static func listFiles(_ shell: Shell, _ arguments: CommandArguments) throws(CommandError) {
        let group = arguments[0]
        let files = try shell.service.listFiles(group: group)
        shell.seen.groups.insert(group)
        shell.seen.files[group] = Set(files.map(\.name))
        var columns = Columns([("FILE", .left), ("SIZE", .right), ("SHARERS", .right)])
        for file in files {
            // A person sees by the slash, as ls -F puts it, what is a directory.
            let mark = file.fileCount != nil && shell.output.isTerminal ? "/" : ""
            columns.append([
                terminalSafe(file.name) + mark, shell.size(file.size),
                "\(file.sharersOnline)/\(file.sharers)",
            ])
        }
        shell.print(columns, orIfEmpty: "\(terminalSafe(group)) shares no files yet")
    }

    static func uploadFile(_ shell: Shell, _ arguments: CommandArguments) throws(CommandError) {
        let (path, group, service) = (arguments[0], arguments[1], shell.service)
        let outcome = try shell.runHashing(name: lastComponent(path)) {
            (cancellation, onProgress) throws(CommandError) in
            try service.uploadFile(
                path: path, group: group, cancellation: cancellation, onProgress: onProgress)
        }
        shell.seen.files[group, default: []].insert(outcome.name)
        let place = "\(terminalSafe(outcome.name)) in \(terminalSafe(group))"
        shell.output.line(
            outcome.created
                ? "sharing \(place): \(describe(outcome))"
                : "\(place) was there already: you are one of its sharers now")
    }

    static func stopShare(_ shell: Shell, _ arguments: CommandArguments) throws(CommandError) {
        let (group, name) = (arguments[0], entryName(arguments[1]))
        try shell.service.stopShare(group: group, name: name)
        shell.output.line("no longer sharing \(terminalSafe(name)) in \(terminalSafe(group))")
    }

    static func export(_ shell: Shell, _ arguments: CommandArguments) throws(CommandError) {
        let path = try shell.service.export(
            group: arguments[0], name: entryName(arguments[1]), torrentPath: arguments[2])
        shell.output.line(
            "wrote \(terminalSafe(path)); it holds your own passkey: give it to nobody")
    }

    static func fileInfo(_ shell: Shell, _ arguments: CommandArguments) throws(CommandError) {
        let details = try shell.service.fileInfo(
            group: arguments[0], name: entryName(arguments[1]))
        let file = details.file
        var facts = Columns([("", .left), ("", .left)])
        facts.append(["name", terminalSafe(file.name)])
        facts.append([
            "size",
            shell.output.isTerminal
                ? "\(Quantity.bytes(file.size)) (\(file.size) bytes)" : "\(file.size)",
        ])
        if let count = file.fileCount { facts.append(["files", "\(count)"]) }
        if let sha1 = file.sha1 { facts.append(["sha1", sha1.hex]) }
        facts.append(["info_hash", file.infoHash.hex])
        facts.append(["piece_length", shell.size(Int64(file.pieceLength))])
        facts.append(["pieces", "\(file.pieceCount)"])
        facts.append(["added", "\(date(file.addedAt)) by \(terminalSafe(file.addedBy))"])
        facts.append(["sharers", "\(file.sharersOnline)/\(file.sharers)"])
        shell.output.columns(facts)
        shell.printSharers(of: details)
        if file.fileCount != nil { try shell.printFiles(of: details) }
    }

    /// `file`, path, size and hash, a line for each file of a directory.
    private func printFiles(of details: FileDetails) throws(CommandError) {
        let info: Info
        do {
            info = try Info(decoding: details.info.bytes)
        } catch {
            throw CommandError(
                "the tracker describes \(details.file.name) wrongly: \(error)", .badMetainfo)
        }
        let marker = output.isTerminal ? [] : ["file"]
        var columns = Columns(
            marker.map { ($0, .left) } + [("FILE", .left), ("SIZE", .right), ("SHA1", .left)])
        for file in info.files where !file.isPad {
            columns.append(
                marker + [
                    terminalSafe(file.joinedPath), size(file.length), file.sha1?.hex ?? "-",
                ])
        }
        if output.isTerminal { output.line("") }
        output.columns(columns)
    }

    /// A directory's name may be typed with the slash that it is shown with.
    static func entryName(_ word: String) -> String {
        word.count > 1 && word.hasSuffix("/") ? String(word.dropLast()) : word
    }

    /// `sharer`, name, state and pieces held, a line each; under a heading for a person.
    private func printSharers(of details: FileDetails) {
        if details.sharers.isEmpty { return }
        let marker = output.isTerminal ? [] : ["sharer"]
        let headings = ["SHARER", "STATE", "PIECES"].map {
            (text: $0, alignment: Columns.Alignment.left)
        }
        var columns = Columns(marker.map { ($0, .left) } + headings)
        for sharer in details.sharers {
            let state = sharer.online ? "online" : "offline"
            let pieces = "\(sharer.pieces)/\(details.file.pieceCount)"
            columns.append(marker + [terminalSafe(sharer.userID), state, pieces])
        }
        if output.isTerminal { output.line("") }
        output.columns(columns)
    }

    // MARK: Without a group

    static func share(_ shell: Shell, _ arguments: CommandArguments) throws(CommandError) {
        let (path, mtorrent, service) = (arguments[0], arguments[1], shell.service)
        let outcome = try shell.runHashing(name: lastComponent(path)) {
            (cancellation, onProgress) throws(CommandError) in
            try service.share(
                path: path, mtorrentPath: mtorrent, cancellation: cancellation,
                onProgress: onProgress)
        }
        shell.output.line(
            "sharing \(terminalSafe(outcome.name)), described by \(terminalSafe(mtorrent)): "
                + describe(outcome))
        if let magnet = outcome.magnet { shell.output.line(magnet) }
    }

    static func get(_ shell: Shell, _ arguments: CommandArguments) throws(CommandError) {
        let (source, path, service) = (arguments[0], arguments[1], shell.service)
        let options = arguments.downloadOptions
        guard source.hasPrefix(MagnetLink.scheme) else {
            return shell.announceStart(
                of: try service.get(mtorrentPath: source, savePath: path, options: options))
        }
        let progress = { "fetching the description …" }
        let status = try shell.runBlocking(progress: progress) {
            (cancellation) throws(CommandError) in
            try service.get(
                magnet: source, savePath: path, options: options, cancellation: cancellation)
        }
        shell.announceStart(of: status)
    }

    static func remove(_ shell: Shell, _ arguments: CommandArguments) throws(CommandError) {
        let deletesData = arguments.flags.contains("--data")
        try shell.service.remove(mtorrentPath: arguments[0], deletingData: deletesData)
        let path = terminalSafe(arguments[0])
        if path.hasPrefix(MagnetLink.scheme) {
            let outcome = deletesData ? "deleted" : "kept"
            return shell.output.line("removed; the file it names is \(outcome)")
        }
        shell.output.line(
            deletesData
                ? "removed \(path) and the file it describes"
                : "removed \(path); the file it describes is kept")
    }

    // MARK: Texts

    /// A size for whoever reads it: rounded for a person, in bytes for a program.
    func size(_ bytes: Int64) -> String {
        output.isTerminal ? Quantity.bytes(bytes) : "\(bytes)"
    }

    private static func describe(_ outcome: UploadOutcome) -> String {
        let pieces =
            outcome.pieceCount == 0
            ? "no pieces"
            : "\(counted(outcome.pieceCount, "piece")) of "
                + Quantity.bytes(Int64(outcome.pieceLength))
        let files = outcome.fileCount.map { " in \(counted($0, "file"))" } ?? ""
        let sha1 = outcome.sha1.map { ", sha1 \($0)" } ?? ""
        return "\(Quantity.bytes(outcome.size))\(files), \(pieces)\(sha1)"
    }

    private static func lastComponent(_ path: String) -> String {
        terminalSafe(path.split(separator: "/").last.map(String.init) ?? path)
    }
}
