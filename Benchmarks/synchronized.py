#!/usr/bin/env python3
"""Measures trackers of one network, each figure in one run:

    make bench-sync
    make bench-sync BENCH='--store postgresql commands visibility'

The directory is in a folder of the working directory's disk, or in the database of a server that is started
for it from the distribution's package, with its data there too. Prints a Markdown table for each store.
"""
import argparse
import json
import os
import pwd
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time

PORTS = [7710, 7711]
DATABASE_PORT = 7712


class Database:
    """A PostgreSQL server with its own folder and the settings it comes with."""

    def __init__(self, folder):
        programs = subprocess.run(
            ["pg_config", "--bindir"], capture_output=True, text=True, check=True).stdout.strip()
        self.folder = folder + "/database"
        os.mkdir(self.folder)
        prefix = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            os.chmod(folder, 0o755)
            prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        subprocess.run(
            [*prefix, programs + "/initdb", "--auth=trust", "--username=mtorrent",
             "--encoding=UTF8", "--locale=C", "--pgdata=" + self.folder],
            stdout=subprocess.DEVNULL, check=True)
        self.process = subprocess.Popen(
            [*prefix, programs + "/postgres", "-D", self.folder, "-p", str(DATABASE_PORT),
             "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="],
            stderr=subprocess.PIPE, text=True)
        while "ready to accept connections" not in self.process.stderr.readline():
            assert self.process.poll() is None
        # What it says later is of no interest, but must go somewhere.
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        self.count = 0

    def location(self):
        """Of an empty database."""
        self.count += 1
        server = f"postgresql://mtorrent@127.0.0.1:{DATABASE_PORT}"
        subprocess.run(
            ["psql", "--quiet", server + "/postgres", "-c", f"CREATE DATABASE d{self.count}"],
            check=True)
        return f"{server}/d{self.count}"

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()


class Stage:
    """Where the state of one part's trackers is."""

    def __init__(self, folder, database):
        self.folder = tempfile.mkdtemp(dir=folder)
        self.where = (["--store", database.location()] if database
                      else ["--data-dir", self.folder + "/data"])

    def tracker(self, place, *options):
        return Tracker(PORTS[place], [*self.where, *options])


class Tracker:
    running = []

    def __init__(self, port, options):
        started = time.monotonic()
        self.port = port
        self.process = subprocess.Popen(
            [PROGRAMS + "/mtorrent-tracker", "--log-level", "warning",
             "--announces-per-address", "off", *options, f"127.0.0.1:{port}"],
            stdout=subprocess.PIPE, text=True)
        Tracker.running.append(self)
        assert self.process.stdout.readline().startswith("listening")
        self.start = time.monotonic() - started

    def metric(self, name):
        status, body = Client(self.port).call("GET", "/metrics")
        assert status == 200
        for line in body.decode().splitlines():
            if line.startswith(name + " "):
                return int(line.split()[1])
        raise KeyError(name)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait()
        Tracker.running.remove(self)


class Client:
    """A connection that costs its user little."""

    def __init__(self, port, token=None):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.authorization = f"Authorization: Bearer {token}\r\n" if token else ""

    def call(self, method, path, body=None):
        content = json.dumps(body).encode() if body is not None else b""
        self.socket.sendall(
            f"{method} {path} HTTP/1.1\r\nHost: tracker\r\n{self.authorization}"
            f"Content-Length: {len(content)}\r\n\r\n".encode() + content)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.more()
        head, _, rest = answer.partition(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line[15:])
        while len(rest) < length:
            rest += self.more()
        return int(head[9:12]), rest

    def more(self):
        part = self.socket.recv(1 << 20)
        assert part, "the tracker has closed the connection"
        return part


def log_in(port, user):
    client = Client(port)
    client.call("POST", "/api/v1/users", {"user_id": user, "password": "password"})
    status, answer = client.call("POST", "/api/v1/sessions", {
        "user_id": user, "password": "password", "port": 5000, "peer_id": "2d" * 20})
    assert status == 201, answer
    return json.loads(answer)["token"]


def found(client, group):
    status, answer = client.call("POST", "/api/v1/groups", {"group_id": group, "kind": "open"})
    assert status == 201, answer


