#!/usr/bin/env python3
"""What the documentation says is so: the README's app runs on three real devices, quotes are verbatim, links lead somewhere."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from devices import Device, pair, wait_for  # noqa: E402

QUOTE = re.compile(r"<!-- example: (\S+) -->\n```\w*\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")


def pages():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout.split()
    return [ROOT / name for name in listed if (ROOT / name).is_file()]


def anchors(page):
    """GitHub's names of the headings of a page."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


class Docs(unittest.TestCase):
    def test_examples_are_quoted_verbatim(self):
        quotes = [(page, *quote) for page in pages() for quote in QUOTE.findall(page.read_text())]
        self.assertTrue(quotes, "README.md quotes docs/examples/first_app.py")
        for page, name, text in quotes:
            self.assertEqual(text, (ROOT / name).read_text(), f"{page.name}: {name}")

    def test_links_lead_somewhere(self):
        for page in pages():
            for target in LINK.findall(page.read_text()):
                if re.match(r"[a-z]+:", target):
                    continue
                name, _, anchor = target.partition("#")
                there = (page.parent / name).resolve() if name else page
                with self.subTest(page=str(page.relative_to(ROOT)), link=target):
                    self.assertTrue(there.exists())
                    if anchor:
                        self.assertIn(anchor, anchors(there))

    def test_named_source_files_exist(self):
        """Names such as `pod/core_cluster.cc` or `src/log/run.h` in the pages that describe the tree."""
        for page in [ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*/*.md")]:
            for name in re.findall(r"`([\w./-]+/[\w.-]+\.(?:h|cc|py|ts|js|svelte|mjs|cmake|txt|sh))`", page.read_text()):
                places = [ROOT, ROOT / "src", ROOT / "web/dashboard", page.parent]
                with self.subTest(page=page.name, file=name):
                    self.assertTrue(any((place / name).exists() for place in places))


class FirstApp(unittest.TestCase):
    def test_runs_on_three_devices(self):
        with tempfile.TemporaryDirectory() as folder:
            home = pathlib.Path(folder) / "rhizome-demo"
            devices = {name: Device(name, home / name) for name in ("laptop", "phone", "cloud")}
            try:
                devices["laptop"].init()
                devices["laptop"].start()
                for name, kind in (("phone", "personal"), ("cloud", "cloud")):
                    pair(devices["laptop"], devices[name], kind)
                    devices[name].start()
                wait_for("three voters", lambda: devices["laptop"].status()["quorum"]["voters"] == 3)
                done = subprocess.run([sys.executable, str(ROOT / "docs/examples/first_app.py")], capture_output=True,
                                      text=True, timeout=60, env={**os.environ, "XDG_DATA_HOME": folder})
                self.assertEqual((done.returncode, done.stdout), (0, "milk\nbread\n"), done.stderr)
            finally:
                for device in devices.values():
                    device.stop()


if __name__ == "__main__":
    unittest.main()
