/// Rows of text in columns: aligned under a heading on a terminal, tab-separated without heading
/// elsewhere, so that scripts can rely on it.
package struct Columns {
    package enum Alignment { case left, right }

    private let headings: [(text: String, alignment: Alignment)]
    private var rows: [[String]] = []

    /// Columns with these headings; every row has as many cells.
    package init(_ headings: [(text: String, alignment: Alignment)]) {
        self.headings = headings
    }

    package var isEmpty: Bool { rows.isEmpty }

    package mutating func append(_ row: [String]) {
        precondition(row.count == headings.count, "a row has a cell for each heading")
        rows.append(row)
    }

    /// One tab-separated line a row.
    package func plain() -> [String] {
        rows.map { $0.joined(separator: "\t") }
    }

    /// A heading and the rows, two blanks between columns, no blanks at the ends of lines.
    /// Without any heading text, the rows alone.
    package func aligned(style: TextStyle) -> [String] {
        var widths = headings.map { DisplayWidth.of($0.text) }
        for row in rows {
            for (column, cell) in row.enumerated() {
                widths[column] = max(widths[column], DisplayWidth.of(cell))
            }
        }
        var lines: [String] = []
        if headings.contains(where: { !$0.text.isEmpty }) {
            lines.append(style.bold(line(headings.map(\.text), widths: widths)))
        }
        lines.append(contentsOf: rows.map { line($0, widths: widths) })
        return lines
    }

    private func line(_ cells: [String], widths: [Int]) -> String {
        var text = ""
        for (column, cell) in cells.enumerated() {
            let padding = String(
                repeating: " ", count: widths[column] - DisplayWidth.of(cell))
            if column > 0 { text += "  " }
            switch headings[column].alignment {
            case .left: text += cell + padding
            case .right: text += padding + cell
            }
        }
        while text.last == " " { text.removeLast() }
        return text
    }
}
