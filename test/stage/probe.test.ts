/** What the probe says of stores that cannot be trusted. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { probeStage } from '../../src/stage/probe.ts'
import { MemoryStage } from '../ingest/memory-stage.ts'

test('a store that refuses to replace an object passes, every time', async () => {
  const stage = new MemoryStage()
  await probeStage(stage, 'p/')
  await probeStage(stage, 'p/')
  assert.deepEqual(stage.keys, ['p/_firn/!probe'])
})

test('a store that replaces objects is unsafe', async () => {
  const stage = new MemoryStage()
  const kind = stage.put.bind(stage)
  stage.put = async (key, body, metadata) => {
    await stage.remove(key)
    return kind(key, body, metadata)
  }
  await assert.rejects(probeStage(stage, 'p/'), { code: 'STAGE_UNSAFE' })
})
