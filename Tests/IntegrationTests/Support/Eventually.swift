/// A condition that did not come true in time.
struct NotInTime: Error, CustomStringConvertible {
    let description: String
}

/// Asks again and again until `condition` gives a value, and returns that. Every wait of these
/// tests goes through here, so that none waits longer than it must and each has an end.
/// - Parameters:
///   - what: what is waited for; in the error.
///   - longestPause: between two questions; the first ones follow each other sooner.
///   - context: evaluated when time is up; what helps to find out why.
func eventually<T>(
    _ what: String, within limit: Duration = .seconds(30),
    longestPause: Duration = .milliseconds(50), context: @autoclosure () -> String = "",
    isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> T?
) async throws -> T {
    let deadline = ContinuousClock.now + limit
    var pause = Duration.milliseconds(1)
    while true {
        if let value = try await condition() { return value }
        guard ContinuousClock.now < deadline else {
            throw NotInTime(description: "not within \(limit): \(what)\n\(context())")
        }
        try await Task.sleep(for: pause)
        pause = min(pause * 2, longestPause)
    }
}

/// As the other form, for a condition that is either so or not.
func eventually(
    _ what: String, within limit: Duration = .seconds(30),
    longestPause: Duration = .milliseconds(50), context: @autoclosure () -> String = "",
    isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async throws {
    let _: Void = try await eventually(
        what, within: limit, longestPause: longestPause, context: context()
    ) {
        try await condition() ? () : nil
    }
}
