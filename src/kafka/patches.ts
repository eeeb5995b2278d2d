/**
 * What is changed inside kafkajs, and nothing else is: three methods of version 2.2.4, which nobody develops any further.
 * Another version ends the process at start, so that no change applies to code that it was not read against.
 */
import { createRequire } from 'node:module'
import { Failure } from '../failure.ts'

const inside = createRequire(import.meta.url)

type Partition = { readonly topic: string; readonly partition: number }
type OffsetManager = { readonly memberId: string }
type Runner = {
  readonly running: boolean
  readonly eachBatch: unknown
  readonly autoCommit: boolean
  readonly eachBatchAutoResolve: boolean
  processEachBatch(batch: Batch): Promise<void>
}
type Batch = { isEmptyDueToFiltering(): boolean }
type RequestQueue = {
  readonly pending: readonly unknown[]
  readonly throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
}
type ClassOf<T> = { readonly prototype: T }

/** Called where Kafka says that a member's fetch offset is outside of the log. */
export type OutOfRangeListener = (partition: Partition) => void

const outOfRangeListeners = new Map<string, OutOfRangeListener>()

/** From now on `listener` decides what an offset outside of the log means for this group member. */
export function onOffsetOutOfRange(memberId: string, listener: OutOfRangeListener): void {
  outOfRangeListeners.set(memberId, listener)
}

export function forgetMember(memberId: string): void {
  outOfRangeListeners.delete(memberId)
}

let applied = false

/** Idempotent. @throws Failure UNKNOWN where kafkajs is another version */
export function applyPatches(): void {
  if (applied) return
  const { version } = inside('kafkajs/package.json') as { readonly version: string }
  if (version !== '2.2.4')
    throw new Failure('UNKNOWN', `kafkajs is ${version}; Firn's changes to it were made for 2.2.4`)
  keepOffsets(inside('kafkajs/src/consumer/offsetManager') as ClassOf<ResettingOffsetManager>)
  deliverFilteredBatches(inside('kafkajs/src/consumer/runner') as ClassOf<HandlingRunner>)
  stopIdleTimer(inside('kafkajs/src/network/requestQueue') as ClassOf<SchedulingQueue>)
  applied = true
}

type ResettingOffsetManager = OffsetManager & { setDefaultOffset(partition: Partition): Promise<void> }

/**
 * On an offset outside of the log kafkajs overwrites the committed offset and jumps to an end of the log, which loses
 * messages in silence. Where a member has a listener, that one is asked instead, and nothing is committed.
 */
function keepOffsets({ prototype }: ClassOf<ResettingOffsetManager>): void {
  const reset = Reflect.get(prototype, 'setDefaultOffset')
  prototype.setDefaultOffset = async function (this: ResettingOffsetManager, partition) {
    const listener = outOfRangeListeners.get(this.memberId)
    if (listener) listener(partition)
    else await reset.call(this, partition)
  }
}

type HandlingRunner = Runner & { handleBatch(batch: Batch): Promise<void> }

/**
 * A fetched batch of which nothing is left (transaction markers, aborted messages, compaction) never reaches `eachBatch`,
 * and the event about it lacks the offset it was fetched at. Where the caller keeps its own offsets, it gets the batch.
 */
function deliverFilteredBatches({ prototype }: ClassOf<HandlingRunner>): void {
  const handle = Reflect.get(prototype, 'handleBatch')
  prototype.handleBatch = async function (this: HandlingRunner, batch) {
    const keepsOwnOffsets = Boolean(this.eachBatch) && !this.autoCommit && !this.eachBatchAutoResolve
    if (this.running && keepsOwnOffsets && batch.isEmptyDueToFiltering()) await this.processEachBatch(batch)
    await handle.call(this, batch)
  }
}

type SchedulingQueue = RequestQueue & { scheduleCheckPendingRequests(): void }

/** How often a full connection looks whether it may send again, in ms; as kafkajs has it. */
const pendingCheckMs = 10

/** kafkajs looks for pending requests every millisecond even where there are none, with a negative time-out. */
function stopIdleTimer({ prototype }: ClassOf<SchedulingQueue>): void {
  prototype.scheduleCheckPendingRequests = function (this: SchedulingQueue) {
    if (this.throttleCheckTimeoutId || this.pending.length === 0) return
    const throttledMs = this.throttledUntil - Date.now()
    const waitMs = throttledMs > 0 ? throttledMs : pendingCheckMs
    this.throttleCheckTimeoutId = setTimeout(() => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    }, waitMs)
  }
}
