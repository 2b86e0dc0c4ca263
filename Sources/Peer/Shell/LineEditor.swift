import CEdit
import Glibc

/// Command lines typed on a terminal, with libedit: editing, history, completion; notices and a
/// status line above the prompt while it waits.
///
/// libedit is given its characters by ``readCharacter(_:)``, which waits for the keyboard and
/// for other threads' wake-ups at once. One thread only.
final class LineEditor: LineSource {
    /// The status line is drawn anew this often while there is one.
    private static let statusMilliseconds: Int32 = 200
    /// How soon a changed window size, or the return from Ctrl-Z, is noticed.
    private static let idleMilliseconds: Int32 = 1000

    /// What completes the line before the cursor.
    var completions: (String) -> [Completion] = { _ in [] }
    /// What a notice says.
    var describe: (NodeNotice) -> String = { _ in "" }
    /// The text above the prompt, asked for several times a second; its answer nil ends it.
    var status: (() -> String?)?

    private let input: Int32
    let output: ShellOutput
    let control: ShellControl
    private(set) var history: ShellHistory
    let editor: OpaquePointer
    private let entries: OpaquePointer
    private let files: [UnsafeMutablePointer<FILE>]
    fileprivate let prompt: UnsafeMutablePointer<CChar>
    let promptWidth: Int
    /// Whether the row above the prompt is the status line.
    var isStatusShown = false
    private var outcome: LineOutcome?
    private var lastWidth: Int

    /// nil where libedit can't be had for these descriptors.
    init?(
        prompt: String, input: Int32, output: ShellOutput, control: ShellControl,
        history: ShellHistory
    ) {
        setLocale()
        let files = [(input, "r"), (output.output, "w"), (output.errors, "w")]
            .compactMap { fdopen(dup($0.0), $0.1) }
        guard files.count == 3,
            let editor = el_init("mtorrent", files[0], files[1], files[2]),
            let entries = history_init()
        else { return nil }
        self.input = input
        self.output = output
        self.control = control
        self.history = history
        self.editor = editor
        self.entries = entries
        self.files = files
        promptWidth = DisplayWidth.of(prompt)
        lastWidth = output.width
        // libedit shows an enclosed sequence only together with the character after it.
        let drawn =
            output.style.usesColour
            ? "\u{1}\u{1B}[1m\u{1}\(prompt.dropLast())\u{1}\u{1B}[0m\u{1}\(prompt.suffix(1))"
            : prompt
        self.prompt = strdup(drawn)
        configure()
    }

    deinit {
        el_end(editor)
        history_end(entries)
        for file in files { fclose(file) }
        free(prompt)
    }

    private func configure() {
        cedit_set_client_data(editor, Unmanaged.passUnretained(self).toOpaque())
        cedit_set_terminal(editor, output.terminalKind)
        cedit_set_editor(editor, "emacs")
        // The user's ~/.editrc, for those who want vi's keys.
        el_source(editor, nil)
        cedit_set_prompt(
            editor, { LineEditor.from($0)?.prompt }, CChar(1))
        cedit_set_read_character(editor) { editor, character in
            guard let owner = LineEditor.from(editor), let character else { return 0 }
            return owner.readCharacter(&character.pointee)
        }
        cedit_add_command(editor, "mt-complete", "complete the word") { editor, _ in
            LineEditor.from(editor)?.complete() ?? UInt8(CC_ERROR)
        }
        cedit_bind(editor, "^I", "mt-complete")
        cedit_add_command(editor, "mt-clear", "clear the screen") { editor, _ in
            LineEditor.from(editor)?.clearScreen() ?? UInt8(CC_ERROR)
        }
        cedit_bind(editor, "^L", "mt-clear")
        cedit_bind(editor, "^R", "em-inc-search-prev")
        cedit_history_set_size(entries, Int32(ShellHistory.limit))
        cedit_history_set_unique(entries, 1)
        for line in history.lines { cedit_history_add(entries, line) }
        cedit_set_history(editor, entries)
    }

    private static func from(_ editor: OpaquePointer?) -> LineEditor? {
        guard let editor, let data = cedit_client_data(editor) else { return nil }
        return Unmanaged<LineEditor>.fromOpaque(data).takeUnretainedValue()
    }

