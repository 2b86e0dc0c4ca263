#!/usr/bin/env python3
"""Measures how soon a removed member of a sealed group is cut off by those who share with it:

    make bench-sealed

Two trackers over one folder, two sharers at each. In every round somebody with Bob's certificate is connected
to all four when the owner's removal of Bob is answered; the time is from that answer until the connection has
ended. Then each is asked again, and has to refuse. Prints a Markdown table.
"""
import argparse
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time

TRACKERS = [7720, 7721]
SHARERS = {"alice": 0, "carol": 0, "dave": 1, "erin": 1}
GROUP = "sealed"


running = []


def start(program, *arguments):
    running.append(subprocess.Popen(
        [f"{PROGRAMS}/{program}", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True))
    return running[-1]


class Shell:
    """A peer, by its command line."""

    def __init__(self, folder, user, tracker):
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            self.port = chosen.getsockname()[1]
        self.process = start(
            "mtorrent", "--data-dir", f"{folder}/{user}", f"127.0.0.1:{self.port}",
            f"127.0.0.1:{tracker}")
        self.ask(f"create_user {user} password")
        self.ask(f"login {user} password")

    def ask(self, command):
        # Behind it goes a command whose answer is known.
        self.process.stdin.write(f"{command}\nhelp exit\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            assert not line.startswith("error:"), f"{command}: {line}"
            if line == "usage: exit\n":
                return


class Session:
    """A user's session at a tracker, without a peer."""

    def __init__(self, port, user):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.authorization = ""
        answer = self.call("POST", "sessions", {
            "user_id": user, "password": "password", "port": 5000, "peer_id": "2d" * 20})
        self.authorization = f"Authorization: Bearer {json.loads(answer)['token']}\r\n"

    def call(self, method, path, body=None):
        content = json.dumps(body).encode() if body is not None else b""
        self.socket.sendall(
            f"{method} /api/v1/{path} HTTP/1.1\r\nHost: tracker\r\n{self.authorization}"
            f"Content-Length: {len(content)}\r\n\r\n".encode() + content)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.socket.recv(65536)
        head, _, rest = answer.partition(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n")
                       if line.startswith(b"content-length:")), 0)
        while len(rest) < length:
            rest += self.socket.recv(65536)
        assert head[9:10] == b"2", answer
        return rest


class Visitor:
    """A connection to a sharer with Bob's certificate, after both handshakes."""

    def __init__(self, port, info_hash, certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.load_cert_chain(certificate)
        self.socket = context.wrap_socket(
            socket.create_connection(("127.0.0.1", port)), server_hostname=info_hash)
        self.socket.sendall(
            b"\x13BitTorrent protocol" + bytes(8) + bytes.fromhex(info_hash) + b"-XX0001-123456789012")
        if not self.socket.recv(68):
            raise ConnectionError("nothing comes")

    def wait(self):
        """When it ends."""
        try:
            while self.socket.recv(65536):
                pass
        except OSError:
            pass
        return time.monotonic()


def is_let_in(*visit):
    try:
        Visitor(*visit).socket.close()
        return True
    except OSError:
        return False


def until(condition, what):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def measure(folder, rounds):
    shells = {user: Shell(folder, user, TRACKERS[place]) for user, place in SHARERS.items()}
    bob = Shell(folder, "bob", TRACKERS[0])
    alice = shells["alice"]
    alice.ask(f"create_group {GROUP}")
    file = folder + "/book.bin"
    with open(file, "wb") as output:
        output.write(os.urandom(1 << 20))
    alice.ask(f"upload_file {file} {GROUP}")
    sessions = {user: Session(TRACKERS[0], user) for user in [*SHARERS, "bob"]}

    def admit(user):
        sessions[user].call("POST", f"groups/{GROUP}/requests")
        sessions["alice"].call("PUT", f"groups/{GROUP}/members/{user}")

    for user in ["bob", "carol", "dave", "erin"]:
        admit(user)
    for user in ["carol", "dave", "erin"]:
        time.sleep(1)
        shells[user].ask(f"download_file {GROUP} book.bin {folder}/{user}.bin")
        shells[user].ask("wait")
    bob.ask(f"export {GROUP} book.bin {folder}/bob.torrent")
    files = json.loads(sessions["bob"].call("GET", f"groups/{GROUP}/files"))["files"]
    info_hash, certificate = files[0]["info_hash"], folder + "/bob.torrent.pem"
    times = {0: [], 1: []}
    for _ in range(rounds):
        ended, threads = {}, []
        for user, shell in shells.items():
            visit = (shell.port, info_hash, certificate)
            until(lambda: is_let_in(*visit), f"{user} lets Bob in")
            visitor = Visitor(*visit)
            threads.append(threading.Thread(
                target=lambda user=user, visitor=visitor: ended.update({user: visitor.wait()})))
        for thread in threads:
            thread.start()
        sessions["alice"].call("DELETE", f"groups/{GROUP}/members/bob")
        answered = time.monotonic()
        for thread in threads:
            thread.join(timeout=60)
        for user, place in SHARERS.items():
            times[place].append(ended[user] - answered)
            assert not is_let_in(shells[user].port, info_hash, certificate), user
        admit("bob")
    return times


def main():
    global PROGRAMS
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs", help="folder of mtorrent-tracker and mtorrent")
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args()
    PROGRAMS = options.programs
    folder = tempfile.mkdtemp(prefix="removals-", dir=".")
    try:
        for port in TRACKERS:
            tracker = start("mtorrent-tracker", "--data-dir", folder + "/tracker", f"127.0.0.1:{port}")
            assert tracker.stdout.readline().startswith("listening")
        times = measure(folder, options.rounds)
        print(f"| ms from the answer to `remove_member` until a sharer has hung up, {options.rounds} rounds "
              "| p50 | p99 | most |\n|---|--:|--:|--:|")
        for place, what in [(0, "sharers at the tracker that was asked"), (1, "at another tracker")]:
            values = sorted(max(value, 0) * 1e3 for value in times[place])
            print(f"| {what} | {values[len(values) // 2]:.1f} | "
                  f"{values[int(len(values) * 0.99)]:.1f} | {values[-1]:.1f} |")
    finally:
        for process in running:
            process.kill()
            process.wait()
        shutil.rmtree(folder)


main()
