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
  /** empty once it is stored: its memory is given back */
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
      // Only then is it known to have been read to its end: of `own`, an attempt may still be on its way.
      if (outcome === 'stored') releaseWhole(body)
      return outcome
    } catch (error) {
      const failure = toFailure(error)
      if (failure.response !== 'retry') throw failure
      onRetry(failure)
    }
    await sleep(backoffMs(attempt), undefined, { signal: abandoned })
  }
}