    // MARK: Lines

    func next() -> LineOutcome {
        if control.isStopping { return .stopped }
        // Before the prompt appears: what is typed from then on is echoed by libedit alone.
        cedit_prepare_terminal(editor, 1)
        for notice in control.takeNotices() { output.line(describe(notice)) }
        drawStatusBeforePrompt()
        output.flush()
        outcome = nil
        var count: Int32 = 0
        let typed = el_gets(editor, &count)
        control.enter(.idle)
        if let outcome {
            // The line is left as it is; what comes next begins below it.
            output.line(outcome == .interrupted ? "^C" : "")
            output.flush()
            isStatusShown = false
            return outcome
        }
        guard let typed, count > 0 else {
            isStatusShown = false
            return .end
        }
        let bytes = UnsafeRawBufferPointer(start: typed, count: Int(count))
        var line = String(decoding: bytes, as: UTF8.self)
        if line.last?.isNewline == true { line.removeLast() }
        removeStatusAfterLine(line)
        if history.append(line) { cedit_history_add(entries, line) }
        return .line(line)
    }

    /// libedit's source of characters.
    /// - Returns: 1 with a character, 0 at the input's end, -1 to give up the line.
    private func readCharacter(_ character: inout wchar_t) -> Int32 {
        while true {
            let line = self.line
            control.enter(.editing(isEmpty: line.text.isEmpty))
            let wait = InputWait(
                input: input, wake: control.wake,
                milliseconds: status == nil ? Self.idleMilliseconds : Self.statusMilliseconds)
            if wait.isAwake {
                control.wake.drain()
                if control.isStopping { outcome = .stopped }
                if control.takeInterrupt() { outcome = .interrupted }
                if outcome != nil { return -1 }
                show(control.takeNotices())
            }
            followTerminal()
            if wait.isInputReady { return readScalar(&character) }
            updateStatus()
        }
    }

    private func readScalar(_ character: inout wchar_t) -> Int32 {
        var bytes: [UInt8] = []
        var needed = 1
        while bytes.count < needed {
            var byte: UInt8 = 0
            let count = read(input, &byte, 1)
            if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
            guard count == 1 else { return 0 }
            // A byte that can't go on the sequence begins another: the first was wrong.
            if bytes.isEmpty {
                needed = Self.sequenceLength(byte)
            } else if byte & 0xC0 != 0x80 {
                bytes = []
                needed = Self.sequenceLength(byte)
            }
            bytes.append(byte)
        }
        let text = String(decoding: bytes, as: UTF8.self)
        character = wchar_t(text.unicodeScalars.first?.value ?? 0xFFFD)
        return 1
    }

    /// How many bytes a UTF-8 sequence has that begins so (RFC 3629).
    private static func sequenceLength(_ first: UInt8) -> Int {
        switch first {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 1
        }
    }

    /// The line being edited, and the part of it before the cursor.
    var line: (text: String, beforeCursor: String) {
        guard let info = el_line(editor)?.pointee, let start = info.buffer else { return ("", "") }
        let text = UnsafeRawBufferPointer(start: start, count: info.lastchar - start)
        let before = UnsafeRawBufferPointer(start: start, count: info.cursor - start)
        return (String(decoding: text, as: UTF8.self), String(decoding: before, as: UTF8.self))
    }

    /// Notices a new window size, and a terminal that a shell's job control took out of editing
    /// mode (Ctrl-Z and back).
    private func followTerminal() {
        if output.width != lastWidth {
            lastWidth = output.width
            el_resize(editor)
        }
        var state = termios()
        if tcgetattr(input, &state) == 0, state.c_lflag & tcflag_t(ICANON) != 0 {
            cedit_prepare_terminal(editor, 0)
            cedit_prepare_terminal(editor, 1)
            isStatusShown = false
            output.raw("\r")
            output.flush()
            cedit_refresh(editor)
        }
    }
}

/// libedit counts characters by the locale: the user's, or one of UTF-8 where that isn't.
private func setLocale() {
    setlocale(LC_CTYPE, "")
    let codeset = nl_langinfo(nl_item(CODESET)).map { String(cString: $0) }
    if codeset != "UTF-8" { setlocale(LC_CTYPE, "C.UTF-8") }
}
