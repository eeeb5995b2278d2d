import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type LandingFile, landingKey, parseLandingName } from '../src/landing.ts'

const file = (topic: string): LandingFile => ({ topic, epoch: 2, partition: 3, range: { first: 4n, last: 5n } })

describe('the name of a landing file', () => {
  test('is read however much of the path is shown before the topic', () => {
    // The last ones are as awkward as a topic and a prefix can be.
    for (const topic of ['shop.orders', 'e2', 'run-x', 'orders']) {
      const name = landingKey('', file(topic))
      for (const before of ['', 'firn/', 's3://cdc/firn/', '/', `${topic}/`, 'run-y/', 's3://cdc/firn//']) {
        assert.deepEqual(parseLandingName(topic, before + name), { name, file: file(topic), run: null }, before + name)
      }
    }
  })

  test('of a backfill tells the run', () => {
    const name = landingKey('', file('t')).replace('t/', 't/run-mend.1/')
    for (const before of ['', 'firn/', 't/']) {
      assert.deepEqual(parseLandingName('t', before + name), { name, file: file('t'), run: 'mend.1' })
    }
  })

  test('of another topic, or of nothing of the kind, is none', () => {
    const name = landingKey('', file('t'))
    for (const path of ['', name, `t/x/${name}`, `t/${name}`, `other/run-x/${name.slice(2)}`, 't/e1/x.parquet']) {
      assert.equal(parseLandingName('other.t', path), null, path)
    }
    assert.equal(parseLandingName('x', `t/run-x/${name.slice(2)}`), null)
  })
})
