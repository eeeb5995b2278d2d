import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openRunStore } from '../../src/backfill/run-store.ts'
import { firstLineNumber } from '../../src/backfill/run-record.ts'
import { MemoryStage } from '../ingest/memory-stage.ts'

describe('a run on the stage', () => {
  test('is held by one process; what was said without an answer is its own word', async () => {
    const stage = new MemoryStage()
    const store = openRunStore(stage, 'p/')
    const hold = await store.hold('t', 'r')
    assert.equal(stage.keys.length, 1)
    // The next word gets through, and nobody hears of it.
    const [first = ''] = stage.keys
    const said = await stage.get(first)
    assert.ok(said)
    await stage.put(first.replace('0000000001', '0000000002'), said, {})
    await hold.release()
    assert.equal(hold.lost.aborted, false)
    assert.equal(await store.holder('t', 'r'), null)
    await (await store.hold('t', 'r')).release()
  })

  test('that another process has taken is lost', async () => {
    const stage = new MemoryStage()
    const store = openRunStore(stage, 'p/')
    const hold = await store.hold('t', 'r')
    const other = { id: 'other', host: 'there', pid: 1, until: new Date(Date.now() + 60_000).toISOString() }
    await stage.put('p/_firn/t/runs/r/holders/0000000002.json', Buffer.from(JSON.stringify(other)), {})
    await hold.release()
    assert.equal(hold.lost.aborted, true)
    assert.deepEqual(await store.holder('t', 'r'), other)
    await assert.rejects(store.hold('t', 'r'), { code: 'RUN_HELD' })
  })

  test('has a number that no other run of the topic has, however many begin at once', async () => {
    const stage = new MemoryStage()
    const stores = Array.from({ length: 8 }, () => openRunStore(stage, 'p/'))
    const numbers = await Promise.all(stores.map((store, at) => store.claim('t', 100, `r${at}`)))
    assert.equal(new Set(numbers).size, stores.length)
    assert.deepEqual(await openRunStore(stage, 'p/').names('t'), [], 'a number is no run')
  })

  test('numbers its lines so that they stay numbers of 64 bits, and never meet those of another second', () => {
    const at = (ms: number) => firstLineNumber(new Date(ms))
    assert.equal(at(1_999) + 999_999_999n < at(2_000), true)
    assert.ok(at(Date.parse('2262-01-01')) + 10n ** 9n < 2n ** 63n)
  })
})
