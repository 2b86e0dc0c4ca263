import Foundation

/// Two hosts and a line between them that delays, drops and queues: network namespaces, each with
/// a TUN device (Documentation/networking/tuntap.rst), and a program in between that hands their
/// packets on. Everything above is the kernel's own TCP.
final class LossyNetwork: Sendable {
    /// How the line treats packets, each way alike.
    struct Line {
        var delay = Duration.milliseconds(50)
        /// Of each connection's packets with data, one of so many is dropped, at a place among them
        /// that the seed decides: every connection that sends as much loses the same packets.
        var packetsPerLoss = 100
        var seed = 1
        /// Bytes a second.
        var rate = 5_000_000
        /// Bytes that wait for the line; what comes on top is dropped.
        var queue = 500_000
        /// As the kernel names it; nil leaves the machine's default.
        var congestionControl: String?
    }

    /// One end of the line.
    struct Host: Sendable {
        let address: String
        /// What to put before a command line, so that it runs on this host.
        let entrance: [String]

        func start(_ arguments: [String]) throws -> ChildProcess {
            let words = entrance + arguments
            return try ChildProcess(words[0], Array(words.dropFirst()))
        }
    }

    let near: Host
    let far: Host
    private let relay: ChildProcess

    init(_ line: Line) async throws {
        let words =
            LossyNetwork.privilege + ["/usr/bin/python3", "-u", "-c", LossyNetwork.script]
            + [
                "\(line.delay / .seconds(1))", "\(line.packetsPerLoss)", "\(line.rate)",
                "\(line.queue)", line.congestionControl ?? "", "\(line.seed)",
            ]
        relay = try ChildProcess(words[0], Array(words.dropFirst()))
        let answer = try await relay.line("the two hosts") { $0.hasPrefix("hosts ") }
        let holders = answer.split(separator: " ").dropFirst().map(String.init)
        func host(_ number: Int) -> Host {
            var entrance = ["nsenter", "--target", holders[number], "--net"]
            if geteuid() != 0 { entrance += ["--user", "--preserve-credentials"] }
            return Host(address: "10.77.0.\(number + 1)", entrance: entrance + ["--"])
        }
        (near, far) = (host(0), host(1))
    }

    /// Who isn't root may make namespaces in a user namespace, where the system lets them.
    private static var privilege: [String] {
        geteuid() == 0 ? [] : ["unshare", "--user", "--map-root-user"]
    }

    /// Whether this machine lets us; where it doesn't, it is said what is in the way.
    static func isPossible() async -> Bool {
        for (words, obstacle) in [
            (privilege + ["unshare", "--net", "true"], "no right to make network namespaces"),
            (["test", "-w", "/dev/net/tun"], "/dev/net/tun can't be opened"),
            (["ip", "-V"], "no ip(8)"), (["iperf3", "--version"], "no iperf3"),
        ] {
            let finished = try? await run(words[0], Array(words.dropFirst()))
            if finished?.code == 0 { continue }
            print("no network that loses packets can be made here: \(obstacle)")
            return false
        }
        return true
    }

    private static let script = """
        import collections, ctypes, fcntl, os, random, select, struct, subprocess, sys, time
        delay, loss, rate, limit = float(sys.argv[1]), *map(int, sys.argv[2:5])
        libc = ctypes.CDLL(None, use_errno=True)

        def host(own, other):
            # CLONE_NEWNET; the device is bound to the namespace that is current when it is made.
            if libc.unshare(0x40000000) != 0:
                raise OSError(ctypes.get_errno(), 'unshare')
            if sys.argv[5]:
                with open('/proc/sys/net/ipv4/tcp_congestion_control', 'w') as setting:
                    setting.write(sys.argv[5])
            # TUNSETIFF with IFF_TUN | IFF_NO_PI.
            device = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(device, 0x400454ca, struct.pack('16sH22x', b'line', 0x1001))
            for words in ('link set lo up', f'address add {own} peer {other} dev line',
                          'link set line up mtu 1500'):
                subprocess.run(['ip'] + words.split(), check=True)
            # It keeps the namespace, and ends with us.
            holder = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
            return device, holder

        class Losses:
            def __init__(self):
                self.random, self.place, self.lost = random.Random(sys.argv[6]), 0, 0

            def take_next(self):
                if self.place % loss == 0:
                    self.lost = self.place + self.random.randrange(loss)
                self.place += 1
                return self.place - 1 == self.lost

        class Way:
            def __init__(self, source, sink):
                self.source, self.sink = source, sink
                self.queue, self.free = collections.deque(), 0.0
                self.losses = collections.defaultdict(Losses)

            def loses(self, packet):
                # IPv4 without options and TCP: the rest is of no weight here.
                if packet[0] != 0x45 or packet[9] != 6 or len(packet) == 20 + (packet[32] >> 4) * 4:
                    return False
                return self.losses[packet[12:24]].take_next()

            def take(self, now):
                while True:
                    try:
                        packet = os.read(self.source, 2048)
                    except BlockingIOError:
                        return
                    if self.loses(packet) or (self.free - now) * rate > limit:
                        continue
                    self.free = max(self.free, now) + len(packet) / rate
                    self.queue.append((self.free + delay, packet))

            def give(self, now):
                while self.queue and self.queue[0][0] <= now:
                    try:
                        os.write(self.sink, self.queue.popleft()[1])
                    except OSError:
                        pass

        near, near_holder = host('10.77.0.1', '10.77.0.2')
        far, far_holder = host('10.77.0.2', '10.77.0.1')
        ways = [Way(near, far), Way(far, near)]
        print('hosts', near_holder.pid, far_holder.pid)
        while True:
            now = time.monotonic()
            due = [way.queue[0][0] for way in ways if way.queue]
            # The standard input ends with the tests.
            ready = select.select([near, far, 0], [], [], max(0, min(due) - now) if due else None)[0]
            if 0 in ready and not os.read(0, 4096):
                break
            now = time.monotonic()
            for way in ways:
                way.take(now)
                way.give(now)
        """
}
