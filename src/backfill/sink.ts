/**
 * Where the files of a replay go: onto the stage under the run's own names, or nowhere, where they are only counted. Both
 * encode them, so that both know their size.
 */
import { Failure } from '../failure.ts'
import type { SealedBatch } from '../ingest/batch.ts'
import type { Encoder } from '../ingest/encoder.ts'
import type { Outage } from '../ingest/outage.ts'
import { type StageObject, storeObject } from '../ingest/storing.ts'
import { encodeLandingMetadata, encodeRunCounts, runFileKey } from '../landing.ts'
import type { Stage } from '../stage/stage.ts'
import { isHopeless } from './copying.ts'
import type { FileSink } from './replay.ts'
import { type Tally, tallyOf } from './tally.ts'

export type Told = (file: Tally) => void

export function countingSink(encoder: Encoder, told: Told): FileSink {
  return {
    store: async (batch) => {
      const { file } = await encoder.encode(batch)
      told(tallyOf(batch, file.byteLength))
    },
  }
}

export type StagingSetting = {
  readonly encoder: Encoder
  readonly prefix: string
  /** as runText gives it */
  readonly run: string
  /** where a value lies that is too large for a row */
  readonly valueKey: (batch: SealedBatch, offset: bigint) => string
  readonly put: Put
  readonly told: Told
}

/** @throws Failure RUN_HELD where another process has stored other contents under the name, and as `Put` */
export function stagingSink({ encoder, prefix, run, valueKey, put, told }: StagingSetting): FileSink {
  return {
    store: async (batch, signal) => {
      const { file } = await encoder.encode(batch)
      for (const { offset, bytes } of batch.values) {
        await put({ key: valueKey(batch, offset), body: bytes, metadata: {} }, signal)
      }
      const { rows, anchor } = batch
      const tally = tallyOf(batch, file.byteLength)
      const metadata = { ...encodeLandingMetadata({ rows, anchor }), ...encodeRunCounts(tally) }
      await put({ key: runFileKey(prefix, run, batch), body: file, metadata }, signal)
      told(tally)
    },
  }
}

/** Puts one object, and resolves when it is there. */
export type Put = (object: StageObject, signal: AbortSignal) => Promise<void>

/** @throws Failure RUN_HELD, STAGE_DENIED, BUCKET_MISSING, and of the stage where repeating is no use; the signal's reason */
export function putter(stage: Stage, outage: Outage): Put {
  return async (object, signal) => {
    const denied = new AbortController()
    const onRetry = (failure: Failure): void => {
      if (isHopeless(failure)) denied.abort(failure)
      else outage.report(failure)
    }
    const outcome = await storeObject(stage, object, onRetry, AbortSignal.any([denied.signal, signal]))
    outage.over()
    if (outcome !== 'taken') return
    throw new Failure('RUN_HELD', `another process of the run has stored ${object.key}, with other contents`)
  }
}
