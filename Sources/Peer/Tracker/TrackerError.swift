import Wire

/// Why a question to the tracker has no good answer. Its description is for people.
package enum TrackerError: Error, Hashable, Sendable {
    /// No tracker could be asked; the last one tried, and why it couldn't, in a few words.
    case unreachable(Endpoint, String)
    /// No tracker of ours, as far as it can be told, or one without TLS; and what to do about it.
    case untrusted(Endpoint, String)
    /// The tracker said no: the status of HTTP, a code for programs (`name_taken`), and words
    /// that name the thing and the remedy.
    case refused(status: Int, code: String, message: String)
    /// The answer isn't what a tracker of ours sends; which tracker, and what is wrong.
    case malformed(String)
}

extension TrackerError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreachable(let endpoint, let reason):
            "tracker \(endpoint) can't be reached (\(reason)): is it running?"
        case .untrusted(let endpoint, let problem): "tracker \(endpoint): \(problem)"
        case .refused(_, _, let message): message
        case .malformed(let problem): problem
        }
    }
}
