import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type TestContext, test } from 'node:test'
import { Failure } from '../../src/failure.ts'
import { Batch, type SealedBatch } from '../../src/ingest/batch.ts'
import { type Encoder, type EncoderOptions, startEncoder } from '../../src/ingest/encoder.ts'
import { encodeParquet } from '../../src/ingest/parquet.ts'

/** A thread that dies by a batch of one row, as it would for want of memory; any other batch it encodes. */
const mortal = new URL('../support/mortal-encoder-worker.ts', import.meta.url)

function encoderFor(t: TestContext, options: Omit<EncoderOptions, 'compression'> = {}): Encoder {
  const encoder = startEncoder({ compression: 'snappy', ...options })
  t.after(() => encoder.close())
  return encoder
}

function sealed(rows: number, first = 0n): SealedBatch {
  const batch = new Batch({ topic: 'shop.customers', epoch: 1, partition: 3, first, openedAtMs: 0 })
  for (let offset = first; offset < first + BigInt(rows); offset++) {
    const value = Buffer.from(`{"n":${offset.toString()}}`)
    const message = { topic: 'shop.customers', partition: 3, offset, timestamp: 0n, key: null, value, headers: [] }
    batch.add(message, { kind: 'reject', code: 'NOT_AN_ENVELOPE', reason: 'a test' })
  }
  return batch.seal()
}

const isEncodeFailed =
  (pattern: RegExp) =>
  (error: unknown): boolean =>
    error instanceof Failure && error.code === 'ENCODE_FAILED' && pattern.test(error.message)

test('the thread makes the same file as a direct call, and takes the buffers of the batch with it', async (t) => {
  const encoder = encoderFor(t)
  const batch = sealed(100)
  const { file, rows } = await encoder.encode(batch)
  assert.equal(rows, 100)
  assert.deepEqual(file, await encodeParquet(sealed(100).groups, 'snappy'))
  assert.ok(batch.groups[0]?.columns.flat().every(({ values }) => values.detached))
})

test('more batches than threads are all encoded, each into its own file', async (t) => {
  const encoder = encoderFor(t, { workers: 2 })
  const sizes = [5, 1, 4000, 3, 2, 2500, 7]
  const files = await Promise.all(sizes.map((rows) => encoder.encode(sealed(rows))))
  for (const [index, { file, rows }] of files.entries()) {
    assert.equal(rows, sizes[index])
    assert.deepEqual(file, await encodeParquet(sealed(rows).groups, 'snappy'))
  }
})

test('a thread that dies fails the batch that it had, and the next batch gets a new thread', async (t) => {
  const encoder = encoderFor(t, { workerUrl: mortal })
  const dying = encoder.encode(sealed(1, 40n))
  const next = encoder.encode(sealed(2))
  await assert.rejects(dying, isEncodeFailed(/^shop\.customers\/3 40-40, 1 rows: the thread was told to die$/))
  assert.equal((await next).rows, 2)
  await assert.rejects(encoder.encode(sealed(1)), isEncodeFailed(/told to die/))
  assert.equal((await encoder.encode(sealed(3))).rows, 3)
})

test('a thread that ends without a word fails its batch as well', async (t) => {
  const encoder = encoderFor(t, { workerUrl: mortal })
  await assert.rejects(encoder.encode(sealed(5)), isEncodeFailed(/ended with exit code 7/))
  assert.equal((await encoder.encode(sealed(2))).rows, 2)
})

test('rows that cannot be written fail their batch, and the thread goes on', async (t) => {
  const encoder = encoderFor(t)
  const batch = sealed(2)
  const groups = batch.groups.map((group) => ({ ...group, rows: 3 }))
  await assert.rejects(encoder.encode({ ...batch, groups }), isEncodeFailed(/the footer says/))
  assert.equal((await encoder.encode(sealed(2))).rows, 2)
})

test('a batch whose buffers are gone already fails, and the next one does not', async (t) => {
  const encoder = encoderFor(t)
  const batch = sealed(2)
  await encoder.encode(batch)
  await assert.rejects(encoder.encode(batch), isEncodeFailed(/Cannot transfer/))
  assert.equal((await encoder.encode(sealed(2))).rows, 2)
})

test('closing fails what is not encoded yet', async (t) => {
  const encoder = encoderFor(t, { workerUrl: mortal })
  const outcomes = Promise.allSettled([encoder.encode(sealed(6)), encoder.encode(sealed(2))])
  await encoder.close()
  for (const outcome of await outcomes) {
    assert.equal(outcome.status, 'rejected')
    assert.ok(isEncodeFailed(/ended|closed/)(outcome.reason))
  }
  await assert.rejects(encoder.encode(sealed(2)), isEncodeFailed(/closed/))
})

test('an encoder with nothing to do does not keep the process alive', { timeout: 60_000 }, async () => {
  const encoderUrl = new URL('../../src/ingest/encoder.ts', import.meta.url)
  const batchUrl = new URL('../../src/ingest/batch.ts', import.meta.url)
  const code = `
    const { startEncoder } = await import(${JSON.stringify(encoderUrl.href)})
    const { Batch } = await import(${JSON.stringify(batchUrl.href)})
    const batch = new Batch({ topic: 't', epoch: 1, partition: 0, first: 0n, openedAtMs: 0 })
    batch.cover(1n)
    await startEncoder({ compression: 'snappy' }).encode(batch.seal())`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`))
  const [exitCode] = (await once(worker, 'exit')) as [number]
  assert.equal(exitCode, 0)
})
