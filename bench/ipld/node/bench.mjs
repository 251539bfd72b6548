// @ipld/dag-cbor on the inputs that ipld_bench has written: `node bench.mjs DIR SECONDS` prints, for every .cbor file
// in DIR, "@ipld/dag-cbor OPERATION NAME MEGABYTES_PER_SECOND".
import { decode, encode } from '@ipld/dag-cbor'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const [folder, secondsText] = process.argv.slice(2)
const seconds = Number(secondsText)

// The best of five stretches, after as long a warm-up: the one that was disturbed least.
function megabytesPerSecond (bytes, work) {
  let best = 0
  for (let stretch = -1; stretch < 5; stretch++) {
    const start = performance.now()
    let rounds = 0
    let elapsed = 0
    while ((elapsed = performance.now() - start) < seconds * 200) {
      work()
      rounds++
    }
    if (stretch >= 0) best = Math.max(best, rounds * bytes / elapsed / 1000)
  }
  return best
}

for (const file of readdirSync(folder).sort()) {
  if (!file.endsWith('.cbor')) continue
  const bytes = new Uint8Array(readFileSync(join(folder, file)))
  const name = file.slice(0, -'.cbor'.length)
  const value = decode(bytes)
  if (Buffer.compare(encode(value), bytes) !== 0) throw new Error(`${name} does not encode to itself`)
  console.log(`@ipld/dag-cbor decode ${name} ${megabytesPerSecond(bytes.length, () => decode(bytes)).toFixed(1)}`)
  console.log(`@ipld/dag-cbor encode ${name} ${megabytesPerSecond(bytes.length, () => encode(value)).toFixed(1)}`)
}
