import Foundation
import Synchronization

/// Reads a pipe on a thread of its own and keeps its lines until the other end closes it.
final class LineReader: Sendable {
    private struct State {
        var lines: [String] = []
        var partial: [UInt8] = []
        var hasEnded = false

        mutating func finishLine() {
            lines.append(String(decoding: partial, as: UTF8.self))
            partial.removeAll(keepingCapacity: true)
        }
    }

    private let state = Mutex(State())

    /// Takes the descriptor over and closes it in the end.
    init(descriptor: Int32) {
        let thread = Thread { [self] in
            var buffer = [UInt8](repeating: 0, count: 65536)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                if count <= 0 { break }
                append(buffer[..<count])
            }
            close(descriptor)
            state.withLock { state in
                if !state.partial.isEmpty { state.finishLine() }
                state.hasEnded = true
            }
        }
        thread.start()
    }

    private func append(_ bytes: ArraySlice<UInt8>) {
        state.withLock { state in
            for byte in bytes {
                if byte == UInt8(ascii: "\n") {
                    state.finishLine()
                } else {
                    state.partial.append(byte)
                }
            }
        }
    }

    /// All lines so far, without their ends.
    var lines: [String] { state.withLock { $0.lines } }

    /// What has come after the last whole line, such as a prompt.
    var pending: String { state.withLock { String(decoding: $0.partial, as: UTF8.self) } }

    var count: Int { state.withLock { $0.lines.count } }

    /// The other end is closed, and every line is here.
    var hasEnded: Bool { state.withLock { $0.hasEnded } }
}
