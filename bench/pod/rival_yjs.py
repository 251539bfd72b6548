"""Yjs with y-websocket: one server, two pages, on the same job as our devices."""
import json
import os
import pathlib
import select
import socket
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT_S = 60


class Yjs:
    """A y-websocket server and a program with two pages on it."""

    def __init__(self, bench):
        self.folder = bench.npm(HERE / "yjs", "pages.mjs")
        self.server = self.pages = None
        self.start()
        self.pages = subprocess.Popen(["node", "pages.mjs", str(self.port)], cwd=self.folder, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)

    def start(self):
        """Starts the server; milliseconds until it serves."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        started = time.perf_counter()
        environment = {**os.environ, "HOST": "127.0.0.1", "PORT": str(self.port)}
        self.server = subprocess.Popen(["node", "node_modules/y-websocket/bin/server.cjs"], cwd=self.folder, text=True,
                                       stdout=subprocess.PIPE, env=environment)
        if "running" not in line_of(self.server):
            raise OSError("y-websocket did not start")
        return (time.perf_counter() - started) * 1e3

    def ask(self, command, count):
        self.pages.stdin.write(f"{command} {count}\n")
        self.pages.stdin.flush()
        return json.loads(line_of(self.pages))

    def stop(self):
        for process in (self.pages, self.server):
            if process is not None:
                process.kill()
                process.wait()
        self.pages = self.server = None


def line_of(process):
    if not select.select([process.stdout], [], [], TIMEOUT_S)[0]:
        raise OSError("Yjs did not answer")
    line = process.stdout.readline()
    if not line:
        raise OSError("Yjs ended")
    return line
