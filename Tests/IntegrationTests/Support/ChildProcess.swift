import Foundation
import Glibc
import Synchronization

enum ExitStatus: Equatable {
    case exited(Int32)
    case signalled(Int32)
}

struct SpawnError: Error, CustomStringConvertible {
    let description: String
}

/// A program that a test started, in a process group of its own. It is killed with everything it
/// started when the value goes away, and when the test program does.
final class ChildProcess: Sendable {
    private struct State {
        var input: Int32?
        var status: ExitStatus?
        var usage = rusage()
    }

    let name: String
    let pid: pid_t
    let output: LineReader
    /// The same reader as `output` when the program writes both to one pipe.
    let errors: LineReader
    private let state: Mutex<State>

    /// - Parameters:
    ///   - executable: a path.
    ///   - environment: all of it; nothing is inherited but PATH and the sanitizers' options.
    ///   - mergingErrors: standard error goes to the same pipe as standard output, so that the
    ///     order of their lines is kept.
    init(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:],
        mergingErrors: Bool = false
    ) throws {
        let input = try ChildProcess.makePipe()
        let output = try ChildProcess.makePipe()
        let errors = mergingErrors ? nil : try ChildProcess.makePipe()
        defer {
            for end in [input.read, output.write, errors?.write] { end.map { _ = close($0) } }
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.read, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output.write, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, (errors ?? output).write, STDERR_FILENO)
        pid = try ChildProcess.spawn(executable, arguments, environment, &actions)
        Reaper.shared.add(pid)
        name = URL(fileURLWithPath: executable).lastPathComponent
        self.output = LineReader(descriptor: output.read)
        self.errors = errors.map { LineReader(descriptor: $0.read) } ?? self.output
        state = Mutex(State(input: input.write))
    }

    deinit { kill() }

    private static func makePipe() throws -> Pipe {
        guard let pipe = Pipe() else {
            throw SpawnError(description: "no pipe: \(String(cString: strerror(errno)))")
        }
        return pipe
    }

    private static func spawn(
        _ executable: String, _ arguments: [String], _ environment: [String: String],
        _ actions: inout posix_spawn_file_actions_t
    ) throws -> pid_t {
        // A program that has gone must not end the tests by SIGPIPE, and children are to start
        // with the default all the same.
        Glibc.signal(SIGPIPE, SIG_IGN)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        // The threads that tests run on block most signals, which programs would inherit.
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var variables = environment
        let own = ProcessInfo.processInfo.environment
        variables["PATH"] = own["PATH"] ?? "/usr/bin:/bin"
        for name in ["ASAN_OPTIONS", "TSAN_OPTIONS"] { variables[name] = own[name] }
        var argv = ([executable] + arguments).map { strdup($0) } + [nil]
        var envp = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid = pid_t()
        let result = Pipe.startingPrograms.withLock { _ in
            posix_spawnp(&pid, executable, &actions, &attributes, &argv, &envp)
        }
        guard result == 0 else {
            throw SpawnError(description: "\(executable): \(String(cString: strerror(result)))")
        }
        return pid
    }

    // MARK: Input

    /// Writes a line to the program's standard input; nothing when that is closed.
    func send(_ line: String) {
        state.withLock { state in
            guard let input = state.input else { return }
            var text = line + "\n"
            text.withUTF8 { bytes in
                var rest = bytes[...]
                while !rest.isEmpty {
                    let pointer = UnsafeBufferPointer(rebasing: rest).baseAddress
                    let count = write(input, pointer, rest.count)
                    if count < 0, errno == EINTR { continue }
                    if count <= 0 { return }
                    rest = rest.dropFirst(count)
                }
            }
        }
    }

    func closeInput() {
        state.withLock { state in
            state.input.map { _ = close($0) }
            state.input = nil
        }
    }

    // MARK: End

    /// Sends a signal to the program itself; nothing when it has ended.
    func signal(_ number: Int32) {
        state.withLock { state in
            if state.status == nil { _ = Glibc.kill(pid, number) }
        }
    }

    /// SIGKILL to its whole group, and waits until it is gone.
    func kill() {
        closeInput()
        state.withLock { state in
            if state.status == nil { ChildProcess.reap(pid, into: &state) }
        }
    }

    /// Nil while it runs.
    var exitStatus: ExitStatus? {
        state.withLock { state in
            guard state.status == nil else { return state.status }
            var information = siginfo_t()
            let result = waitid(
                P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT)
            // Nothing has ended as long as the information stays zero (waitid(2)).
            if result == 0, information.si_signo == SIGCHLD {
                ChildProcess.reap(pid, into: &state)
            }
            return state.status
        }
    }

    /// Kills what is left of the group and takes the program's status. In this order, since only
    /// until it is waited for can its number not be anyone else's.
    private static func reap(_ pid: pid_t, into state: inout State) {
        Glibc.kill(-pid, SIGKILL)
        var status: Int32 = 0
        while wait4(pid, &status, 0, &state.usage) < 0, errno == EINTR {}
        // <sys/wait.h> has these as macros: the signal in the low 7 bits, the code above 8.
        let signal = status & 0x7f
        state.status = signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
        Reaper.shared.remove(pid)
    }

    /// Waits for its end and for the last of its output.
    func end(within limit: Duration = .seconds(30)) async throws -> ExitStatus {
        let status = try await eventually(
            "the end of \(name)", within: limit, context: transcript
        ) { exitStatus }
        try await eventually("the last output of \(name)", within: .seconds(10)) {
            output.hasEnded && errors.hasEnded
        }
        return status
    }

    /// What it took in all, as getrusage(2) tells it; zero until its end.
    var usage: rusage { state.withLock { $0.usage } }

    /// What it wrote so far, for messages.
    var transcript: String {
        let head = "--- \(name) (\(pid))"
        let errorPart = errors === output ? [] : ["--- its errors"] + errors.lines.suffix(50)
        return ([head] + output.lines.suffix(50) + errorPart).joined(separator: "\n")
    }

    /// Waits for a line that `isWanted`, among those from number `start` on.
    @discardableResult
    func line(
        _ what: String, from start: Int = 0, in reader: LineReader? = nil,
        within limit: Duration = .seconds(30), where isWanted: (String) -> Bool
    ) async throws -> String {
        let reader = reader ?? output
        return try await eventually(what, within: limit, context: transcript) {
            let hadEnded = reader.hasEnded
            if let line = reader.lines.dropFirst(start).first(where: isWanted) { return line }
            if hadEnded {
                throw NotInTime(description: "\(name) ended before \(what)\n\(transcript)")
            }
            return nil
        }
    }
}
