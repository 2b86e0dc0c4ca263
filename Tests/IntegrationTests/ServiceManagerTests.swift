import Foundation
import Testing

/// The tracker under a service manager: sockets that are handed over, what it is told, and what it
/// is asked to do by signals. Python stands for the manager.
@Suite(.inTurn) struct ServiceManagerTests {
    /// Where the manager is told (sd_notify(3)).
    private final class Notifications {
        let path: String
        private let descriptor: Int32
        private var messages: [String] = []

        init(_ scratch: Scratch) throws {
            path = scratch("notify")
            descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let result = withUnsafeBytes(of: &address) {
                bind(
                    descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                    socklen_t($0.count))
            }
            try #require(result == 0)
        }

        deinit { close(descriptor) }

        /// Waits for a message that none before it was taken for.
        func next(where isWanted: (String) -> Bool) async throws -> String {
            try await eventually("a word to the manager", context: "\(messages)") {
                var bytes = [UInt8](repeating: 0, count: 4096)
                while case let count = recv(descriptor, &bytes, 4096, Int32(MSG_DONTWAIT)),
                    count > 0
                {
                    messages.append(String(decoding: bytes[..<count], as: UTF8.self))
                }
                guard let index = messages.firstIndex(where: isWanted) else { return nil }
                defer { messages.removeSubrange(...index) }
                return messages[index]
            }
        }
    }

    /// Opens a TCP and a UDP socket of one port, says which, and becomes the program.
    private static let manager = """
        import os, socket, sys
        while True:
            tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
            tcp.bind(("127.0.0.1", 0))
            tcp.listen(8)
            try:
                udp.bind(tcp.getsockname())
                break
            except OSError:
                pass
        sockets = [udp, tcp]
        for number, given in enumerate(sockets): os.dup2(given.fileno(), 20 + number)
        for number in range(2): os.dup2(20 + number, 3 + number)
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2")
        print("port", tcp.getsockname()[1], flush=True)
        os.closerange(5, 30)
        os.execv(sys.argv[1], sys.argv[1:])
        """

    /// Asks for a connection id and prints the answer's length.
    private static let connectRequest = """
        import socket, sys
        udp = socket.socket(type=socket.SOCK_DGRAM)
        udp.settimeout(10)
        udp.sendto(bytes.fromhex("00000417271019800000000000000007"), ("127.0.0.1", int(sys.argv[1])))
        print(len(udp.recv(100)))
        """

    private func get(_ port: Substring, _ path: String) async throws -> [String] {
        try await run(
            "curl", ["--silent", "--max-time", "20", "http://127.0.0.1:\(port)\(path)"]
        ).output
    }

    @Test(arguments: [1, 3])
    func `it serves on the sockets it was handed, and says how it stands`(
        reactors: Int
    ) async throws {
        let scratch = try Scratch()
        let notifications = try Notifications(scratch)
        let process = try ChildProcess(
            "/usr/bin/python3",
            [
                "-c", Self.manager, Programs.tracker, "--reactors", "\(reactors)", "--data-dir",
                scratch("data"), "127.0.0.1:0",
            ],
            environment: [
                "HOME": scratch.path, "NOTIFY_SOCKET": notifications.path,
                "WATCHDOG_USEC": "100000",
            ])
        let port = try await process.line("the port handed over") { $0.hasPrefix("port ") }
            .dropFirst(5)
        try await process.line("the tracker's address") { $0 == "listening on 127.0.0.1:\(port)" }
        #expect(
            try await notifications.next { $0.hasPrefix("READY=1") }
                == "READY=1\nSTATUS=listening on 127.0.0.1:\(port)")
        #expect(try await get(port, "/healthz") == ["ok"])
        let answer = try await run(
            "/usr/bin/python3", ["-c", Self.connectRequest, String(port)])
        #expect(answer.output == ["16"], "\(answer)")
        #expect(try await notifications.next { $0 == "WATCHDOG=1" } == "WATCHDOG=1")

