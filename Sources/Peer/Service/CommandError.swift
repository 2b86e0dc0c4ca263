/// Why a command failed, in words for a person: the message names the thing and the remedy.
package struct CommandError: Error, Sendable, Equatable, CustomStringConvertible {
    package let message: String
    package let exitCode: ExitCode

    package init(_ message: String, _ exitCode: ExitCode = .failed) {
        self.message = message
        self.exitCode = exitCode
    }

    package var description: String { message }
}

/// Exit codes of the program; the numbers follow the list in aria2c(1) where one fits.
package enum ExitCode: Int32, Sendable {
    case success = 0
    case failed = 1
    case timedOut = 2
    case notFound = 3
    case networkProblem = 6
    case unfinishedDownloads = 7
    case notEnoughDisk = 9
    case alreadyDownloading = 12
    case fileExists = 13
    case renameFailed = 14
    case cannotOpenFile = 15
    case cannotCreateFile = 16
    case ioError = 17
    case cannotCreateDirectory = 18
    case badMetainfo = 26
    case usage = 28
    case refused = 22
    case notAuthorized = 24
    case checksumMismatch = 32
    case interrupted = 130
}
