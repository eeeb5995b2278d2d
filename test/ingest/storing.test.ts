/** An object that is stored gives its memory back, and one of which that is not known keeps it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../src/failure.ts'
import { storeObject } from '../../src/ingest/storing.ts'
import { MemoryStage } from './memory-stage.ts'

const body = (): Uint8Array => new Uint8Array(1000).fill(7)
const store = (stage: MemoryStage, object: Uint8Array) =>
  storeObject(stage, { key: 'k', body: object, metadata: {} }, () => undefined, new AbortController().signal)

test('what is stored at once is given back', async () => {
  const stage = new MemoryStage()
  const given = body()
  assert.equal(await store(stage, given), 'stored')
  assert.equal(given.length, 0)
  assert.deepEqual(await stage.get('k'), body())
})

// A store may refuse an object before it has read it, and read on: what it then gets must still be this object.
test('what is stored at a second attempt may still be read by the first one', async () => {
  const stage = new MemoryStage()
  let attempts = 0
  stage.beforePut = () => {
    attempts++
    return attempts === 1 ? Promise.reject(new Failure('STAGE_UNREACHABLE', 'not now')) : Promise.resolve()
  }
  const given = body()
  assert.equal(await store(stage, given), 'stored')
  assert.equal(attempts, 2)
  assert.deepEqual(given, body())
})

test('what was there already may still be read by an earlier attempt', async () => {
  const stage = new MemoryStage()
  await store(stage, body())
  const same = body()
  assert.equal(await store(stage, same), 'own')
  assert.deepEqual(same, body())
  const other = body().fill(8)
  assert.equal(await store(stage, other), 'taken')
  assert.equal(other.length, 1000)
})

test('what shares its memory with others is left alone', async () => {
  const shared = new Uint8Array(2000).fill(7)
  assert.equal(await store(new MemoryStage(), shared.subarray(0, 1000)), 'stored')
  assert.equal(shared.length, 2000)
})
