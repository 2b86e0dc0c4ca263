extension OptionParser {
    /// Usage, summary and every option with its environment variable; ends in a newline.
    package var helpText: String {
        var text = ""
        for (index, line) in usage.enumerated() {
            text += (index == 0 ? "Usage: " : "       ") + "\(program) \(line)\n"
        }
        if !summary.isEmpty {
            text += "\n" + wrap(summary, width: 96).joined(separator: "\n") + "\n"
        }
        text += "\nOptions:\n"
        let rows = options.map { (label: label(of: $0), option: $0) }
        let width = min(rows.map(\.label.count).max() ?? 0, 30)
        for row in rows {
            let indent = String(repeating: " ", count: width + 4)
            let padding = String(repeating: " ", count: max(0, width - row.label.count))
            text += "  \(row.label)\(padding)"
            // A label longer than the column puts its help on the next line.
            text += row.label.count > width ? "\n\(indent)" : "  "
            let lines = wrap(row.option.help, width: 96 - indent.count)
            text += lines.joined(separator: "\n\(indent)") + "\n"
        }
        text += """

            Each option may also be given as an environment variable (`--data-dir` as
            MTORRENT_DATA_DIR) or in the config file (`data-dir = …`), by default
            $XDG_CONFIG_HOME/mtorrent/\(program).conf; the command line wins, then the environment.

            """
        return text
    }

    private func label(of option: Option) -> String {
        let short = option.short.map { "-\($0), " } ?? "    "
        return short + "--\(option.long)" + (option.value.map { " \($0)" } ?? "")
    }

    private func wrap(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] += " \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines.isEmpty ? [""] : lines
    }
}
