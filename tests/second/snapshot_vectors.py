#!/usr/bin/env python3
"""The pod snapshot's tree, a second time: made from what docs/formats/snapshot.md says, sharing no code with src/view, and
compared with the page's `vectors` block.

Usage: snapshot_vectors.py [DOCS_FORMATS_DIR]; prints what it finds, exits 1 if something differs.
"""

import hashlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from log_vectors import array, integer, link, on_page  # noqa: E402
from siv import cbor_bytes, cbor_text, kdf, seal  # noqa: E402

LEAF, INNER, CHUNK, CHUNK_LIST, STATE = range(5)
ITEMS_MAX, INLINE_MAX, CHUNK_MIN, CHUNK_MAX, WINDOW = 256, 2048, 4096, 65536, 64


def sha256(data):
    return hashlib.sha256(data).digest()


class Tree:
    def __init__(self, snapshot_key, did):
        self.block_key = kdf(snapshot_key, "rhizome snapshot block v1", did)
        self.node_key = kdf(snapshot_key, "rhizome snapshot node v1", did)
        self.chunk_key = kdf(snapshot_key, "rhizome snapshot chunk v1", did)
        self.gear = [int.from_bytes(kdf(self.chunk_key, "gear", bytes([i]))[:8], "big") for i in range(256)]
        self.blocks = {}

    def put(self, links, body):
        named = array(*map(link, links))
        data = array(integer(1), named, cbor_bytes(seal(self.block_key, array(cbor_text("rhizome snapshot block v1"),
                                                                              named), body)))
        self.blocks[sha256(data)] = data
        return sha256(data)

    def ends(self, kind, level, key):
        return kdf(self.node_key, "ends", bytes([kind, level]) + key)[0] < 8

    def group(self, kind_of, level, items, key_of):
        """One level, cut into nodes."""
        nodes, node = [], []
        for item in items:
            node.append(item)
            if len(node) == ITEMS_MAX or self.ends(kind_of(level), level, key_of(item)):
                nodes.append(node)
                node = []
        return nodes + ([node] if node else [])

    def chunks(self, data):
        while data:
            size = min(len(data), CHUNK_MAX)
            for end in range(CHUNK_MIN, size):
                window = data[end - WINDOW : end]
                rolling = 0
                for byte in window:
                    rolling = (rolling << 1) + self.gear[byte] & 0xFFFFFFFFFFFFFFFF
                if rolling >> 56 == 0 and kdf(self.chunk_key, "ends", window)[0] < 4:
                    size = end
                    break
            yield data[:size]
            data = data[size:]

    def long_value(self, data):
        items = [(self.put([], array(integer(CHUNK), cbor_bytes(chunk))), len(chunk)) for chunk in self.chunks(data)]
        level = 0
        while len(items) > 1:
            level += 1
            made = []
            for node in self.group(lambda _: CHUNK_LIST, level, items, lambda item: b"\x01\x71\x12\x20" + item[0]):
                body = array(integer(CHUNK_LIST), integer(level), array(*(integer(size) for _, size in node)))
                made.append((self.put([cid for cid, _ in node], body), sum(size for _, size in node)))
            items = made
        return items[0][0]

    def map(self, entries):
        items = []
        for key in sorted(entries):
            value = entries[key]
            is_long = len(value) > INLINE_MAX
            items.append((key, self.long_value(value) if is_long else None,
                          integer(len(value)) if is_long else cbor_bytes(value)))
        level = 0
        while True:
            made = []
            for node in self.group(lambda at: INNER if at else LEAF, level, items, lambda item: item[0]):
                links = [child for _, child, _ in node if child]
                if level:
                    body = array(integer(INNER), integer(level), array(*(cbor_bytes(key) for key, _, _ in node)))
                else:
                    body = array(integer(LEAF), array(*(array(cbor_bytes(key), value) for key, _, value in node)))
                made.append((node[-1][0], self.put(links, body), None))
            items, level = made, level + 1
            if len(items) == 1:
                return items[0][1]


def number_key(number):
    return sha256(str(number).encode())


def made():
    new = lambda: Tree(b"\x07" * 32, b"\x01\x02\x03" + bytes(29))  # noqa: E731
    one, many, long_one = new(), new(), new()
    one_root = one.map({number_key(0): b"hello"})
    many_root = many.map({number_key(i): bytes([i % 256]) * i for i in range(300)})
    counted = b"".join(number_key(i) for i in range(100_000 // 32 + 1))[:100_000]
    long_root = long_one.map({number_key(0): counted})
    many_blocks = len(many.blocks)
    state = many.put([many_root], array(integer(STATE), cbor_bytes(number_key(1)), integer(300)))
    return {"one_entry_block": one.blocks[one_root].hex(), "one_entry_root": one_root.hex(),
            "many_blocks": str(many_blocks), "many_root": many_root.hex(), "long_blocks": str(len(long_one.blocks)),
            "long_root": long_root.hex(), "state": state.hex()}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", "..", "docs", "formats")
    vectors, again = on_page(folder, "snapshot"), made()
    for name, value in again.items():
        print(f"{name} = {value}")
    wrong = [name for name in {**vectors, **again} if vectors.get(name) != again.get(name)]
    print("snapshot", "differs: " + ", ".join(wrong) if wrong else "agrees")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
