#!/usr/bin/env python3
"""The log's golden vectors (docs/formats/{genesis,event,head-tree,certificate,feed-run}.md), a second time: made from what
the pages say, sharing no code with src/log, and compared with their `vectors` blocks.

Usage: log_vectors.py [DOCS_FORMATS_DIR]; prints a line a page, exits 1 if one differs.
"""

import hashlib
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from siv import cbor_bytes, cbor_head, cbor_text, kdf, seal  # noqa: E402

NULL = b"\xf6"


def sha256(data):
    return hashlib.sha256(data).digest()


def filled(value, size=32):
    return bytes([value]) * size


def array(*items):
    return cbor_head(4, len(items)) + b"".join(items)


def integer(value):
    return cbor_head(0, value)


def link(digest):
    return b"\xd8\x2a\x58\x25\x00\x01\x71\x12\x20" + digest


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def on_page(folder, page):
    with open(os.path.join(folder, page + ".md"), encoding="utf-8") as file:
        block = re.search(r"```vectors\n(.*?)```", file.read(), re.S)
    return dict(line.split(" = ") for line in block.group(1).strip().split("\n"))


ABOUT = array(cbor_text("rhizome/document"), NULL, cbor_bytes(filled(0x0C, 16)))
GENESIS = array(integer(1), cbor_bytes(filled(0x0A)), b"\xf4", cbor_bytes(b""), cbor_bytes(filled(0x0B, 16)),
                cbor_bytes(sha256(ABOUT)))
STREAM = sha256(GENESIS)
PLAINTEXT = array(integer(1), NULL, cbor_bytes(b"hello"))
EPOCH_KEY = filled(0x02)
EPOCH = filled(0x0E)
TIME = 1_700_000_000_000


def header(author, seq, prev, parents, time, body, size, kind=0, epoch=EPOCH):
    return array(integer(1), integer(kind), cbor_bytes(STREAM), cbor_bytes(author), integer(1234567), integer(seq),
                 link(prev), array(*map(link, parents)), integer(time), cbor_bytes(epoch), cbor_bytes(body),
                 integer(size))


def sealed_event(author, seq, prev, parents, time):
    """The header's block and the sealed body."""
    body_key = kdf(kdf(EPOCH_KEY, "rhizome stream key v1", STREAM), "rhizome body key v1", EPOCH)
    size = len(PLAINTEXT) + 24
    associated = header(author, seq, prev, parents, time, bytes(32), size)
    sealed = seal(body_key, associated, PLAINTEXT)
    return header(author, seq, prev, parents, time, sha256(sealed), size), sealed, associated


def check_genesis(vectors, _):
    return [("about", ABOUT), ("stream_genesis", GENESIS), ("stream_id", STREAM)]


def check_event(vectors, author):
    first, sealed, associated = sealed_event(author, 0, filled(0x0D), [], TIME)
    second, _, _ = sealed_event(author, 1, sha256(first), [filled(0x0F)], TIME + 250)
    commitment = kdf(EPOCH_KEY, "rhizome epoch commitment v1", STREAM)
    return [("plaintext", PLAINTEXT), ("associated_data", associated), ("sealed_body", sealed), ("header", first),
            ("event_id", sha256(first)), ("cid", b"\x01\x71\x12\x20" + sha256(first)), ("next_header", second),
            ("key_commitment", commitment)]


def check_feed_run(vectors, author):
    front = author + varint(1234567) + varint(0) + filled(0x0D) + varint(2)
    first, first_sealed, _ = sealed_event(author, 0, filled(0x0D), [], TIME)
    _, second_sealed, _ = sealed_event(author, 1, sha256(first), [filled(0x0F)], TIME + 250)

    def events(form, bodies, sizes):
        one = bytes([form << 1 | 8]) + varint(TIME * 2) + varint(sizes[0]) + EPOCH + bodies[0]
        two = bytes([form << 1 | 16]) + varint(500) + varint(sizes[1]) + varint(1) + filled(0x0F) + bodies[1]
        return one + two

    sealed = [first_sealed, second_sealed]
    stored = events(0, sealed, [len(body) for body in sealed])
    plain = events(1, [PLAINTEXT] * 2, [len(PLAINTEXT)] * 2)
    absent = events(2, [sha256(body) for body in sealed], [len(body) for body in sealed])
    signature = bytes.fromhex(vectors["plain"])[-64:]  # Made by the author's key: seal.md.
    return [("stored", b"\x01\x01" + front + stored + signature), ("plain", b"\x01\x01" + front + plain + signature),
            ("absent", b"\x01\x00" + front + absent)]


def leaf(n):
    return array(cbor_bytes(filled(n)), array(link(filled(n)), link(filled(0x10))))


def leaf_hash(n):
    return sha256(b"\x00" + leaf(n))


LEFT = sha256(b"\x01" + leaf_hash(1) + leaf_hash(2))
ROOT = sha256(b"\x01" + LEFT + leaf_hash(3))


def check_head_tree(vectors, _):
    branch = array(integer(1), integer(3), array(cbor_bytes(leaf_hash(1)), cbor_bytes(leaf_hash(3))))
    return [("empty_root", sha256(b"")), ("one_root", leaf_hash(1)), ("head_list", array(leaf(1), leaf(2), leaf(3))),
            ("root", ROOT), ("branch_of_second", branch)]


def check_certificate(vectors, _):
    entry = array(integer(1), integer(1), integer(1), integer(42), integer(7), cbor_bytes(filled(0x0A)), integer(TIME),
                  cbor_bytes(ROOT))
    return [("entry", entry), ("entry_hash", sha256(entry))]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", "..", "docs", "formats")
    author = bytes.fromhex(on_page(folder, "seal")["author"])
    failed = False
    for page, check in (("genesis", check_genesis), ("event", check_event), ("feed-run", check_feed_run),
                        ("head-tree", check_head_tree), ("certificate", check_certificate)):
        vectors = on_page(folder, page)
        wrong = [name for name, made in check(vectors, author) if vectors[name] != made.hex()]
        print(page, "differs: " + ", ".join(wrong) if wrong else "agrees")
        failed = failed or bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
