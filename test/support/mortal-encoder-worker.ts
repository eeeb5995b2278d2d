/**
 * A body for the encoder's thread that dies on demand: a batch of one row makes it throw, one of five rows ends it without
 * a word, one of six it never answers. All others it encodes.
 */
import { parentPort } from 'node:worker_threads'
import type { EncodeRequest } from '../../src/ingest/encoder-worker.ts'
import { encodeParquet } from '../../src/ingest/parquet.ts'

parentPort?.on('message', ({ groups, compression }: EncodeRequest) => {
  const rows = groups[0]?.rows
  if (rows === 1) throw new Error('the thread was told to die')
  if (rows === 5) process.exit(7)
  if (rows === 6) return
  void encodeParquet(groups, compression).then((file) => {
    parentPort?.postMessage({ file }, [file.buffer])
  })
})
