#!/usr/bin/env python3
"""Redis for the crash lab: a private server, and a list for each log.

    redis.py [--aof | --fsync always|everysec|no] DIRECTORY

Without an option the server is as it is by default: snapshots, no append-only file. `--aof` turns
the append-only file on, with its default policy, `everysec`. Needs `redis-server` (Debian package
redis-server) and no client library.
"""
import argparse
import os
import signal
import socket
import subprocess
import sys
import time

LOGS = 3
SOCKET = "redis.sock"
START_SECONDS_MAX = 30
DUMP_RECORDS = 1000


class Refused(Exception):
    """The server answered with an error."""


def command(*words):
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        word = str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


def reply(stream):
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise EOFError("redis has closed the connection")
    kind, rest = line[:1], line[1:-2]
    if kind == b"+":
        return rest
    if kind == b"-":
        return Refused(rest.decode())
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if rest == b"-1" else stream.read(int(rest) + 2)[:-2]
    if kind == b"*":
        return [reply(stream) for _ in range(int(rest))]
    raise ValueError(f"redis says {line!r}")


def connect(server):
    """Waits until the server has loaded what it has."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and server.poll() is None:
        try:
            link = socket.socket(socket.AF_UNIX)
            link.connect(SOCKET)
            stream = link.makefile("rb")
            link.sendall(command("PING"))
            if reply(stream) == b"PONG":
                return link, stream
            link.close()
        except (OSError, EOFError):
            link.close()
        time.sleep(0.002)
    raise SystemExit("redis does not start")


def say(text):
    sys.stdout.write(text + "\n")


def dump(link, stream):
    for log in range(LOGS):
        start = 0
        while True:
            link.sendall(command("LRANGE", f"log:{log}", start, start + DUMP_RECORDS - 1))
            records = reply(stream)
            for data in records:
                say(f"record {log} {data.decode()}")
            start += len(records)
            if len(records) < DUMP_RECORDS:
                break
    say("end")


def append(link, stream, waiting):
    link.sendall(b"".join(command("RPUSH", f"log:{log}", data) for log, _, data in waiting))
    for _, number, _ in waiting:
        answer = reply(stream)
        say(f"fail {number} {answer}" if isinstance(answer, Refused) else f"ack {number}")
    sys.stdout.flush()


def lines():
    """Whatever lines have come, many at a time."""
    rest = b""
    while True:
        more = os.read(0, 1 << 16)
        if not more:
            return
        *whole, rest = (rest + more).split(b"\n")
        if whole:
            yield [line.decode().split() for line in whole]


def serve(link, stream, server):
    for batch in lines():
        waiting = []
        for word, *rest in batch:
            if word == "append":
                waiting.append(rest)
                continue
            if waiting:
                append(link, stream, waiting)
                waiting = []
            if word == "dump":
                dump(link, stream)
            elif word == "stop":
                link.sendall(command("SHUTDOWN"))
                server.wait()
                say("stopped")
                return
            sys.stdout.flush()
        if waiting:
            append(link, stream, waiting)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--aof", action="store_true")
    parser.add_argument("--fsync", choices=["always", "everysec", "no"])
    parser.add_argument("directory")
    options = parser.parse_args()
    os.chdir(options.directory)  # a socket's path is short
    words = ["redis-server", "--port", "0", "--unixsocket", SOCKET]
    if options.aof or options.fsync:
        words += ["--appendonly", "yes"]
    if options.fsync:
        words += ["--appendfsync", options.fsync]
    server = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    try:
        link, stream = connect(server)
        say(f"ready logs={LOGS}")
        sys.stdout.flush()
        serve(link, stream, server)
    finally:
        # As if killed, when the lab's side is closed.
        if server.poll() is None:
            server.send_signal(signal.SIGKILL)
            server.wait()


main()
