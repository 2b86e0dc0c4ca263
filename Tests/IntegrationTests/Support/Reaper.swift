import Foundation
import Synchronization

/// Ends the process groups that tests started when the test program itself goes, however it goes:
/// a small shell process holds their numbers, and the end of its input is the sign.
final class Reaper: Sendable {
    static let shared = Reaper()

    private let input: Mutex<Int32>

    private static let script = """
        trap '' INT TERM HUP
        groups=' '
        while read -r operation group; do
            case $operation$groups in
                add*) groups="$groups$group " ;;
                remove*" $group "*) groups="${groups%%" $group "*} ${groups#*" $group "}" ;;
            esac
        done
        for group in $groups; do kill -s KILL -- "-$group"; done
        """

    private init() {
        guard let ends = Pipe() else { preconditionFailure("no pipe") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends.read, STDIN_FILENO)
        // Whoever reads what the tests print waits until nobody can write there any more.
        for output in [STDOUT_FILENO, STDERR_FILENO] {
            posix_spawn_file_actions_addopen(&actions, output, "/dev/null", O_WRONLY, 0)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        // Its own group, so that what ends the tests' group leaves it to do its work.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var pid = pid_t()
        let words = ["sh", "-c", Reaper.script]
        let arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        let result = posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments, environ)
        precondition(result == 0, "no shell")
        for argument in arguments { free(argument) }
        posix_spawn_file_actions_destroy(&actions)
        posix_spawnattr_destroy(&attributes)
        close(ends.read)
        input = Mutex(ends.write)
    }

    func add(_ group: pid_t) { tell("add \(group)\n") }

    func remove(_ group: pid_t) { tell("remove \(group)\n") }

    private func tell(_ line: String) {
        input.withLock { descriptor in
            var line = line
            _ = line.withUTF8 { write(descriptor, $0.baseAddress, $0.count) }
        }
    }
}
