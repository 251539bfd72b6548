// As much DAG-CBOR as the smoke test needs, written apart from the core's: a second reading of its bytes.

// Plain values; integers as numbers.
export function encode(value) {
  const parts = [];
  put(value, parts);
  return Buffer.concat(parts);
}

function head(major, argument) {
  if (argument < 24) return Buffer.from([(major << 5) | argument]);
  const width = argument < 0x100 ? 1 : argument < 0x10000 ? 2 : 4;
  const bytes = Buffer.alloc(1 + width);
  bytes[0] = (major << 5) | (24 + Math.log2(width));
  bytes.writeUIntBE(argument, 1, width);
  return bytes;
}

function put(value, parts) {
  if (value === null) parts.push(Buffer.from([0xf6]));
  else if (typeof value === "boolean") parts.push(Buffer.from([value ? 0xf5 : 0xf4]));
  else if (Number.isInteger(value)) parts.push(value < 0 ? head(1, -1 - value) : head(0, value));
  else if (typeof value === "number") {
    const bytes = Buffer.alloc(9, 0xfb);
    bytes.writeDoubleBE(value, 1);
    parts.push(bytes);
  } else if (typeof value === "string") parts.push(head(3, Buffer.byteLength(value)), Buffer.from(value));
  else if (Array.isArray(value)) {
    parts.push(head(4, value.length));
    for (const item of value) put(item, parts);
  } else {
    const keys = Object.keys(value).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
    parts.push(head(5, keys.length));
    for (const key of keys) {
      put(key, parts);
      put(value[key], parts);
    }
  }
}

export function decode(bytes) {
  let at = 0;
  const argument = (info) => {
    if (info < 24) return info;
    const width = 2 ** (info - 24);
    const value = width === 8 ? Number(bytes.readBigUInt64BE(at)) : bytes.readUIntBE(at, width);
    at += width;
    return value;
  };
  const take = (size) => bytes.subarray(at, (at += size));
  const item = () => {
    const first = bytes[at++];
    const [major, info] = [first >> 5, first & 31];
    if (major === 7) {
      if (first === 0xfb) return take(8).readDoubleBE();
      return { 0xf4: false, 0xf5: true, 0xf6: null }[first];
    }
    const size = argument(info);
    switch (major) {
      case 0: return size;
      case 1: return -1 - size;
      case 2: return take(size);
      case 3: return take(size).toString();
      case 4: return Array.from({ length: size }, item);
      case 5: return Object.fromEntries(Array.from({ length: size }, () => [item(), item()]));
      default: throw new Error(`no tag was expected at ${at - 1}`);
    }
  };
  const value = item();
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes follow`);
  return value;
}
