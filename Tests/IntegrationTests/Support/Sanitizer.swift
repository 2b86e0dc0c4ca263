import Foundation

/// What the programs are built with, as `scripts/test-sanitized` says by the options it sets.
enum Sanitizer {
    case address
    case thread

    static let inUse: Sanitizer? = {
        let environment = ProcessInfo.processInfo.environment
        if environment["TSAN_OPTIONS"] != nil { return .thread }
        return environment["ASAN_OPTIONS"] != nil ? .address : nil
    }()
}
