/**
 * Puts one object on the stage, again and again until it is there or known to be taken.
 * In which order objects are stored is outbox.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { toFailure, type Failure } from '../failure.ts'
import { releaseWhole } from '../memory.ts'
import type { PutOutcome, Stage } from '../stage/stage.ts'
import { backoffMs } from './backoff.ts'

export type StageObject = {
  readonly key: string
  /** may be empty once it is stored: its memory is given back as soon as nobody reads it */
  readonly body: Uint8Array
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * Resolves with what came of it, for as long as it takes. `onRetry` hears of each attempt that failed.
 *
 * @throws Failure where repeating is no use; the signal's reason where `abandoned` says that nobody waits any more
 */
export async function storeObject(
  stage: Stage,
  { key, body, metadata }: StageObject,
  onRetry: (failure: Failure) => void,
  abandoned: AbortSignal,
): Promise<PutOutcome> {
  for (let attempt = 0; ; attempt++) {
    abandoned.throwIfAborted()
    try {
      const outcome = await stage.put(key, body, metadata)
      // Only then does nobody read it any more: an attempt that failed before its body was sent may be sending it still.
      if (outcome === 'stored' && attempt === 0) releaseWhole(body)
      return outcome
    } catch (error) {
      const failure = toFailure(error)
      if (failure.response !== 'retry') throw failure
      onRetry(failure)
    }
    await sleep(backoffMs(attempt), undefined, { signal: abandoned })
  }
}
