import Peer
import Testing

struct ColumnsTests {
    private func sample() -> Columns {
        var columns = Columns([("NAME", .left), ("SIZE", .right)])
        columns.append(["a", "1 B"])
        columns.append(["中文.txt", "512 MiB"])
        return columns
    }

    @Test func `on a pipe a row is one tab-separated line without heading`() {
        #expect(sample().plain() == ["a\t1 B", "中文.txt\t512 MiB"])
    }

    @Test func `on a terminal columns are aligned by cells, not by characters`() {
        #expect(
            sample().aligned(style: TextStyle(usesColour: false)) == [
                "NAME         SIZE", "a             1 B", "中文.txt  512 MiB",
            ])
    }

    @Test func `lines end without blanks`() {
        var columns = Columns([("A", .left), ("B", .left)])
        columns.append(["long word", ""])
        #expect(
            columns.aligned(style: TextStyle(usesColour: false)) == ["A          B", "long word"])
    }

    @Test func `only the heading is bold`() {
        let lines = sample().aligned(style: TextStyle(usesColour: true))
        #expect(lines[0] == "\u{1B}[1mNAME         SIZE\u{1B}[0m")
        #expect(!lines[1].contains("\u{1B}"))
    }

    @Test(arguments: [
        ("abc", 3), ("ü", 1), ("u\u{308}", 1), ("中", 2), ("😀", 2), ("", 0), ("a\u{200B}b", 2),
    ])
    func `widths count cells`(text: String, cells: Int) {
        #expect(DisplayWidth.of(text) == cells)
    }

    @Test func `what is cut ends in an ellipsis and never takes more cells`() {
        #expect(DisplayWidth.truncated("abcdef", to: 6) == "abcdef")
        #expect(DisplayWidth.truncated("abcdef", to: 4) == "abc…")
        #expect(DisplayWidth.truncated("中文字", to: 4) == "中…")
        #expect(DisplayWidth.truncated("abc", to: 0) == "")
        #expect(DisplayWidth.truncated("abc", to: 1) == "…")
    }

    @Test func `colours only on a terminal, none under NO_COLOR or a dumb terminal`() {
        let xterm = ["TERM": "xterm"]
        #expect(TextStyle(isTerminal: true, environment: xterm).usesColour)
        #expect(!TextStyle(isTerminal: false, environment: xterm).usesColour)
        #expect(!TextStyle(isTerminal: true, environment: ["TERM": "dumb"]).usesColour)
        #expect(!TextStyle(isTerminal: true, environment: [:]).usesColour)
        let refused = ["TERM": "xterm", "NO_COLOR": "1"]
        #expect(!TextStyle(isTerminal: true, environment: refused).usesColour)
        let empty = ["TERM": "xterm", "NO_COLOR": ""]
        #expect(TextStyle(isTerminal: true, environment: empty).usesColour)
        #expect(TextStyle(usesColour: false).red("x") == "x")
    }
}
