#!/usr/bin/env python3
"""Puts our figures beside the rivals'. usage: table.py RESULTS_DIR [--json]"""
import json
import pathlib
import sys

results = pathlib.Path(sys.argv[1])
as_json = "--json" in sys.argv[2:]

# What a figure of ours is called -> where a rival's output has its own, each with the first that is there.
HISTORY = {"diamond-types": "dt_lz4", "yrs": "v1"}


def rival_value(run, figure):
    saved = run.get(HISTORY.get(run["lib"], ""), {})
    return {
        "typed in": run.get("local_ms"),
        "merge full history": saved.get("load_plus_text_ms"),
        "open checkpoint": saved.get("load_plus_text_ms"),
        "operations": saved.get("bytes"),
        "memory": saved.get("mem_after_text"),
        "one by one": run.get("stream_updates", {}).get("apply_ms"),
    }.get(figure)


rivals = []
if (results / "rivals").exists():
    rivals = [json.loads(line) for line in (results / "rivals").read_text().splitlines() if line.startswith("{")]

for line in (results / "ours").read_text().splitlines():
    ours = json.loads(line)
    trace, _, figure = ours["name"].partition(" ")
    rows = []
    for run in rivals:
        value = rival_value(run, figure) if run["trace"] == trace else None
        if value:
            rows.append({**ours, "rival": run["lib"], "rival_value": value, "ratio": round(ours["value"] / value, 4)})
    for row in rows or [{**ours, "rival": None, "rival_value": None, "ratio": None}]:
        row["name"] = "document." + row["name"]
        if as_json:
            print(json.dumps(row))
        elif row["rival"]:
            print(f"{row['name']:<44} {row['value']:>12.3f} {row['unit']:<6} {row['rival']:<14} "
                  f"{row['rival_value']:>12.3f}  ratio {row['ratio']:.3f}")
        else:
            print(f"{row['name']:<44} {row['value']:>12.3f} {row['unit']}")
