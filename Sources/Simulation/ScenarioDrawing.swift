/// A scenario's curves: how far everyone is, who is complete, and how many copies there are.
package struct ScenarioDrawing {
    private let scenario: Scenario
    private let report: ScenarioReport
    private let samples: [ScenarioRun.Sample]

    private static let size = (width: 720.0, height: 300.0)
    private static let inset = (left: 56.0, right: 56.0, top: 34.0, bottom: 40.0)

    package init(
        _ scenario: Scenario, _ report: ScenarioReport, _ samples: [ScenarioRun.Sample]
    ) {
        self.scenario = scenario
        self.report = report
        self.samples = samples
    }

    private var longest: Double { max(report.last, report.bound) * 1.02 }
    private var mostCopies: Double { max(samples.map(\.copies).max() ?? 1, 1) }

    private func x(_ time: Double) -> Double {
        let width = Self.size.width - Self.inset.left - Self.inset.right
        return Self.inset.left + width * min(time / longest, 1)
    }

    /// - Parameter part: 0 at the bottom, 1 at the top.
    private func y(_ part: Double) -> Double {
        let height = Self.size.height - Self.inset.top - Self.inset.bottom
        return Self.size.height - Self.inset.bottom - height * part
    }

    /// An SVG document.
    package var svg: String {
        let (width, height) = (Int(Self.size.width), Int(Self.size.height))
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(width) \(height)\" "
                + "font-family=\"sans-serif\" font-size=\"12\">",
            "<rect width=\"\(width)\" height=\"\(height)\" fill=\"#fff\"/>",
            text(Self.inset.left, 18, scenario.title, "start", size: 14),
        ]
        lines += axes
        lines += [
            line(report.bound, "the bound, \(rounded(report.bound, 1)) s"),
            curve("#2a6fb0") { $0.progress },
            curve("#b03a2a") { $0.complete },
            curve("#3a8a4a") { [mostCopies] in $0.copies / mostCopies },
            curve("#c08a1a") { [mostCopies] in Double($0.fewestCopies) / mostCopies },
        ]
        lines += legend
        lines.append("</svg>")
        return lines.joined(separator: "\n") + "\n"
    }

    private var axes: [String] {
        var lines: [String] = []
        for step in 0...4 {
            let part = Double(step) / 4
            let height = rounded(y(part), 1)
            lines.append(
                "<path d=\"M\(rounded(x(0), 1)) \(height)H\(rounded(x(longest), 1))\" "
                    + "stroke=\"#ddd\"/>")
            lines.append(text(x(0) - 6, y(part) + 4, "\(step * 25)%", "end"))
            lines.append(
                text(x(longest) + 6, y(part) + 4, rounded(part * mostCopies, 0), "start"))
            lines.append(
                text(x(longest * part), y(0) + 18, rounded(longest * part, 0) + " s", "middle"))
        }
        return lines
    }

    private var legend: [String] {
        let entries = [
            ("#2a6fb0", "of all bytes"), ("#b03a2a", "of peers complete"),
            ("#3a8a4a", "copies on average (right)"), ("#c08a1a", "of the rarest piece (right)"),
        ]
        return entries.enumerated().map { index, entry in
            let left = Self.inset.left + Double(index) * 156
            let top = Self.size.height - 10
            return "<path d=\"M\(rounded(left, 1)) \(rounded(top - 4, 1))h16\" "
                + "stroke=\"\(entry.0)\" stroke-width=\"2\"/>"
                + text(left + 20, top, entry.1, "start", size: 11)
        }
    }

    private func line(_ time: Double, _ label: String) -> String {
        let left = rounded(x(time), 1)
        return "<path d=\"M\(left) \(rounded(y(0), 1))V\(rounded(y(1), 1))\" stroke=\"#888\" "
            + "stroke-dasharray=\"4 3\"/>" + text(x(time) - 4, y(1) + 12, label, "end", size: 11)
    }

    private func curve(_ color: String, _ value: (ScenarioRun.Sample) -> Double) -> String {
        let points = samples.map { "\(rounded(x($0.time), 1)),\(rounded(y(value($0)), 1))" }
        return "<polyline points=\"\(points.joined(separator: " "))\" fill=\"none\" "
            + "stroke=\"\(color)\" stroke-width=\"2\"/>"
    }

    private func text(
        _ x: Double, _ y: Double, _ text: String, _ anchor: String, size: Int = 12
    ) -> String {
        "<text x=\"\(rounded(x, 1))\" y=\"\(rounded(y, 1))\" text-anchor=\"\(anchor)\" "
            + "font-size=\"\(size)\" fill=\"#333\">\(text)</text>"
    }
}
