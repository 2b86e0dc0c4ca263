import Wire

extension CommandError {
    /// An error of a worker, which are all `CommandError`s or a worker's refusal to take a job.
    init(wrapping error: any Error) {
        self = (error as? CommandError) ?? CommandError("\(error)")
    }

    /// What the tracker answered, with the exit code that fits.
    init(_ error: TrackerError) {
        switch error {
        case .unreachable:
            self.init("\(error)", .networkProblem)
        case .malformed:
            self.init("\(error)", .networkProblem)
        case .untrusted:
            self.init("\(error)", .notAuthorized)
        case .refused(let status, _, let message):
            let code: ExitCode =
                switch status {
                case 401, 403: .notAuthorized
                case 404: .notFound
                case 409: .refused
                default: .refused
                }
            self.init(message, code)
        }
    }
}
