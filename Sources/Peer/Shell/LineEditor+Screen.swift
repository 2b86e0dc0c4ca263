import CEdit
import Wire

/// What is drawn around the line being edited. The prompt stands in a row of its own; while there
/// is a status line, it is the row above. Sequences are those of ECMA-48 and, for saving the
/// cursor, of the VT100; none on a dumb terminal.
extension LineEditor {
    private var escape: String { "\u{1B}[" }

    /// Rows between the prompt's row and the cursor's, for a line that wraps.
    private func rowsBelowPrompt(_ text: String) -> Int {
        (promptWidth + DisplayWidth.of(text)) / max(1, output.width)
    }

    private func currentStatus() -> String? {
        guard output.movesCursor, let status else { return nil }
        let text = status()
        if text == nil { self.status = nil }
        return text
    }

    /// Called with the cursor at the beginning of an empty row.
    func drawStatusBeforePrompt() {
        isStatusShown = false
        guard let text = currentStatus() else { return }
        output.line(text)
        isStatusShown = true
    }

    /// Takes the status line out of what scrolls away: Enter was pressed, the cursor is in the
    /// row below the line.
    func removeStatusAfterLine(_ line: String) {
        defer { isStatusShown = false }
        guard isStatusShown, rowsBelowPrompt(line) == 0 else { return }
        output.raw("\(escape)2A\(escape)M\(escape)1B")
        output.flush()
    }

    /// Draws the status line anew where it is, without touching the line being edited.
    func updateStatus() {
        let text = currentStatus()
        guard text != nil || isStatusShown else { return }
        if let text, isStatusShown {
            // A line that wraps hides where its prompt is; its status waits.
            guard rowsBelowPrompt(line.text) == 0 else { return }
            output.raw("\u{1B}7\(escape)1A\r\(text)\(escape)K\u{1B}8")
            output.flush()
        } else {
            redraw(above: [], status: text)
        }
    }

    /// Prints notices above the prompt.
    func show(_ notices: [NodeNotice]) {
        if notices.isEmpty { return }
        redraw(above: notices.map(describe), status: currentStatus())
    }

    /// Replaces the rows from the status line on: `lines`, the status line, the line being edited.
    private func redraw(above lines: [String], status text: String?) {
        if output.movesCursor {
            let rows = rowsBelowPrompt(line.beforeCursor) + (isStatusShown ? 1 : 0)
            if rows > 0 { output.raw("\(escape)\(rows)A") }
            output.raw("\r\(escape)J")
        } else {
            output.raw("\n")
        }
        for line in lines { output.line(line) }
        if let text { output.line(text) }
        isStatusShown = text != nil
        output.flush()
        cedit_refresh(editor)
    }

    /// Ctrl-L.
    func clearScreen() -> UInt8 {
        guard output.movesCursor else { return UInt8(CC_REFRESH) }
        output.raw("\(escape)H\(escape)2J")
        isStatusShown = false
        output.flush()
        redraw(above: [], status: currentStatus())
        return UInt8(CC_NORM)
    }

    // MARK: Completion

    /// TAB: completes the word as far as it is clear, else lists what it could be.
    func complete() -> UInt8 {
        let before = line.beforeCursor
        let candidates = completions(before)
        if candidates.isEmpty { return UInt8(CC_REFRESH_BEEP) }
        let typed = CommandWords.partial(before).current
        let common = Completion.commonPrefix(of: candidates)
        let isOnlyOne = candidates.count == 1
        guard isOnlyOne || common.count > typed.count else {
            list(candidates)
            return UInt8(CC_NORM)
        }
        let raw = CommandWords.rawCurrentWord(before)
        el_deletestr(editor, Int32(raw.unicodeScalars.count))
        let ending = isOnlyOne && candidates[0].isFinal ? " " : ""
        // An empty beginning is no word yet: nothing to quote.
        el_insertstr(editor, (common.isEmpty ? "" : CommandWords.quoted(common)) + ending)
        return UInt8(CC_REFRESH)
    }

    private func list(_ candidates: [Completion]) {
        // Paths are told apart by their last part.
        let names = candidates.map { candidate in
            let parts = candidate.word.split(separator: "/", omittingEmptySubsequences: true)
            let name = parts.last.map(String.init) ?? candidate.word
            return terminalSafe(name) + (candidate.isFinal ? "" : "/")
        }
        let shown = names.prefix(200)
        let cell = (shown.map(DisplayWidth.of).max() ?? 0) + 2
        let perRow = max(1, (output.width - 1) / cell)
        var rows: [String] = []
        for start in stride(from: 0, to: shown.count, by: perRow) {
            let row = shown[start..<min(start + perRow, shown.count)]
            rows.append(
                row.map { $0 + String(repeating: " ", count: cell - DisplayWidth.of($0)) }
                    .joined())
        }
        if names.count > shown.count { rows.append("… and \(names.count - shown.count) more") }
        // The line stays above what it could become.
        let below = rowsBelowPrompt(line.text) - rowsBelowPrompt(line.beforeCursor)
        output.raw(String(repeating: "\n", count: below + 1))
        isStatusShown = false
        for row in rows { output.line(row) }
        if let status = currentStatus() {
            output.line(status)
            isStatusShown = true
        }
        output.flush()
        cedit_refresh(editor)
    }
}
