import Wire

extension DownloadStatus {
    var progressLine: ProgressLine {
        ProgressLine(
            name: terminalSafe(name), doneBytes: verified, totalBytes: size,
            rate: bytesPerSecond, peers: connectedPeers)
    }

    /// `[D] [group] name`.
    var label: String {
        let letter =
            switch state {
            case .queued: "Q"
            case .downloading, .finishing: "D"
            case .paused: "P"
            case .complete: "C"
            case .failed: "F"
            }
        return "[\(letter)] [\(terminalSafe(group))] \(terminalSafe(name))"
    }
}

extension CommandArguments {
    /// What `--only` and `--sequential` say.
    var downloadOptions: DownloadOptions {
        var options = DownloadOptions()
        options.only = values["--only"] ?? []
        options.isSequential = flags.contains("--sequential")
        return options
    }
}

extension Shell {
    static func downloadFile(
        _ shell: Shell, _ arguments: CommandArguments
    ) throws(CommandError) {
        let status = try shell.service.downloadFile(
            group: arguments[0], name: entryName(arguments[1]), destination: arguments[2],
            options: arguments.downloadOptions)
        shell.announceStart(of: status)
    }

    func announceStart(of status: DownloadStatus) {
        seen.downloads.insert(status.name)
        let what = "\(terminalSafe(status.name)) (\(Quantity.bytes(status.size)))"
        output.line(
            status.state == .queued
                ? "\(what) waits for its turn; it goes to \(terminalSafe(status.destination))"
                : "downloading \(what) to \(terminalSafe(status.destination))")
    }

    static func showDownloads(
        _ shell: Shell, _ arguments: CommandArguments
    ) throws(CommandError) {
        let downloads = shell.service.downloads()
        shell.seen.downloads.formUnion(downloads.map(\.name))
        if downloads.isEmpty, shell.output.isTerminal {
            shell.output.line("no downloads: download_file starts one")
        }
        shell.print(downloads)
    }

    static func wait(_ shell: Shell, _ arguments: CommandArguments) throws(CommandError) {
        let (service, name) = (shell.service, arguments.optional(0))
        let ended = try shell.runBlocking(
            progress: {
                shell.progress(
                    of: service.activeDownloads().filter { name == nil || $0.name == name })
            },
            { (cancellation) throws(CommandError) in
                try service.waitForDownloads(name: name, cancellation: cancellation)
            })
        if let name, ended.isEmpty {
            throw CommandError(
                "no download is named \(name): show_downloads lists them", .notFound)
        }
        shell.print(ended)
        let told = Set(ended.map(\.number))
        shell.control.dropNotices {
            if case .downloadEnded(let status) = $0 { told.contains(status.number) } else { false }
        }
        try reportFailures(among: ended)
        try shell.reportPaused(among: ended, of: name)
    }

    /// A wait for one download that is paused can't be met; one for all passes paused ones over.
    private func reportPaused(
        among ended: [DownloadStatus], of name: String?
    ) throws(CommandError) {
        let paused = ended.filter { $0.state == .paused }
        guard let first = paused.first else { return }
        let what =
            paused.count == 1
            ? "\(first.name) is paused and isn't waited for"
            : "\(paused.count) downloads are paused and aren't waited for"
        guard name == nil else {
            throw CommandError("\(what): resume \(first.name)", .unfinishedDownloads)
        }
        output.line(terminalSafe(what))
    }

    private static func reportFailures(
        among ended: [DownloadStatus]
    ) throws(CommandError) {
        var failures: [(status: DownloadStatus, error: CommandError)] = []
        for status in ended {
            if case .failed(let error) = status.state { failures.append((status, error)) }
        }
        guard let first = failures.first else { return }
        let others =
            failures.count > 1 ? " (and \(counted(failures.count - 1, "more download")))" : ""
        throw CommandError(
            "\(first.status.name) failed: \(first.error.message)\(others)",
            first.error.exitCode)
    }

    /// The lines of `show_downloads`: on a pipe label, percent, bytes verified, size, bytes a
    /// second, seconds left, peers, bytes by peer, reason; `-` for what isn't known.
    func print(_ downloads: [DownloadStatus]) {
        let isTerminal = output.isTerminal
        var columns = Columns(
            isTerminal
                ? [("", .left), ("", .right), ("", .right), ("", .left)]
                : Array(repeating: ("", .left), count: 9))
        for status in downloads {
            columns.append(isTerminal ? Self.terminalCells(status) : Self.plainCells(status))
        }
        guard isTerminal else {
            output.columns(columns)
            return
        }
        for (status, line) in zip(downloads, columns.aligned(style: output.style)) {
            output.line(colored(line, by: status.state))
            if let from = Self.contributions(status, separator: ", ", size: Quantity.bytes) {
                output.line("    from \(from)")
            }
        }
    }

    private static func terminalCells(_ status: DownloadStatus) -> [String] {
        let percent = "\(Quantity.percent(status.verified, of: status.size))%"
        let remark =
            switch status.state {
            case .queued: "waits for its turn"
            case .paused: "paused"
            case .downloading:
                "\(Quantity.rate(status.bytesPerSecond))  ETA "
                    + "\(Quantity.time(seconds: status.secondsLeft))  "
                    + counted(status.connectedPeers, "peer")
            case .finishing: "checking the whole file"
            case .complete: "in \(terminalSafe(status.destination))"
            case .failed(let error): terminalSafe(error.message)
            }
        return [status.label, percent, Quantity.bytes(status.size), remark]
    }

    private static func plainCells(_ status: DownloadStatus) -> [String] {
        var reason = "-"
        if case .failed(let error) = status.state { reason = terminalSafe(error.message) }
        return [
            status.label, "\(Quantity.percent(status.verified, of: status.size))%",
            "\(status.verified)", "\(status.size)", "\(whole(status.bytesPerSecond))",
            status.secondsLeft.map { "\(whole($0.rounded(.up)))" } ?? "-",
            "\(status.connectedPeers)",
            contributions(status, separator: ",", size: { "\($0)" }) ?? "-", reason,
        ]
    }

    private static func contributions(
        _ status: DownloadStatus, separator: String, size: (Int64) -> String
    ) -> String? {
        if status.contributions.isEmpty { return nil }
        return status.contributions.map { "\(terminalSafe($0.endpoint))=\(size($0.bytes))" }
            .joined(separator: separator)
    }

    private static func whole(_ value: Double) -> Int64 {
        value.isFinite ? Int64(min(max(0, value), 1e18)) : 0
    }

    private func colored(_ line: String, by state: DownloadState) -> String {
        switch state {
        case .queued, .downloading, .paused, .finishing: line
        case .complete: output.style.green(line)
        case .failed: output.style.red(line)
        }
    }

    /// What a notice says above the prompt.
    func describe(_ notice: NodeNotice) -> String {
        switch notice {
        case .downloadEnded(let status):
            switch status.state {
            case .failed(let error):
                output.style.red(
                    "download of \(terminalSafe(status.name)) failed: "
                        + terminalSafe(error.message))
            case .complete, .queued, .downloading, .paused, .finishing:
                output.style.green(
                    "download of \(terminalSafe(status.name)) complete: "
                        + "\(Quantity.bytes(status.size)) in "
                        + terminalSafe(status.destination))
            }
        case .trackerLost(let text), .trackerBack(let text):
            output.style.yellow(terminalSafe(text))
        case .message(let text): terminalSafe(text)
        }
    }
}
