#!/usr/bin/env python3
"""Garbage on every port: clear errors, no crash, nothing lost, and the daemon goes on."""
import base64
import json
import os
import random
import socket
import struct
import sys

from harness import PodFolder, check, equal, main, settled

TIMEOUT = 10


def raw(port, data, half_close=True):
    """Sends bytes, returns what came back until the other side closed or fell silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
        connection.settimeout(2)
        got = b""
        try:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                got += piece
        except OSError:
            pass
        return got


def request(device, method="GET", path="/api/status", headers=None, body=b"", token=True):
    """One request with every header ours to spoil: (status, JSON or text)."""
    fields = {"Host": f"127.0.0.1:{device.http}", "Connection": "close"}
    if token:
        fields["Authorization"] = f"Bearer {device.token}"
    if body or method in ("POST", "PUT"):
        fields["Content-Length"] = str(len(body))
    fields.update(headers or {})
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items() if v is not None) + "\r\n"
    got = raw(device.http, head.encode() + body, half_close=False)
    check(got.startswith(b"HTTP/1.1 "), f"{method} {path}: no HTTP answer", got[:200])
    head, _, text = got.partition(b"\r\n\r\n")
    try:
        return int(head.split()[1]), json.loads(text)
    except ValueError:
        return int(head.split()[1]), text.decode(errors="replace")


def refused(result, statuses, what):
    status, body = result
    check(status in statuses, f"{what}: status {status}, wanted {statuses}", body)
    check(isinstance(body, dict) and body.get("error", {}).get("code") and body["error"].get("message"),
          f"{what}: no error in JSON", body)


def lives(device, what):
    check(device.alive(), f"the daemon died of {what}", device.log.read_text()[-1500:])
    equal(device.status()["name"], device.name, f"status after {what}")


def strangers_are_kept_out_of_the_api():
    with PodFolder(("laptop",)) as pod:
        device = pod[0]
        equal(request(device)[0], 200, "the right request")
        equal(request(device, headers={"Host": f"localhost:{device.http}"})[0], 200, "localhost as Host")
        refused(request(device, token=False), (401,), "no token")
        refused(request(device, headers={"Authorization": "Bearer 0000"}), (401,), "a wrong token")
        refused(request(device, headers={"Authorization": f"Bearer {device.token[:-1]}"}), (401,), "a truncated token")
        refused(request(device, token=False, headers={"Cookie": f"rhizome_{device.http}=nonsense"}), (401,), "a wrong cookie")
        for host in ("evil.example", f"evil.example:{device.http}", "127.0.0.1", f"127.0.0.1:{device.http + 1}", ""):
            refused(request(device, headers={"Host": host}), (400, 403), f"Host {host!r}")
        for origin in ("http://evil.example", "null", f"https://127.0.0.1:{device.http}", "http://127.0.0.1:1"):
            refused(request(device, headers={"Origin": origin}), (403,), f"Origin {origin!r}")
        equal(request(device, headers={"Origin": f"http://127.0.0.1:{device.http}"})[0], 200, "our own Origin")
        refused(request(device, path="/?token=wrong", token=False), (401, 403), "a wrong token in the address")
        for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fapi.token", "//etc/passwd", "/%00"):
            status, body = request(device, path=path)
            check(status in (400, 403, 404), f"{path}: {status}", body)
        mode = (device.folder / "api.token").stat().st_mode & 0o777
        equal(oct(mode), "0o600", "who may read the token")
        lives(device, "strangers")


def malformed_requests_are_errors():
    bodies = [b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b'{"title":1}', b'{"title":null}', b'{"title":"\xff"}',
              b'{"title":"a","text":7}', b'{"changes":{}}', b'{"changes":[[]]}', b'{"changes":[[0,0]]}', b'{"changes":[[-1,0,"x"]]}',
              b'{"changes":[[0,-1,"x"]]}', b'{"changes":[[0.5,0,"x"]]}', b'{"changes":[[18446744073709551615,1,"x"]]}',
              b'{"changes":[[1,18446744073709551615,"x"]]}', b'{"changes":[[99999,0,"x"]]}', b'{"changes":[[0,0,1]]}',
              b'{"changes":1e999}', b'{"kind":1}', b'{"kind":[]}', b'{"accept":"yes"}', b'{"words":[]}', b'{"words":{"0":1}}',
              b'{"words":{"x":"y","99":"z","-1":"a"}}', b'{"paper":1}', b'{"paper":"not twenty four words"}',
              b"[" * 100000, b'{"a":' * 50000, b'{"title":"' + b"x" * 5000 + b'"}']
    with PodFolder(("laptop",)) as pod:
        device = pod[0]
        document = device.post("/api/documents?wait=local", {"title": "kept", "text": "kept"})["id"]
        paths = ["/api/documents", f"/api/documents/{document}/edit", "/api/documents/00/edit", "/api/documents/zz/edit",
                 f"/api/documents/{'0' * 64}/edit", "/api/devices/invite", "/api/devices/invite/confirm",
                 f"/api/devices/{'0' * 64}/remove", f"/api/devices/{'0' * 64}/suspend", "/api/devices/zz/remove",
                 "/api/paper/confirm", "/api/nothing", "/api/", "/api/documents/" + "f" * 5000]
        for path in paths:
            for body in bodies:
                status, answer = request(device, "POST", path, body=body)
                check(status != 500, f"POST {path} {body[:60]}: internal error", answer)
                if status >= 400:
                    refused((status, answer), range(400, 500), f"POST {path} {body[:60]}")
        for method, path, body in (("PUT", f"/api/documents/{document}", b'{"title":7}'), ("PUT", f"/api/documents/{document}", b'{"text":[]}'),
                                   ("DELETE", "/api/documents/" + "0" * 64, b""), ("PATCH", "/api/status", b"{}"),
                                   ("PUT", "/api/documents/xyz", b'{"text":"x"}'), ("GET", "/api/documents/xyz", b""),
                                   ("GET", "/api/log/1", b""), ("POST", f"/api/documents/{document}/edit?wait=never", b'{"changes":[]}')):
            refused(request(device, method, path, body=body), range(400, 500), f"{method} {path}")
        check(request(device, path="/api/log?limit=-1")[0] < 500, "a negative limit")
        check(request(device, path="/api/log?limit=99999999999999999999")[0] < 500, "an enormous limit")
        check(request(device, path="/api/log?limit=%zz")[0] == 400, "a malformed address")
        equal(device.text(document), "kept", "the text afterwards")
        lives(device, "malformed requests")


def too_much_is_refused():
    with PodFolder(("laptop",)) as pod:
        device = pod[0]
        refused(request(device, "POST", "/api/documents", {"Content-Length": str(1 << 40)}), (413,), "a body of a terabyte")
        refused(request(device, "GET", "/api/status", {"X-Long": "x" * 200000}), (400, 413, 431), "endless headers")
        got = raw(device.http, b"GET /" + b"a" * 100000)
        check(b" 200 " not in got[:20], "a request line without end", got[:80])
        chunked = request(device, "POST", "/api/documents", {"Transfer-Encoding": "chunked", "Content-Length": None},
                          b"FFFFFFFFFFFFFFFF\r\nx")
        check(chunked[0] in (400, 413), f"an impossible chunk: {chunked}")
        chance = random.Random(7)
        for garbage in [b"", b"\0" * 100, b"\x16\x03\x01\x02\x00\x01" + b"x" * 300, b"GET\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                        b"GET / HTTP/9.9\r\n\r\n", *(chance.randbytes(chance.randrange(1, 3000)) for _ in range(40))]:
            raw(device.http, garbage)
        kept = [socket.create_connection(("127.0.0.1", device.http), timeout=TIMEOUT) for _ in range(200)]
        lives(device, "200 silent connections")
        for each in kept:
            each.close()
        lives(device, "garbage on the HTTP port")


def upgrade(device, headers=None):
    connection = socket.create_connection(("127.0.0.1", device.http), timeout=TIMEOUT)
    fields = {"Host": f"127.0.0.1:{device.http}", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
              "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(), "Authorization": f"Bearer {device.token}",
              **(headers or {})}
    connection.sendall(("GET /api/live HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items() if v is not None)
                        + "\r\n").encode())
    return connection, connection.recv(4096)


def frame(data, opcode=1, mask=True, fin=True, length=None):
    size = len(data) if length is None else length
    head = bytes([(0x80 if fin else 0) | opcode])
    bit = 0x80 if mask else 0
    head += bytes([bit | size]) if size < 126 else bytes([bit | 126]) + struct.pack(">H", size) if size < 65536 else \
        bytes([bit | 127]) + struct.pack(">Q", size)
    key = b"\x01\x02\x03\x04"
    return head + (key + bytes(b ^ key[i % 4] for i, b in enumerate(data)) if mask else data)


def broken_web_sockets():
    with PodFolder(("laptop",)) as pod:
        device = pod[0]
        document = device.post("/api/documents", {"title": "t", "text": "abc"})["id"]
        for headers, what in (({"Authorization": None}, "no token"), ({"Origin": "http://evil.example"}, "a foreign page"),
                              ({"Host": "evil.example"}, "a foreign Host")):
            connection, answer = upgrade(device, headers)
            connection.close()
            check(b" 101 " not in answer[:40], f"WebSocket with {what} was let in", answer[:80])
        messages = [b"", b"{", b"[]", b"\xff\xff", b'{"type":1}', b'{"type":"nonsense"}', b'{"type":"watch","topics":7}',
                    b'{"type":"watch","topics":[1,{}]}', b'{"type":"watch"}', b'{"type":"watch","topics":{"a":1}}',
                    b'{"type":"open","doc":7}', b'{"type":"open","doc":"zz"}', b'{"type":"open"}', b'{"type":"edit"}',
                    b"[" * 60000, json.dumps({"type": "open", "doc": "0" * 64}).encode(),
                    json.dumps({"type": "edit", "doc": document, "rev": 0, "changes": []}).encode(),
                    json.dumps({"type": "open", "doc": document}).encode()]
        for revision in (-1, 0, 1, 99, 2**63, "x", None):
            for changes in ([], [[0, 0, "x"]], [[99, 0, "x"]], [[0, 99, ""]], [[2**64 - 1, 2**64 - 1, ""]], [[0]], 7, None):
                messages.append(json.dumps({"type": "edit", "doc": document, "rev": revision, "changes": changes}).encode())
        for anchor in (-1, 0, 2**64 - 1, "x"):
            messages.append(json.dumps({"type": "cursor", "doc": document, "rev": 0, "anchor": anchor, "head": anchor}).encode())
        for message in messages:
            connection, answer = upgrade(device)
            check(b" 101 " in answer[:40], "a right WebSocket is let in", answer[:80])
            connection.sendall(frame(json.dumps({"type": "open", "doc": document}).encode()) + frame(message))
            connection.settimeout(0.05)
            try:
                while connection.recv(65536):
                    pass
            except OSError:
                pass
            connection.close()
            check(device.alive(), f"the daemon died of {message[:80]}", device.log.read_text()[-800:])
        for broken in (frame(b"{}", mask=False), frame(b"{}", opcode=3), frame(b"{}", opcode=11), frame(b"x", length=1 << 40),
                       frame(b"x" * 200, opcode=9), frame(b"{", fin=False) + frame(b"{}"), frame(b"{}", opcode=0), frame(b"\xc3(", 8),
                       frame(b"\0\1\2", opcode=2), b"\xff" * 500, frame(b"{}")[:3], frame(b"\x03", opcode=8)):
            connection, _ = upgrade(device)
            connection.sendall(broken)
            connection.close()
        lives(device, "broken frames")
        equal(device.text(document).replace("x", ""), "abc", "the text afterwards")


def garbage_on_the_libp2p_port():
    chance = random.Random(11)
    hello = b"\x13/multistream/1.0.0\n"
    with PodFolder(("laptop", "phone")) as pod:
        for device in (pod[0], pod[1]):
            port = int(device.addresses[0].rsplit("/", 1)[1])
            told = raw(port, hello + b"\x0f/nonsense/1.0.0\n"[:16])
            check(b"multistream" in told, "it doesn't speak multistream-select", told[:80])
            starts = [b"", hello[:7], hello, hello + b"\x05/tls\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\xff" * 20, b"\x80" * 64,
                      hello + b"\xff\xff\xff\xff\x0f", hello + b"\x0b/tls/1.0.0\n" + b"\x16\x03\x01\xff\xff" + b"\0" * 500]
            for start in starts:
                for length in (0, 1, 50, 5000):
                    raw(port, start + chance.randbytes(length))
            held = [socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) for _ in range(60)]
            lives(device, "garbage on the libp2p port")
            document = device.post("/api/documents", {"title": f"from {device.name}", "text": "x"})["id"]
            device.edit(document, [[0, 0, "y"]], "committed")
            for each in held:
                each.close()
        equal(len(settled([pod[0], pod[1]])), 2, "documents on both afterwards")


if __name__ == "__main__":
    sys.exit(main(strangers_are_kept_out_of_the_api, malformed_requests_are_errors, too_much_is_refused, broken_web_sockets,
                  garbage_on_the_libp2p_port))
