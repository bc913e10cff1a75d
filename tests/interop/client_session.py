"""Runs a client's session against a fresh server, and ends it when it takes too long.

    python3 client_session.py path/to/flowstone scratch-directory command [argument ...]

The command finds the server's address in FLOWSTONE_ENDPOINT.
"""

import os
import signal
import subprocess
import sys

from server import Server

DEADLINE_S = 180
LOG_BYTES_SHOWN = 4000


def main():
    binary, directory = sys.argv[1:3]
    command = sys.argv[3:]
    os.makedirs(directory, exist_ok=True)
    server = Server(binary, directory)
    server.start()
    try:
        status = run(command, dict(os.environ, FLOWSTONE_ENDPOINT=server.endpoint))
        ended = server.process.poll()
    finally:
        server.kill()
    if ended is not None:
        print("  FAIL  the server ended by itself: %s" % ended)
        status = status or 1
    if status != 0:
        with open(os.path.join(directory, "server.log"), "rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - LOG_BYTES_SHOWN))
            print(log.read().decode(errors="replace"))
    return status


def run(command, environment):
    """The command's exit status; one that hangs is killed with what it started."""
    session = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, env=environment, start_new_session=True
    )
    try:
        status = session.wait(DEADLINE_S)
    except subprocess.TimeoutExpired:
        os.killpg(session.pid, signal.SIGKILL)
        session.wait()
        print("  FAIL  the session did not end within %d s" % DEADLINE_S)
        return 1
    if status != 0:
        print("  FAIL  the session ended with status %d" % status)
    return 0 if status == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
