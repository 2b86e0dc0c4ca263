import Foundation
import Synchronization

@testable import Peer

/// Runs a shell on a thread of its own, which tells when it has ended.
final class ShellThread: Sendable {
    private let code = Mutex<ExitCode?>(nil)
    private let ended = DispatchSemaphore(value: 0)

    init(service: any PeerService, configuration: ShellConfiguration) {
        let thread = Thread { [self] in
            let result = Shell(service: service, configuration: configuration).run()
            code.withLock { $0 = result }
            ended.signal()
        }
        thread.start()
    }

    /// The exit code, once the shell has ended; nil where it doesn't within 20 s.
    func exitCode() -> ExitCode? {
        guard ended.wait(timeout: .now() + 20) == .success else { return nil }
        return code.withLock { $0 }
    }
}

/// A shell that reads a pipe and writes files.
final class ShellOnPipes {
    struct Ended {
        let code: ExitCode?
        let output: String
        let errors: String

        var lines: [String] { output.split(separator: "\n").map(String.init) }
    }

    private let scratch: ScratchDirectory
    private let ends: [Int32]
    private let answers: Int32
    private let errors: Int32
    private var isInputOpen = true
    let thread: ShellThread

    init(
        service: FakePeer, scratch: ScratchDirectory,
        environment: [String: String] = ["TERM": "xterm"],
        _ configure: (inout ShellConfiguration) -> Void = { _ in }
    ) {
        self.scratch = scratch
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        self.ends = ends
        answers = open(scratch.path + "/output", O_RDWR | O_CREAT | O_TRUNC, 0o600)
        errors = open(scratch.path + "/errors", O_RDWR | O_CREAT | O_TRUNC, 0o600)
        var configuration = ShellConfiguration(environment: environment)
        configuration.input = ends[0]
        configuration.output = answers
        configuration.errors = errors
        configure(&configuration)
        thread = ShellThread(service: service, configuration: configuration)
    }

    deinit {
        closeInput()
        for descriptor in [ends[0], answers, errors] { close(descriptor) }
    }

    func send(_ text: String) {
        send(Array(text.utf8))
    }

    func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(ends[1], $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    func closeInput() {
        if isInputOpen { close(ends[1]) }
        isInputOpen = false
    }

    func end() -> Ended {
        closeInput()
        let code = thread.exitCode()
        return Ended(code: code, output: read("/output"), errors: read("/errors"))
    }

    private func read(_ file: String) -> String {
        let bytes = FileManager.default.contents(atPath: scratch.path + file) ?? Data()
        return String(decoding: bytes, as: UTF8.self)
    }
}
