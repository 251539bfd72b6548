// Two pages on one y-websocket server, as bench/pod/room.py drives them: commands on stdin, an answer a line on stdout.
//
//   node pages.mjs PORT
//   edits N       N one-character edits on one page, each until the other has it: [milliseconds, ...]
//   documents N   opens N documents of 1,000 characters: bytes of one, saved
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

const address = `ws://127.0.0.1:${process.argv[2]}`

// Through the server only: no short cut between two pages of one process.
async function page (name) {
  const doc = new Y.Doc()
  const provider = new WebsocketProvider(address, name, doc, { WebSocketPolyfill: WebSocket, disableBc: true })
  if (!provider.synced) await new Promise((resolve) => provider.once('sync', resolve))
  return { doc, text: doc.getText('text'), provider }
}

const [here, there] = await Promise.all([page('bench'), page('bench')])
const arrived = () => new Promise((resolve) => there.doc.once('update', resolve))
const first = arrived()
here.text.insert(0, 'x'.repeat(1000))
await first

async function edits (count) {
  const times = []
  for (let i = 0; i < count; i++) {
    const started = performance.now()
    const update = arrived()
    here.text.insert(0, 'abcdefghij'[i % 10])
    await update
    times.push(performance.now() - started)
    if (there.text.length !== here.text.length) throw new Error('the pages differ')
    await sleep(2)
  }
  return times
}

async function documents (count) {
  let bytes = 0
  for (let i = 0; i < count; i++) {
    const { doc, text, provider } = await page(`document${i}`)
    text.insert(0, 'z'.repeat(1000))
    bytes = Y.encodeStateAsUpdate(doc).length
    await sleep(1)
    provider.destroy()
  }
  return bytes
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, count] = line.split(' ')
  console.log(JSON.stringify(await { edits, documents }[command](Number(count))))
}
process.exit(0)
