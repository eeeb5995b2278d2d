/**
 * Proves that the store honours `If-None-Match: *`, without which two writers could overwrite each other's landing files.
 * When it is asked, and what follows from a refusal, is the caller's.
 */
import { randomUUID } from 'node:crypto'
import { Failure } from '../failure.ts'
import type { Stage } from './stage.ts'

/**
 * Resolves when the store has refused to replace an object. The object stays: the proof needs no right to delete.
 *
 * @throws Failure STAGE_UNSAFE where it was replaced; otherwise as Stage.put
 */
export async function probeStage(stage: Stage, prefix: string): Promise<void> {
  // No topic can have this name.
  const key = `${prefix}_firn/!probe`
  await stage.put(key, Buffer.from('This object shows that the store never replaces one.\n'), {})
  const outcome = await stage.put(key, Buffer.from(`It does not: ${randomUUID()}\n`), {})
  if (outcome === 'taken') return
  throw new Failure('STAGE_UNSAFE', `s3://${stage.bucket}/${key} was replaced in spite of If-None-Match`)
}
