/**
 * What the status page shows, and nothing else of a process: its data without any markup. Gathered in commands/run-page.ts,
 * judged in verdict.ts, shown by page.ts.
 */

export type PageTrouble = {
  readonly code: string
  readonly message: string
  readonly hint: string
  /** ISO 8601 */
  readonly since: string
}

/** Offsets are those of the metrics: the next one, null where it is not known. */
export type PartitionState = {
  readonly partition: number
  readonly consumed: number | null
  readonly staged: number | null
  readonly loaded: number | null
  /** by table, in the order of the topic's tables */
  readonly merged: readonly (number | null)[]
  readonly end: number | null
  /** from the consumed watermark to the end */
  readonly lagMessages: number | null
  /** how long the oldest has waited to be staged, loaded and merged, in seconds */
  readonly waits: {
    readonly staged: number | null
    readonly loaded: number | null
    readonly merged: readonly (number | null)[]
  }
  readonly isStalled: boolean
  /** code of what halts it */
  readonly halt: string | null
}

/** In seconds; null before anything was measured. */
export type Latency = { readonly median: number; readonly high: number } | null

export type TopicState = {
  readonly topic: string
  readonly tables: readonly string[]
  /** those that this process reads */
  readonly partitions: readonly PartitionState[]
  /** from the Kafka timestamp of a batch's first message to its file on the stage; of these, encoding and putting it */
  readonly latency: { readonly staging: Latency; readonly encode: Latency; readonly put: Latency }
}

export type PageHalt = {
  readonly topic: string
  readonly partition: number
  readonly code: string
  readonly message: string
  readonly hint: string
}

export type PageFile = {
  readonly name: string
  readonly rows: number
  readonly bytes: number
  readonly reason: string
  /** ms since 1970 */
  readonly storedAt: number
  readonly latencyMs: number | null
}

export type PageFinding = {
  readonly code: string
  readonly topic: string
  readonly partition: number | null
  readonly table: string | null
  readonly seen: string
  readonly hint: string
}

export type WarehousePage = {
  readonly trouble: PageTrouble | null
  readonly findings: readonly PageFinding[]
  /** all of them; `findings` are the first */
  readonly findingsCount: number
  /** when all was asked that is asked, ms since 1970; null before the first time */
  readonly askedAt: number | null
}

export type PageState = {
  readonly nowMs: number
  readonly group: string
  /** `s3://bucket/prefix` */
  readonly stage: string
  readonly joined: boolean
  readonly kafkaTrouble: PageTrouble | null
  /** whether the stage has proved that it replaces nothing */
  readonly proved: boolean
  readonly stageTrouble: PageTrouble | null
  readonly assigned: number
  readonly topics: readonly TopicState[]
  readonly halts: readonly PageHalt[]
  readonly files: readonly PageFile[]
  readonly rejects: readonly { readonly topic: string; readonly code: string; readonly count: number }[]
  readonly memory: { readonly used: number; readonly budget: number }
  /** null where the configuration has no warehouse */
  readonly warehouse: WarehousePage | null
}
