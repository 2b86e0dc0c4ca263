/// Prometheus' text exposition format 0.0.4.
struct PrometheusText {
    private(set) var bytes: [UInt8] = []

    enum Kind: String {
        case counter
        case gauge
        case histogram
    }

    /// Begins a family of samples.
    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        append("# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n")
    }

    /// - Parameter labels: values without quotes, backslashes and line breaks.
    mutating func sample(_ name: String, _ value: some Numeric, _ labels: [(String, String)] = []) {
        append(name)
        if !labels.isEmpty {
            let list = labels.map { "\($0)=\"\($1)\"" }.joined(separator: ",")
            append("{\(list)}")
        }
        append(" \(value)\n")
    }

    /// A family of one sample.
    mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: some Numeric) {
        family(name, kind, help)
        sample(name, value)
    }

    /// The samples of one histogram of a family.
    mutating func histogram(
        _ name: String, _ histogram: Histogram, _ labels: [(String, String)] = []
    ) {
        for (bound, count) in zip(Histogram.bounds, histogram.cumulativeCounts) {
            sample(name + "_bucket", count, labels + [("le", "\(bound)")])
        }
        sample(name + "_bucket", histogram.count, labels + [("le", "+Inf")])
        sample(name + "_sum", histogram.sum, labels)
        sample(name + "_count", histogram.count, labels)
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }
}
