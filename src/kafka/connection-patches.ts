/**
 * What is changed inside kafkajs about its connections: how one begins, and what one costs that has nothing to do. When these
 * take effect is patches.ts.
 */
import type { Socket } from 'node:net'

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

/**
 * What a broken connection left half read stays in front of the first answer of the next one, which is then cut into answers
 * that nobody sent: in the best case it throws, out of reach of everybody who waits, and ends the process. Two that connect
 * at once make a connection each, and forget one of them.
 */
export function beginConnectionsAnew(connection: Connection): void {
  const connect = Reflect.get(connection, 'connect')
  const processData = Reflect.get(connection, 'processData')
  const underway = new WeakMap<Connection, Promise<boolean>>()
  connection.connect = function (this: Connection) {
    const already = underway.get(this)
    if (already) return already
    if (!this.isConnected()) {
      this.socket?.removeAllListeners('data').destroy()
      Object.assign(this, { chunks: [], bytesBuffered: 0, bytesNeeded: lengthBytes })
    }
    const connecting = connect.call(this).finally(() => underway.delete(this))
    underway.set(this, connecting)
    return connecting
  }
  connection.processData = function (this: Connection, data) {
    try {
      processData.call(this, data)
    } catch (error) {
      // Whoever waits for an answer on this connection gets the error, and asks again on another one.
      this.socket?.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  }
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
