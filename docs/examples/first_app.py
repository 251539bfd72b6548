"""A first app: makes a note on the laptop, edits it, reads it on the phone. Needs a running `./dev up`."""
import json, os, pathlib, time, urllib.request

PODS = pathlib.Path(os.environ.get("XDG_DATA_HOME") or pathlib.Path.home() / ".local/share") / "rhizome-demo"

def call(device, method, path, body=None):
    http = json.loads((PODS / device / "daemon.json").read_text())["http"]
    headers = {"Authorization": "Bearer " + (PODS / device / "api.token").read_text().strip()}
    request = urllib.request.Request(http + path, json.dumps(body).encode(), headers, method=method)
    return json.load(urllib.request.urlopen(request))

note = call("laptop", "POST", "/api/documents", {"title": "Shopping", "text": "milk\n"})["id"]
call("laptop", "POST", f"/api/documents/{note}/edit?wait=committed", {"changes": [[5, 0, "bread\n"]]})
while 11 not in [each["bytes"] for each in call("phone", "GET", "/api/documents")["documents"] if each["id"] == note]:
    time.sleep(0.02)  # Two of the three devices have agreed; the phone may be the third.
print(call("phone", "GET", f"/api/documents/{note}")["text"], end="")
