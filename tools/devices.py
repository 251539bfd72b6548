"""Devices as processes: start, pair, kill and ask them. What `./dev up`, `./dev replay` and the end-to-end tests share.

Everything listens on 127.0.0.1.
"""
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = pathlib.Path(os.environ.get("RHIZOME_BINARY", ROOT / "build/release/bin/rhizome"))
PAGE = ROOT / "web/dashboard/dist"


class DeviceError(Exception):
    """A device did not do what it was asked; the message is its own."""


class Device:
    """One `rhizome up`, with its folder and its API. `listen` None: as the program decides by itself."""

    def __init__(self, name, folder, http=0, listen="/ip4/127.0.0.1/tcp/0", options=()):
        self.name, self.folder, self.http, self.listen = name, pathlib.Path(folder), http, listen
        self.options = list(options)
        self.process = self.url = None
        self.addresses = []
        self.log = self.folder.parent / f"{name}.log"

    def run(self, *words, stdin=None, check=True):
        """A command of the program on this device's folder; its JSON."""
        done = subprocess.run([str(BINARY), *map(str, words), "--data", str(self.folder), "--json"], input=stdin,
                              capture_output=True, text=True, timeout=120)
        if check and done.returncode != 0:
            raise DeviceError(f"{self.name}: rhizome {words[0]}: exit {done.returncode}: {done.stdout}{done.stderr}")
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        return json.loads(lines[-1]) if lines else None

    def is_there(self):
        return (self.folder / "device.key").exists()

    def init(self):
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        return self.run("init", "--name", self.name)

    def start(self, timeout=20):
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        command = [str(BINARY), "up", "--data", str(self.folder), "--http", str(self.http), "--json", *self.options]
        if self.listen:
            command += ["--listen", self.listen]
        if PAGE.is_dir():
            command += ["--page", str(PAGE)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True,
                                            start_new_session=True)
        timer = threading.Timer(timeout, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if not line:
            raise DeviceError(f"{self.name} did not start: {self.log.read_text()[-2000:]}")
        about = json.loads(line)
        if "error" in about:
            raise DeviceError(f"{self.name} did not start: {about['error']['message']}")
        self.url, self.addresses = about["url"], about["addresses"]
        # The next start takes the same ports, so that the others and the page find it again.
        self.http = int(about["http"].rsplit(":", 1)[1])
        if self.listen and self.addresses:  # A read-only copy has none.
            self.listen = self.addresses[0]
        return self

    @property
    def token(self):
        return (self.folder / "api.token").read_text().strip()

    def call(self, method, path, body=None, timeout=40):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", data=data, method=method,
                                         headers={"Authorization": f"Bearer {self.token}"})
        try:
            with urllib.request.urlopen(request, timeout=timeout) as reply:
                text = reply.read().decode()
                return json.loads(text) if path != "/metrics" else text
        except urllib.error.HTTPError as error:
            raise DeviceError(f"{self.name}: {method} {path}: {error.code}: {error.read().decode()[:500]}") from None
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            raise DeviceError(f"{self.name}: {method} {path}: {error}") from None

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body=None):
        return self.call("POST", path, body if body is not None else {})

    def status(self):
        return self.get("/api/status")

    def documents(self):
        return self.get("/api/documents")["documents"]

    def text(self, document):
        return self.get(f"/api/documents/{document}")["text"]

    def edit(self, document, changes, wait="visible"):
        return self.post(f"/api/documents/{document}/edit?wait={wait}", {"changes": changes})

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """As power loss does it to a process: no goodbye."""
        if self.alive():
            self.process.send_signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
            self.process.stdout.close()

    def stop(self, timeout=10):
        if self.alive():
            self.process.terminate()
        if self.process is not None:
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process.stdout.close()
            return self.process.returncode
        return None


def wait_for(what, check, timeout=30, every=0.05):
    """Waits until check() is true; what it last raised or returned is part of the error."""
    deadline, last = time.monotonic() + timeout, None
    while time.monotonic() < deadline:
        try:
            last = check()
            if last:
                return last
        except DeviceError as error:
            last = error
        time.sleep(every)
    raise DeviceError(f"waited {timeout} s for {what}: {last}")


def pair(inviter, newcomer, kind="personal"):
    """The real pairing: a code, two proofs, the same fingerprint on both screens, and the owner's yes."""
    invite = inviter.post("/api/devices/invite", {"kind": kind})
    command = [str(BINARY), "join", invite["code"], "--at", invite["addresses"][0], "--name", newcomer.name, "--data",
               str(newcomer.folder), "--json"]
    newcomer.folder.parent.mkdir(parents=True, exist_ok=True)
    joining = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = joining.stdout.readline()
    shown = json.loads(line) if line else {}
    if shown.get("state") != "asking":
        raise DeviceError(f"{newcomer.name} could not join: {line}{joining.stderr.read()}")
    asked = wait_for("the inviter to ask", lambda: (state := inviter.get("/api/devices/invite"))["state"] == "asking" and state)
    if asked["fingerprint"] != shown["fingerprint"] or asked["name"] != newcomer.name:
        joining.kill()
        raise DeviceError(f"fingerprints differ: {asked} {shown}")
    inviter.post("/api/devices/invite/confirm", {"accept": True})
    out, err = joining.communicate(timeout=60)
    if joining.returncode != 0:
        raise DeviceError(f"{newcomer.name} could not join: {out}{err}")
    return invite


def all_equal(devices, titles_only=False):
    """Whether the devices hold the same documents with the same texts; blind ones are left out."""
    seen = []
    for device in devices:
        documents = sorted(device.documents(), key=lambda each: each["id"])
        seen.append([(each["id"], each["title"], None if titles_only else device.text(each["id"])) for each in documents])
    return all(each == seen[0] for each in seen) and seen[0]


def answers(connection, count):
    """Reads so many answers to requests that were sent one after another on the connection; each is 200."""
    buffer = b""
    while count:
        head, mark, rest = buffer.partition(b"\r\n\r\n")
        if mark:
            lines = head.split(b"\r\n")
            length = next(int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:"))
            if len(rest) >= length:
                if b" 200 " not in lines[0]:
                    raise DeviceError(f"{lines[0].decode()}: {rest[:length].decode()[:300]}")
                buffer, count = rest[length:], count - 1
                continue
        more = connection.recv(1 << 18)
        if not more:
            raise DeviceError("the connection was closed")
        buffer += more


def write_events(device, documents, rounds, text="word "):
    """`rounds` closed events in each of the documents, by ordinary edits: many requests on one connection, then one
    that waits until they are saved, which closes them."""
    def request(document, wait):
        body = json.dumps({"changes": [[0, 0, text]]})
        return (f"POST /api/documents/{document}/edit?wait={wait} HTTP/1.1\r\nHost: 127.0.0.1:{device.http}\r\n"
                f"Authorization: Bearer {device.token}\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()
    turn = b"".join([*(request(each, "visible") for each in documents[1:]), request(documents[0], "local")])
    with socket.create_connection(("127.0.0.1", device.http), timeout=60) as connection:
        for _ in range(rounds):
            began = time.monotonic()
            connection.sendall(turn)
            answers(connection, len(documents))
            # A device answers so many requests a second and no more.
            time.sleep(max(0.0, began + len(documents) / 4500 - time.monotonic()))
