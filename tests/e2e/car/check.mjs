// Reads a CAR with other people's code: every block decodes, every hash holds, and from the root every block is reached by
// links. Prints one line of JSON: {root, blocks, reached, fields: of the root, versionId, id}.
import { createReadStream } from "node:fs";
import { CarBlockIterator } from "@ipld/car/iterator";
import * as dagCbor from "@ipld/dag-cbor";
import { CID } from "multiformats/cid";
import { sha256 } from "multiformats/hashes/sha2";

const car = await CarBlockIterator.fromIterable(createReadStream(process.argv[2]));
const roots = await car.getRoots();
if (roots.length !== 1) throw new Error(`${roots.length} roots`);
const blocks = new Map();
for await (const { cid, bytes } of car) {
  if (cid.code !== dagCbor.code) throw new Error(`${cid} is no dag-cbor`);
  const made = CID.createV1(dagCbor.code, await sha256.digest(bytes));
  if (!made.equals(cid)) throw new Error(`${cid} does not name its block`);
  const value = dagCbor.decode(bytes);
  // One encoding of each value: encoded again by another library it is the same block.
  const again = CID.createV1(dagCbor.code, await sha256.digest(dagCbor.encode(value)));
  if (!again.equals(cid)) throw new Error(`${cid} is encoded otherwise by @ipld/dag-cbor`);
  blocks.set(cid.toString(), value);
}

const reached = new Set();
const follow = (value) => {
  const cid = CID.asCID(value);
  if (cid) {
    const name = cid.toString();
    if (!blocks.has(name) || reached.has(name)) return;
    reached.add(name);
    return follow(blocks.get(name));
  }
  if (value instanceof Uint8Array || value === null || typeof value !== "object") return;
  for (const each of Object.values(value)) follow(each);
};
follow(roots[0]);
const root = blocks.get(roots[0].toString());
if (root === undefined) throw new Error("the root is not in the file");
for (const name of ["operations", "state"]) {
  const link = CID.asCID(root[name]);
  if (link && !blocks.has(link.toString())) throw new Error(`${name} is not in the file`);
}
console.log(JSON.stringify({
  root: roots[0].toString(), blocks: blocks.size, reached: reached.size, fields: Object.keys(root),
  id: root.id, versionId: root.versionId,
}));
