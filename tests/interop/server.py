"""The real server as a child process, on a loopback port of its own."""

import os
import signal
import socket
import subprocess
import time
import urllib.request

DEADLINE_S = 60


class Server:
    """A server on one data directory. Start it, kill it, start it again."""

    def __init__(self, binary, directory):
        self.binary = binary
        self.directory = directory
        self.process = None
        self.endpoint = None

    def start(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % free.getsockname()[1]
        self.endpoint = "http://" + address
        log = open(os.path.join(self.directory, "server.log"), "ab")
        data = os.path.join(self.directory, "data")
        command = [self.binary, "--listen", address, "--data-dir", data]
        environment = dict(os.environ, FLOWSTONE_JOURNAL_FILE_BYTES=str(16 << 20))
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
        )
        log.close()
        deadline = time.monotonic() + DEADLINE_S
        while True:
            if self.process.poll() is not None:
                raise RuntimeError("the server ended at its start: %s" % self.process.returncode)
            try:
                with urllib.request.urlopen(self.endpoint + "/health", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                pass
            if time.monotonic() > deadline:
                raise RuntimeError("the server is not ready")
            time.sleep(0.01)

    def kill(self):
        """SIGKILL."""
        self.process.kill()
        self.process.wait(DEADLINE_S)

    def stop(self):
        """SIGTERM, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_S)