def percentiles(values):
    values = sorted(values)
    return "%.1f / %.1f" % (values[len(values) // 2] * 1e3, values[int(len(values) * 0.99)] * 1e3)


def rate_of_commands(ports, name, seconds=8, connections=8):
    """Groups founded a second, over eight connections."""
    rates = []

    def work(number, client):
        count, start = 0, time.monotonic()
        while time.monotonic() - start < seconds and count < 990:
            found(client, f"{name}-{number}-{count}")
            count += 1
        rates.append(count / (time.monotonic() - start))

    clients = []
    for number in range(connections):
        port = ports[number % len(ports)]
        clients.append(Client(port, log_in(port, f"{name}-{number}")))
    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(rates)


def commands(stage):
    first = stage.tracker(0)
    one = [rate_of_commands(PORTS[:1], f"one{run}") for run in range(3)]
    second = stage.tracker(1)
    two = [rate_of_commands(PORTS, f"two{run}") for run in range(3)]
    first.end()
    second.end()
    yield "commands a second, one tracker", f"{statistics.median(one):,.0f}"
    yield "commands a second, two trackers", f"{statistics.median(two):,.0f}"


def visibility(stage, rounds=1000):
    """From a command's answer to its effect's being seen at the other tracker."""
    trackers = [stage.tracker(0), stage.tracker(1)]
    token = log_in(PORTS[0], "looker")
    here, there = (Client(port, token) for port in PORTS)

    def look(name):
        times = []
        for number in range(rounds):
            group = f"{name}-{number}"
            found(here, group)
            answered = time.monotonic()
            while there.call("GET", f"/api/v1/groups/{group}/files")[0] != 200:
                pass
            times.append(time.monotonic() - answered)
        return percentiles(times)

    yield "ms from an answer to its being seen at the other tracker, p50 / p99", look("quiet")
    rounds //= 4
    load = threading.Thread(target=rate_of_commands, args=(PORTS, "load", 20))
    load.start()
    token = log_in(PORTS[0], "looker-2")
    here, there = (Client(port, token) for port in PORTS)
    yield "the same beside the commands of eight connections", look("loaded")
    load.join()
    for tracker in trackers:
        tracker.end()


def announces(stage):
    outcomes = {"on": [], "off": []}
    for _ in range(3):
        for name, those in outcomes.items():
            tracker = stage.tracker(0, "--swarm-log", name)
            outcome = subprocess.run(
                [GENERATORS + "/announcers", "--to", f"127.0.0.1:{tracker.port}", "--swarms",
                 "20000", "--peers", "200000", "--seconds", "4", "--pid",
                 str(tracker.process.pid)],
                capture_output=True, text=True, check=True).stdout
            dropped = tracker.metric("mtorrent_swarm_log_dropped_total")
            told = tracker.metric("mtorrent_swarm_log_published_total")
            tracker.end()
            those.append((json.loads(outcome), told, dropped))
    for name, those in outcomes.items():
        rate = statistics.median(outcome["per_second"] for outcome, _, _ in those)
        each = statistics.median(outcome["server_cpu_micros"] for outcome, _, _ in those)
        yield (f"announces a second over UDP, swarms' log {name} (µs of processor each)",
               f"{rate:,.0f} ({each:.1f})")
    told, dropped = (sum(those[place] for those in outcomes["on"]) for place in (1, 2))
    yield "changes told to the log / left out, all runs together", f"{told:,} / {dropped:,}"


def replay(stage, peers=1_000_000):
    tracker = stage.tracker(0)
    subprocess.run(
        [GENERATORS + "/announcers", "--to", f"127.0.0.1:{tracker.port}", "--fill", "--peers",
         str(peers), "--swarms", str(peers // 5)], stdout=subprocess.DEVNULL, check=True)
    end = time.monotonic() + 60
    while tracker.metric("mtorrent_swarm_log_published_total") < peers:
        assert time.monotonic() < end, "the log doesn't come after"
        time.sleep(0.2)
    tracker.end(signal.SIGKILL)
    starts = []
    for _ in range(3):
        tracker = stage.tracker(0)
        starts.append(tracker.start)
        there = tracker.metric("mtorrent_peers")
        tracker.end(signal.SIGKILL)
    yield f"s to start with {there:,} peers in the log", f"{statistics.median(starts):.1f}"


def fail_over(stage, peers=20, rounds=5):
    """From a tracker's death, or its stop, to each of its peers' being online at the other."""
    listed = stage.folder + "/tracker_info.txt"
    with open(listed, "w") as file:
        file.writelines(f"127.0.0.1 {port}\n" for port in PORTS)
    times = {signal.SIGKILL: [], signal.SIGSTOP: []}
    for _ in range(rounds):
        for how in times:
            trackers = [stage.tracker(0), stage.tracker(1)]
            processes = []
            for peer in range(peers):
                process = subprocess.Popen(
                    [PROGRAMS + "/mtorrent", "--data-dir", f"{stage.folder}/peer-{peer}", listed],
                    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    text=True)
                process.stdin.write(f"create_user u{peer} pw\nlogin u{peer} pw\n")
                process.stdin.flush()
                processes.append(process)
            watch(trackers[0], peers, 60)
            trackers[0].process.send_signal(how)
            times[how] += watch(trackers[1], peers, 30)
            for process in processes:
                process.kill()
                process.wait()
            trackers[0].end(signal.SIGKILL)
            trackers[1].end()
    for how, values in times.items():
        yield f"ms until peers are online at the other after {how.name}, p50 / p99", percentiles(values)


def watch(tracker, wanted, limit):
    """When the first, the second … and the last wanted session is online there."""
    start, times = time.monotonic(), []
    while len(times) < wanted:
        assert time.monotonic() - start < limit, (tracker.port, len(times))
        online = tracker.metric("mtorrent_sessions_online")
        times += [time.monotonic() - start] * (online - len(times))
        time.sleep(0.005)
    return times


PARTS = {"commands": commands, "visibility": visibility, "announces": announces, "replay": replay,
         "fail-over": fail_over}


def main():
    global PROGRAMS, GENERATORS
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs", help="folder of mtorrent-tracker and mtorrent")
    parser.add_argument("generators", help="folder of the programs that make load")
    parser.add_argument("--store", choices=["sqlite", "postgresql"], help="default: both")
    parser.add_argument("part", nargs="*", default=list(PARTS), help=", ".join(PARTS))
    options = parser.parse_intermixed_args()
    PROGRAMS, GENERATORS = options.programs, options.generators
    folder = tempfile.mkdtemp(prefix="synchronized-", dir=".")
    database = None
    try:
        for store in [options.store] if options.store else ["sqlite", "postgresql"]:
            database = Database(folder) if store == "postgresql" else None
            print(f"| what | {store} |\n|---|--:|")
            for part in options.part:
                for what, figure in PARTS[part](Stage(folder, database)):
                    print(f"| {what} | {figure} |", flush=True)
    finally:
        for tracker in list(Tracker.running):
            tracker.end(signal.SIGKILL)
        if database:
            database.end()
        shutil.rmtree(folder)


main()
