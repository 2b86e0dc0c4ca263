import Foundation

/// A directory of one test under /tmp, removed with everything in it at the end.
final class ScratchDirectory: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/mtorrent-test-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { fatalError("mkdtemp: errno \(errno)") }
        path = String(cString: made)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
