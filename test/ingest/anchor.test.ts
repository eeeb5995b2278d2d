/** Whether the log is still the same log, and where the stage is asked for it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message } from '../../src/change.ts'
import { anchorOf, compareAnchor } from '../../src/ingest/anchor.ts'
import { anchorsBelow, readGaps, readStaged } from '../../src/ingest/staged-trail.ts'
import { encodeLandingMetadata, gapKey, landingKey } from '../../src/landing.ts'
import { MemoryStage } from './memory-stage.ts'

const message = (change: Partial<Message> = {}): Message => ({
  topic: 't',
  partition: 0,
  offset: 7n,
  timestamp: 5n,
  key: Buffer.from('k'),
  value: Buffer.from('v'),
  headers: [],
  ...change,
})
const seen = (change: Partial<Message>) =>
  compareAnchor(anchorOf(message()), { kind: 'message', message: message(change) })

test('an anchor knows its message by key, value and time', () => {
  assert.equal(seen({}), 'same')
  assert.equal(seen({ timestamp: 6n }), 'other')
  assert.equal(seen({ key: null }), 'other')
  assert.equal(seen({ value: Buffer.from('w') }), 'other')
  assert.equal(seen({ key: Buffer.from('kv'), value: Buffer.alloc(0) }), 'other')
})

test('a marker in its place is another log; nothing in its place says nothing', () => {
  assert.equal(compareAnchor(anchorOf(message()), { kind: 'marker' }), 'other')
  assert.equal(compareAnchor(anchorOf(message()), { kind: 'gone' }), 'gone')
})

const anchor = (offset: bigint) => anchorOf(message({ offset }))
async function staged(ranges: readonly (readonly [bigint, bigint])[]) {
  const stage = new MemoryStage()
  const trace = { stage, prefix: 'p/', topic: 't', epoch: 1, partition: 0 }
  for (const [first, last] of ranges) {
    await stage.put(
      landingKey('p/', { ...trace, range: { first, last } }),
      Buffer.from('x'),
      encodeLandingMetadata({ rows: 1, anchor: anchor(last) }),
    )
  }
  return trace
}
async function offsets(
  trace: Awaited<ReturnType<typeof staged>>,
  end: bigint,
  known: readonly { first: bigint; last: bigint }[] = [],
) {
  const found: bigint[] = []
  for await (const { offset } of anchorsBelow(trace, end, known)) found.push(offset)
  return found
}

test('anchors come from the newest file on: known ones first, then earlier ones, a few in all', async () => {
  const trace = await staged(Array.from({ length: 50 }, (_, at) => [BigInt(at * 10), BigInt(at * 10 + 9)] as const))
  assert.deepEqual(await offsets(trace, 500n), [499n, 489n, 479n, 469n])
  const known = [
    { first: 480n, last: 489n },
    { first: 490n, last: 499n },
  ]
  assert.deepEqual(await offsets(trace, 500n, known), [499n, 489n, 479n, 469n])
  assert.deepEqual(await offsets(trace, 0n), [])
})

test('earlier files are found however far away they are, without listing all that is old', async () => {
  const old = Array.from({ length: 2_000 }, (_, at) => [BigInt(at * 10), BigInt(at * 10 + 9)] as const)
  const trace = await staged([...old, [5_000_000n, 5_000_009n]])
  const listed: string[] = []
  const list = trace.stage.list.bind(trace.stage)
  trace.stage.list = async function* (prefix, startAfter) {
    for await (const object of list(prefix, startAfter)) {
      listed.push(object.key)
      yield object
    }
  }
  assert.deepEqual(await offsets(trace, 5_000_100n), [5_000_009n, 19_999n, 19_989n, 19_979n])
  listed.length = 0
  assert.deepEqual((await offsets(trace, 20_000n, [{ first: 19_990n, last: 19_999n }])).length, 4)
  assert.ok(listed.length < 20, `${listed.length} keys listed`)
})

test('files are listed from the vouched offset on, gaps by partition', async () => {
  const trace = await staged([
    [0n, 9n],
    [10n, 19n],
    [20n, 29n],
  ])
  assert.deepEqual(await readStaged(trace, 10n), [
    { first: 10n, last: 19n },
    { first: 20n, last: 29n },
  ])
  assert.equal((await readStaged(trace, null)).length, 3)
  const range = { first: 30n, last: 34n }
  await trace.stage.put(gapKey('p/', { ...trace, partition: 3, range }), Buffer.from('{}'), {})
  await trace.stage.put(gapKey('p/', { ...trace, epoch: 2, range }), Buffer.from('{}'), {})
  assert.deepEqual([...(await readGaps(trace))], [[3, [range]]])
})
