#!/usr/bin/env python3
"""Sealed bodies (docs/formats/sealed-body.md), a second time: from the specification, sharing no code with src/crypto.

BLAKE2b is hashlib's; XChaCha20 (draft-irtf-cfrg-xchacha-03) is written out below, slowly and plainly. For comparison
only: it is not constant in time.

Reads lines "key associated_data plaintext" in hexadecimal ("-" for an empty one), prints the sealed body of each. With
--check, each line has a fourth field, the expected sealed body; exits 1 at the first that differs.
"""

import hashlib
import struct
import sys


def cbor_head(major, argument):
    """The head of a CBOR item in the fewest bytes (RFC 8949, section 3)."""
    if argument < 24:
        return bytes([major << 5 | argument])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << (8 * size):
            return bytes([major << 5 | info]) + argument.to_bytes(size, "big")
    raise ValueError("too long")


def cbor_bytes(data):
    return cbor_head(2, len(data)) + data


def cbor_text(text):
    data = text.encode()
    return cbor_head(3, len(data)) + data


def kdf(key, purpose, context=b""):
    message = cbor_head(4, 2) + cbor_text(purpose) + cbor_bytes(context)
    return hashlib.blake2b(message, digest_size=32, key=key).digest()


def rotate(value, by):
    return (value << by | value >> (32 - by)) & 0xFFFFFFFF


def quarter_round(state, a, b, c, d):
    for first, second, third, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        state[first] = (state[first] + state[second]) & 0xFFFFFFFF
        state[third] = rotate(state[third] ^ state[first], by)


def twenty_rounds(state):
    working = list(state)
    for _ in range(10):
        quarter_round(working, 0, 4, 8, 12)
        quarter_round(working, 1, 5, 9, 13)
        quarter_round(working, 2, 6, 10, 14)
        quarter_round(working, 3, 7, 11, 15)
        quarter_round(working, 0, 5, 10, 15)
        quarter_round(working, 1, 6, 11, 12)
        quarter_round(working, 2, 7, 8, 13)
        quarter_round(working, 3, 4, 9, 14)
    return working


CONSTANTS = struct.unpack("<4I", b"expand 32-byte k")


def hchacha20(key, nonce16):
    rounds = twenty_rounds(CONSTANTS + struct.unpack("<8I", key) + struct.unpack("<4I", nonce16))
    return struct.pack("<8I", *(rounds[0:4] + rounds[12:16]))


def xchacha20(key, nonce24, data):
    words = struct.unpack("<8I", hchacha20(key, nonce24[:16]))
    nonce = struct.unpack("<2I", nonce24[16:])
    out = bytearray()
    for block in range((len(data) + 63) // 64):
        state = CONSTANTS + words + (block & 0xFFFFFFFF, block >> 32) + nonce
        rounds = twenty_rounds(state)
        stream = struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(rounds, state)))
        out += bytes(a ^ b for a, b in zip(data[64 * block : 64 * block + 64], stream))
    return bytes(out)


def seal(key, associated_data, plaintext):
    mac_key, cipher_key = kdf(key, "siv mac"), kdf(key, "siv cipher")
    message = cbor_head(4, 2) + cbor_bytes(associated_data) + cbor_bytes(plaintext)
    tag = hashlib.blake2b(message, digest_size=24, key=mac_key).digest()
    return tag + xchacha20(cipher_key, tag, plaintext)


def main():
    check = sys.argv[1:] == ["--check"]
    for number, line in enumerate(sys.stdin, 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [b"" if field == "-" else bytes.fromhex(field) for field in line.split()]
        sealed = seal(*fields[:3])
        if not check:
            print(sealed.hex())
        elif sealed != fields[3]:
            sys.exit(f"line {number}: {sealed.hex()} is not {fields[3].hex()}")


main()