        process.signal(SIGHUP)
        let reloading = try await notifications.next { $0.hasPrefix("RELOADING=1") }
        #expect(reloading.wholeMatch(of: /RELOADING=1\nMONOTONIC_USEC=[0-9]+/) != nil)
        _ = try await notifications.next { $0.hasPrefix("READY=1") }
        process.signal(SIGTERM)
        _ = try await notifications.next { $0 == "STOPPING=1" }
        #expect(try await process.end(within: .seconds(5)) == .exited(0))
    }

    @Test func `sockets that are meant for another process are left alone`() async throws {
        let scratch = try Scratch()
        let process = try ChildProcess(
            Programs.tracker, ["--data-dir", scratch("data"), "127.0.0.1:0"],
            environment: ["HOME": scratch.path, "LISTEN_PID": "1", "LISTEN_FDS": "2"])
        let prefix = "listening on 127.0.0.1:"
        let line = try await process.line("the tracker's address") { $0.hasPrefix(prefix) }
        #expect(try await get(line.dropFirst(prefix.count), "/healthz") == ["ok"])
    }

    @Test func `what is handed over and can't be used is said`() async throws {
        let scratch = try Scratch()
        // Standard input, output and errors, and a file.
        let finished = try await run(
            "/usr/bin/python3",
            [
                "-c",
                """
                import os, sys
                os.dup2(os.open("/dev/null", os.O_RDONLY), 3)
                os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
                os.execv(sys.argv[1], sys.argv[1:])
                """, Programs.tracker, "--data-dir", scratch("data"), "127.0.0.1:0",
            ], environment: ["HOME": scratch.path])
        #expect(finished.code == 1)
        #expect(finished.errors.joined().contains("LISTEN_FDS"), "\(finished)")
    }

    @Test func `SIGHUP shows the certificate that is in its file then, on all reactors`()
        async throws
    {
        let scratch = try Scratch()
        let pem = scratch("own.pem")
        func make() async throws -> String {
            let made = try await run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes",
                    "-subj", "/CN=tracker", "-keyout", pem + ".key", "-out", pem,
                ])
            #expect(made.code == 0, "\(made)")
            let read = try await run("openssl", ["x509", "-in", pem, "-noout", "-fingerprint"])
            return try #require(read.output.first)
        }
        func shown(by tracker: TrackerProcess) async throws -> String? {
            let script =
                "openssl s_client -connect $0 </dev/null | openssl x509 -noout -fingerprint"
            return try await run("bash", ["-c", script, tracker.address]).output.first
        }
        let first = try await make()
        let tracker = try await TrackerProcess(
            dataFolder: scratch("data"),
            options: ["--reactors", "3", "--certificate", pem, "--key", pem + ".key"])
        #expect(try await shown(by: tracker) == first)
        let second = try await make()
        #expect(try await shown(by: tracker) == first && first != second)
        tracker.process.signal(SIGHUP)
        try await eventually("the new certificate", context: tracker.process.transcript) {
            for _ in 0..<8 where try await shown(by: tracker) != second { return false }
            return true
        }
        _ = try scratch.text("own.pem", "nonsense")
        tracker.process.signal(SIGHUP)
        try await tracker.process.line("what is wrong", in: tracker.process.errors) {
            $0.contains("the options stay as they are") && $0.contains("own.pem")
        }
        #expect(try await shown(by: tracker) == second)
    }

    @Test func `SIGHUP reads the options again, and wrong ones change nothing`() async throws {
        let scratch = try Scratch()
        let config = try scratch.text("tracker.conf", "open-swarms = on\n")
        let tracker = try await TrackerProcess(
            dataFolder: scratch("data"), options: ["--config", config])
        let announce =
            "/announce?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-XX0001-aaaaaaaaaaaa&port=6881&left=1"
        #expect(try await tracker.get(announce).body.contains("8:intervali120e"))

        _ = try scratch.text("tracker.conf", "announce-interval = 300s\nlog-level = debug\n")
        tracker.process.signal(SIGHUP)
        try await eventually("the new interval", context: tracker.process.transcript) {
            try await tracker.get(announce).body.contains("8:intervali300e")
        }
        try await tracker.process.line("what needs a restart", in: tracker.process.errors) {
            $0.contains("from the next start on") && $0.contains("log-level")
        }

        _ = try scratch.text("tracker.conf", "announce-interval = soon\n")
        tracker.process.signal(SIGHUP)
        try await tracker.process.line("what is wrong", in: tracker.process.errors) {
            $0.contains("the options stay as they are") && $0.contains("soon")
        }
        #expect(try await tracker.get(announce).body.contains("8:intervali300e"))

        _ = try scratch.text("tracker.conf", "open-swarms = off\n")
        tracker.process.signal(SIGHUP)
        try await eventually("open swarms being off", context: tracker.process.transcript) {
            try await tracker.get(announce).body.contains("14:failure reason")
        }
    }
}
