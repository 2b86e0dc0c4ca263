/// Structured lines for people and machines: `time=… level=… msg=… key=value …`.
///
/// A value type that may be copied freely and used from any thread. A call below the level
/// evaluates neither its message nor its fields.
package struct Logger: Sendable {
    package enum Level: Int, Comparable, CaseIterable, Sendable, CustomStringConvertible {
        case debug, info, warning, error

        /// From the name that `description` gives.
        package init?(named name: String) {
            guard let level = Level.allCases.first(where: { $0.description == name }) else {
                return nil
            }
            self = level
        }

        package var description: String {
            switch self {
            case .debug: "debug"
            case .info: "info"
            case .warning: "warning"
            case .error: "error"
            }
        }

        package static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
    }

    package typealias Fields = KeyValuePairs<String, any CustomStringConvertible>

    package let level: Level
    private let sink: LogSink
    /// Fields of `adding`, already formatted, each with a space before it.
    private let context: String

    /// - Parameter level: the least level that is written.
    package init(level: Level, sink: LogSink) {
        self.init(level: level, sink: sink, context: "")
    }

    private init(level: Level, sink: LogSink, context: String) {
        self.level = level
        self.sink = sink
        self.context = context
    }

    /// A logger whose every line carries these fields too.
    package func adding(_ fields: Fields) -> Logger {
        var extended = context
        LogLine.append(fields, to: &extended)
        return Logger(level: level, sink: sink, context: extended)
    }

    package func debug(
        _ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]
    ) {
        log(.debug, message(), fields())
    }

    package func info(
        _ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]
    ) {
        log(.info, message(), fields())
    }

    package func warning(
        _ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]
    ) {
        log(.warning, message(), fields())
    }

    package func error(
        _ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]
    ) {
        log(.error, message(), fields())
    }

    package func log(
        _ level: Level, _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> Fields = [:]
    ) {
        guard level >= self.level else { return }
        var line = "time=\(LogLine.timestamp()) level=\(level) msg="
        LogLine.append(value: message(), to: &line)
        line += context
        LogLine.append(fields(), to: &line)
        line += "\n"
        sink.write(line)
    }
}

/// A value that must not reach a log: it prints as `[redacted]`, in fields, in interpolations
/// and in dumps.
package struct Secret<Value: Sendable>: Sendable, CustomStringConvertible,
    CustomDebugStringConvertible, CustomReflectable
{
    /// The value itself, for where it is needed.
    package let exposed: Value

    package init(_ value: Value) { exposed = value }

    package var description: String { "[redacted]" }
    package var debugDescription: String { "[redacted]" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
