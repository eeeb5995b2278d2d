/**
 * The worker thread of encoder.ts: row groups in, a Parquet file out. An error is an answer; the thread goes on.
 */
import { parentPort } from 'node:worker_threads'
import type { IngestConfig } from '../config.ts'
import type { RowGroup } from './batch.ts'
import { encodeParquet } from './parquet.ts'

export type EncodeRequest = {
  readonly groups: readonly RowGroup[]
  readonly compression: IngestConfig['compression']
}
export type EncodeAnswer = { readonly file: Uint8Array<ArrayBuffer> } | { readonly error: unknown }

const port = parentPort
if (!port) throw new Error('this file is the body of a worker thread')

port.on('message', ({ groups, compression }: EncodeRequest) => {
  encodeParquet(groups, compression)
    .then(
      (file) => {
        port.postMessage({ file } satisfies EncodeAnswer, [file.buffer])
      },
      (error: unknown) => {
        port.postMessage({ error } satisfies EncodeAnswer)
      },
    )
    .finally(() => {
      release(groups)
    })
})

/** At once: this thread makes few objects, so that its garbage collector would come by much later. */
function release(groups: readonly RowGroup[]): void {
  for (const { values, present } of groups.flatMap(({ columns }) => columns.flat())) {
    values.transfer(0)
    present?.transfer(0)
  }
}
