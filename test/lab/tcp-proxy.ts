/**
 * A TCP proxy that misbehaves on command: connections are refused, cut, delayed, swallowed, or cut in the middle of an answer.
 * Which, and when, is the test's.
 *
 * Invariant: as on any network, bytes come in the order in which they were sent, or not at all.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export type TcpProxy = {
  readonly port: number
  /** `host:port` */
  readonly address: string
  /** Cuts what is open; new connections are made. */
  cut(): void
  /** Every byte waits so long, in ms; 0 ends it. */
  delay(ms: number): void
  /** Connections stay open, and nothing comes through, until told otherwise. */
  swallow(on: boolean): void
  /** Requests to Kafka of this kind are lost; others come through. */
  loseRequests(apiKey: number | null): void
  /** The next answer on each open connection, and on the next one, ends after so many bytes. */
  halve(bytes: number): void
  close(): Promise<void>
}

type Pair = { readonly near: Socket; readonly far: Socket; left: number }

/** One direction of a connection. `sent` resolves when all that has come so far has gone on. */
type Flow = { readonly from: Socket; readonly to: Socket; sent: Promise<void> }

/** Listens on a free port, or on the one given, and passes on to `target` on this machine. */
export async function startTcpProxy(target: number, port = 0): Promise<TcpProxy> {
  const pairs = new Set<Pair>()
  let delayMs = 0
  let swallowing: PromiseWithResolvers<undefined> | null = null
  let lostApi: number | null = null
  let nextLeft = Infinity

  const send = ({ from, to }: Flow, data: Buffer, pair: Pair): void => {
    if (from === pair.far && data.length >= pair.left) {
      to.end(data.subarray(0, pair.left))
      pair.far.destroy()
      return
    }
    if (from === pair.far) pair.left -= data.length
    // One that cannot take more must not make this one read on.
    if (!to.write(data)) {
      from.pause()
      to.once('drain', () => from.resume())
    }
  }

  const pass = (flow: Flow, data: Buffer, pair: Pair): void => {
    // A request begins with its length, then the kind.
    if (flow.from === pair.near && lostApi !== null && data.length >= 6 && data.readInt16BE(4) === lostApi) return
    const dueMs = Date.now() + delayMs
    flow.sent = flow.sent.then(async () => {
      const waitMs = dueMs - Date.now()
      if (waitMs > 0) await sleep(waitMs)
      while (swallowing) await swallowing.promise
      send(flow, data, pair)
    })
  }

  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    const pair: Pair = { near, far, left: nextLeft }
    nextLeft = Infinity
    pairs.add(pair)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      const flow: Flow = { from, to, sent: Promise.resolve() }
      from.setNoDelay(true)
      from.on('data', (data: Buffer) => {
        pass(flow, data, pair)
      })
      from.on('error', () => to.destroy())
      from.on('close', () => {
        to.destroy()
        pairs.delete(pair)
      })
    }
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const own = (server.address() as AddressInfo).port
  const cut = () => {
    for (const { near, far } of pairs) {
      near.destroy()
      far.destroy()
    }
  }
  return {
    port: own,
    address: `127.0.0.1:${own}`,
    cut,
    delay: (ms) => {
      delayMs = ms
    },
    swallow: (on) => {
      const ended = swallowing
      swallowing = on ? (ended ?? Promise.withResolvers<undefined>()) : null
      if (!on) ended?.resolve(undefined)
    },
    loseRequests: (apiKey) => {
      lostApi = apiKey
    },
    halve: (bytes) => {
      for (const pair of pairs) pair.left = bytes
      nextLeft = bytes
    },
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
  }
}
