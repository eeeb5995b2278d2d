/** What a commit says beside its offset. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeMetadata, parseCommitment, parseHaltNote } from '../../src/ingest/commitment.ts'

const offset = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })
const anchor = fc.record(
  {
    offset,
    timestamp: fc.bigInt({ min: -1n, max: 2n ** 53n }),
    hash: fc.stringMatching(/^[0-9a-f]{64}$/),
  },
  { noNullPrototype: true },
)

test('a commitment is read back as it was written, beyond 2^53 too', () => {
  const commitments = fc.record(
    { epoch: fc.nat(99_999), next: offset, first: offset, open: fc.boolean(), anchor: fc.option(anchor) },
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(commitments, (commitment) => {
      assert.deepEqual(parseCommitment(encodeMetadata(commitment)), commitment)
    }),
  )
})

test('text of another writer is no commitment', () => {
  const others = [
    null,
    '',
    'null',
    '[]',
    '"text"',
    '{"epoch":1}',
    '{"epoch":1,"next":"-1","first":"0","anchor":null}',
    '{"epoch":1,"next":5,"first":"0","anchor":null}',
    '{"epoch":"1","next":"5","first":"0","anchor":null}',
    '{"epoch":1,"next":"5","first":"0","anchor":"5:5:abc"}',
    '{"epoch":1,"next":"5","first":"0"}',
  ]
  for (const text of others) assert.equal(parseCommitment(text), null, String(text))
})

test('a note of a halt is read back, and vouches for nothing by itself', () => {
  const note = {
    code: 'RETENTION_LOSS',
    message: 'staged to 5, and the log holds 8 to 10',
    command: 'firn ack-gap',
  } as const
  const alone = encodeMetadata(null, note)
  assert.equal(parseCommitment(alone), null)
  assert.deepEqual(parseHaltNote(alone), note)
  const commitment = { epoch: 1, next: 5n, first: 0n, open: false, anchor: null }
  const both = encodeMetadata(commitment, note)
  assert.deepEqual(parseCommitment(both), commitment)
  assert.deepEqual(parseHaltNote(both), note)
  assert.equal(parseHaltNote(encodeMetadata(commitment)), null)
  for (const other of [null, '', 'x', '{"halt":5}', '{"halt":{"code":"NO","message":""}}'])
    assert.equal(parseHaltNote(other), null)
})

test('however long its reason, the string stays within what a broker takes', () => {
  const anchor = { offset: 2n ** 63n - 1n, timestamp: 2n ** 53n, hash: 'f'.repeat(64) }
  const commitment = { epoch: 99_999, next: 2n ** 63n - 1n, first: 2n ** 63n - 1n, open: true, anchor }
  const note = {
    code: 'SETTINGS_CHANGED',
    message: '\u{1F331}'.repeat(5_000),
    command: 'firn ack-gap'.repeat(20),
  } as const
  assert.ok(Buffer.byteLength(encodeMetadata(commitment, note)) < 4_096)
})
