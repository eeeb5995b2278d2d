/**
 * What is changed inside kafkajs about its connections: how one begins, and what one costs that has nothing to do. When these
 * take effect is patches.ts.
 */
import type { Socket } from 'node:net'
import { answerMemory, releaseWhole } from '../memory.ts'

export type RequestQueue = {
  readonly pending: readonly unknown[]
  readonly throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
}
export type Connection = {
  readonly socket?: Socket
  bytesBuffered: number
  bytesNeeded: number
  chunks: Buffer[]
  isConnected(): boolean
  connect(): Promise<boolean>
  processData(data: Buffer): void
}

/** An answer begins with its length, an INT32. */
const lengthBytes = 4

/** A longer answer is left to kafkajs: more than what Firn asks for, by far, so that the length may be wrong. */
const gatheredMax = 2 ** 26

/** An answer of which a part is there. */
type Gathering = { readonly bytes: Buffer; used: number }

/**
 * What a broken connection left half read stays in front of the first answer of the next one, which is then cut into answers
 * that nobody sent: in the best case it throws, out of reach of everybody who waits, and ends the process. Two that connect
 * at once make a connection each, and forget one of them. And an answer is put together when its last piece has come, by when
 * the first of them are in no cache any more: here each piece goes to its place as it comes.
 */
export function beginConnectionsAnew(connection: Connection): void {
  const connect = Reflect.get(connection, 'connect')
  const processData = Reflect.get(connection, 'processData')
  const underway = new WeakMap<Connection, Promise<boolean>>()
  const gathered = new WeakMap<Connection, Gathering>()
  connection.connect = function (this: Connection) {
    const already = underway.get(this)
    if (already) return already
    if (!this.isConnected()) {
      this.socket?.removeAllListeners('data').destroy()
      gathered.delete(this)
      Object.assign(this, { chunks: [], bytesBuffered: 0, bytesNeeded: lengthBytes })
    }
    const connecting = connect.call(this).finally(() => underway.delete(this))
    underway.set(this, connecting)
    return connecting
  }
  connection.processData = function (this: Connection, data) {
    try {
      const gathering = gathered.get(this)
      let from = 0
      if (gathering) {
        from = data.copy(gathering.bytes, gathering.used)
        gathering.used += from
        // The next piece is read into the same place, which is still in the cache.
        if (from === data.length) releaseWhole(data)
        if (gathering.used < gathering.bytes.length) return
        gathered.delete(this)
        processData.call(this, gathering.bytes)
      }
      if (from < data.length) processData.call(this, data.subarray(from))
      const begun = gatheringOf(this)
      if (begun) gathered.set(this, begun)
    } catch (error) {
      // Whoever waits for an answer on this connection gets the error, and asks again on another one.
      this.socket?.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  }
}

/** Takes the beginning of an answer from a connection; null where there is none, or it stays there. */
function gatheringOf(connection: Connection): Gathering | null {
  const { bytesBuffered, bytesNeeded } = connection
  // Behind an answer kafkajs keeps its empty rest, with which it would copy the next one, or fail once the answer is given back.
  const chunks = connection.chunks.filter(({ length }) => length > 0)
  const isBegun = bytesBuffered >= lengthBytes && bytesNeeded > bytesBuffered && bytesNeeded <= gatheredMax
  if (bytesBuffered > 0 && !isBegun) {
    connection.chunks = chunks
    return null
  }
  Object.assign(connection, { chunks: [], bytesBuffered: 0, bytesNeeded: lengthBytes })
  if (!isBegun) return null
  const bytes = answerMemory(bytesNeeded)
  let used = 0
  for (const chunk of chunks) used += chunk.copy(bytes, used)
  return { bytes, used }
}

/** How often a full connection looks whether it may send again, in ms; as kafkajs has it. */
const pendingCheckMs = 10

/** kafkajs looks for pending requests every millisecond even where there are none, with a negative time-out (tulios/kafkajs#1751). */
export function stopIdleTimer(queue: RequestQueue): void {
  queue.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.throttleCheckTimeoutId || this.pending.length === 0) return
    const throttledMs = this.throttledUntil - Date.now()
    const waitMs = throttledMs > 0 ? throttledMs : pendingCheckMs
    this.throttleCheckTimeoutId = setTimeout(() => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    }, waitMs)
  }
}
