/** What a commit says beside its offset. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeCommitment, parseCommitment } from '../../src/ingest/commitment.ts'

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
    { epoch: fc.nat(99_999), next: offset, first: offset, anchor: fc.option(anchor) },
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(commitments, (commitment) => {
      assert.deepEqual(parseCommitment(encodeCommitment(commitment)), commitment)
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
