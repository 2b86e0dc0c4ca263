import Foundation
import Synchronization

/// What is to be put back, however a run ends: the system's congestion control, files in memory.
enum Interruption {
    private static let steps = Mutex<[@Sendable () -> Void]>([])
    private static let sources = Mutex<[any DispatchSourceSignal]>([])

    /// Has the step taken when SIGINT or SIGTERM ends the program.
    static func whenInterrupted(_ step: @escaping @Sendable () -> Void) {
        steps.withLock { $0.append(step) }
        sources.withLock { sources in
            guard sources.isEmpty else { return }
            sources = [SIGINT, SIGTERM].map { number in
                Glibc.signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
                source.setEventHandler {
                    for step in steps.withLock({ $0 }) { step() }
                    exit(128 + number)
                }
                source.resume()
                return source
            }
        }
    }
}
