/** What the status page shows of a state, and in which order. The page in a browser is test/check-page's. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { pageHeaders, renderPage } from '../../src/status/page.ts'
import type { PageState } from '../../src/status/page-state.ts'
import { inOrder, shownMax } from '../../src/status/partition-order.ts'
import { verdictOf } from '../../src/status/verdict.ts'
import { nowMs, pageState, partitionState, topicState } from './page-example.ts'

const halt = {
  topic: 'shop.orders',
  partition: 1,
  code: 'RETENTION_LOSS',
  message: 'offsets 4-9 are gone from Kafka',
  hint: 'Give them up. Run: firn ack-gap --topic shop.orders --partition 1 --offsets 4-9',
}
const trouble = {
  code: 'STAGE_UNREACHABLE',
  message: 'cannot store',
  hint: 'Check stage.endpoint.',
  since: '2026-01-31T12:00:00.000Z',
}
const haltedState = (): PageState =>
  pageState({
    halts: [halt],
    topics: [topicState([partitionState(0), partitionState(1, { halt: 'RETENTION_LOSS' })])],
  })

/** What a reader sees of a part of the page, without markup. */
function textOf(page: string, id: string): string {
  const [, part = ''] = new RegExp(`<section id="${id}"[^>]*>([^]*?)</section>`).exec(page) ?? []
  return part
    .replaceAll('<wbr />', '')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ')
}

const sentenceOf = (page: string): string | undefined => /<p id="verdict"[^>]*>([^<]*)</.exec(page)?.[1]
const titleOf = (page: string): string | undefined => /<title>([^<]*)</.exec(page)?.[1]

describe('the sentence on top', () => {
  const cases: readonly [name: string, state: PageState, level: string, title: string, sentence: string][] = [
    [
      'all is well',
      pageState(),
      'good',
      'ready',
      'All is well: 2 partitions of 1 topic are read and staged, and the audit of Snowflake finds nothing.',
    ],
    [
      'no warehouse',
      pageState({ warehouse: null }),
      'good',
      'ready',
      'All is well: 2 partitions of 1 topic are read and staged.',
    ],
    [
      'more processes than partitions',
      pageState({ topics: [topicState([])] }),
      'good',
      'ready',
      'All is well: a member of the group firn, whose other members read every partition.',
    ],
    ['a halt', haltedState(), 'bad', '1 halted', '1 partition is halted and waits for an operator.'],
    [
      'several at once',
      { ...haltedState(), stageTrouble: trouble },
      'bad',
      '1 halted',
      '1 partition is halted and waits for an operator; nothing can be staged now (STAGE_UNREACHABLE).',
    ],
    [
      'before it has joined',
      pageState({ joined: false }),
      'odd',
      'joining',
      'Not reading yet: joining the group firn.',
    ],
    [
      'Kafka is away',
      pageState({ joined: false, kafkaTrouble: { ...trouble, code: 'KAFKA_UNREACHABLE' } }),
      'bad',
      'not reading',
      'Nothing is read now (KAFKA_UNREACHABLE).',
    ],
    [
      'the stage has not proved itself',
      pageState({ joined: false, proved: false }),
      'odd',
      'starting',
      'Starting: the stage has not proved itself yet; nothing is read yet.',
    ],
    [
      'no leader',
      pageState({ kafkaTrouble: { ...trouble, code: 'LEADER_MISSING' } }),
      'bad',
      'Kafka trouble',
      'A part of Kafka cannot be read (LEADER_MISSING).',
    ],
    [
      'stalled',
      pageState({ topics: [topicState([partitionState(0, { isStalled: true }), partitionState(1)])] }),
      'bad',
      '1 stalled',
      '1 partition has messages and does not move.',
    ],
    [
      'Snowflake cannot be asked',
      pageState({
        warehouse: {
          trouble: { ...trouble, code: 'WAREHOUSE_UNREACHABLE' },
          findings: [],
          findingsCount: 0,
          askedAt: null,
        },
      }),
      'odd',
      'warehouse trouble',
      'What became of the files in Snowflake is not known (WAREHOUSE_UNREACHABLE).',
    ],
    [
      'findings',
      pageState({ warehouse: { trouble: null, findings: [], findingsCount: 3, askedAt: nowMs } }),
      'odd',
      '3 findings',
      'The audit of Snowflake has 3 findings.',
    ],
  ]
  for (const [name, state, level, title, sentence] of cases) {
    test(name, () => {
      assert.deepEqual(verdictOf(state), { level, title, sentence })
      const page = renderPage(state)
      assert.equal(sentenceOf(page), sentence)
      assert.equal(titleOf(page), `${title} · Firn`)
    })
  }
})

test('a halt stands with its place, code, message, hint, command and section of the runbook', () => {
  const text = textOf(renderPage(haltedState()), 'halts')
  assert.match(text, /shop\.orders\/1 is halted: RETENTION_LOSS offsets 4-9 are gone from Kafka\. Give them up\./)
  assert.match(text, /Run: firn ack-gap --topic shop\.orders --partition 1 --offsets 4-9 Runbook/)
  assert.match(text, /section RETENTION_LOSS/)
})

test('trouble says since when, and that of Snowflake stands in its own part', () => {
  const page = renderPage(
    pageState({ stageTrouble: trouble, warehouse: { trouble, findings: [], findingsCount: 0, askedAt: null } }),
  )
  assert.match(textOf(page, 'halts'), /The stage: STAGE_UNREACHABLE Since 12:00:00 UTC : cannot store\./)
  assert.match(textOf(page, 'warehouse'), /Since 12:00:00 UTC : cannot store\. Staging goes on\./)
  assert.doesNotMatch(textOf(page, 'warehouse'), /no findings/, 'nobody knows of findings before the first answer')
  assert.match(textOf(renderPage(pageState({ warehouse: null })), 'warehouse'), /no section warehouse/)
})

test('a topic has sums, what is behind, and the partition that is furthest', () => {
  const late = partitionState(7, {
    consumed: 90,
    staged: 80,
    loaded: 70,
    merged: [60],
    lagMessages: 10,
    waits: { staged: 3, loaded: 130, merged: [7_300] },
  })
  const text = textOf(renderPage(pageState({ topics: [topicState([partitionState(0), late])] })), 'topics')
  assert.match(text, /Consumed 190 10 7, by 10 – Staged 180 20 7, by 20 3 s Loaded 170 30 7, by 30 2 min/)
  assert.match(text, /Merged 160 40 7, by 40 2 h End of the log 200/)
  assert.match(text, /7 under way 90 80 70 60 100 10 2 h 0 up to date 100 100 100 100 100 0 0 s/)
})

test('several tables have a watermark each; without a warehouse nothing is said of loading', () => {
  const two = topicState([partitionState(0, { merged: [100, 50], waits: { staged: 0, loaded: 0, merged: [0, 9] } })], {
    tables: ['SHOP.A', 'SHOP.B'],
  })
  const text = textOf(renderPage(pageState({ topics: [two] })), 'topics')
  assert.match(text, /Tables SHOP\.A, SHOP\.B;/)
  assert.match(text, /Merged into SHOP\.A 100 0 – 0 s Merged into SHOP\.B 50 50 0, by 50 9 s/)
  assert.doesNotMatch(textOf(renderPage(pageState({ warehouse: null })), 'topics'), /Loaded|Merged/)
})

test('what is not known is a dash, and said beside each sum', () => {
  const unknown = { consumed: null, staged: null, loaded: null, merged: [null], end: null, lagMessages: null }
  const waits = { staged: null, loaded: null, merged: [null] }
  const halted = partitionState(1, { ...unknown, waits, halt: 'LOG_REPLACED' })
  const text = textOf(renderPage(pageState({ topics: [topicState([partitionState(0), halted])] })), 'topics')
  assert.match(text, /Staged 100, 1 unknown 0, 1 unknown – 0 s/)
  assert.match(text, /1 halted: LOG_REPLACED – – – – – – 0 s 0 up to date/)
})

test('what is halted comes first, then what stalls, then what has waited longest, then the rest by number', () => {
  const waits = (staged: number) => ({ staged, loaded: 0, merged: [0] })
  const given = [
    partitionState(0),
    partitionState(1, { lagMessages: 5, waits: waits(2) }),
    partitionState(2, { isStalled: true }),
    partitionState(3, { lagMessages: 1, waits: waits(60) }),
    partitionState(4, { halt: 'UNORDERED' }),
    partitionState(5, { lagMessages: 50, waits: waits(2) }),
    partitionState(6),
    partitionState(7, { waits: waits(0.4) }),
  ]
  const { shown, rest } = inOrder(given)
  assert.deepEqual(
    shown.map(({ partition }) => partition),
    [4, 2, 3, 5, 1, 7, 0, 6],
  )
  assert.deepEqual(rest, [])
})

test('of 1,000 partitions the worst are shown, the others behind a click, and the page stays small', () => {
  const partitions = Array.from({ length: 1_000 }, (_, partition) =>
    partitionState(partition, {
      ...(partition === 777 && { halt: 'UNORDERED' }),
      ...(partition === 500 && { lagMessages: 9 }),
    }),
  )
  const started = performance.now()
  const page = renderPage(pageState({ topics: [topicState(partitions)] }))
  assert.ok(performance.now() - started < 1_000)
  assert.ok(page.length < 400_000, String(page.length))
  const [before = '', behind = ''] = page.split('<details')
  const rows = (part: string) =>
    [...part.matchAll(/<tr>\s*<th scope="row">(\d+)<\/th>/g)].map(([, number]) => Number(number))
  assert.deepEqual(rows(before), [777, 500, ...Array.from({ length: shownMax - 2 }, (_, at) => at)])
  assert.equal(rows(behind).length, 1_000 - shownMax)
  assert.match(behind, /<summary>980 more partitions, all of them up to date<\/summary>/)
  const many = Array.from({ length: 60 }, (_, partition) => ({ ...halt, partition }))
  assert.match(textOf(renderPage(pageState({ halts: many })), 'halts'), /10 more halts are told by firn status/)
})

test('files, rejects and latency are told', () => {
  const page = renderPage(
    pageState({
      files: [
        {
          name: 'shop.orders/e1/x.parquet',
          rows: 1_234,
          bytes: 1_572_864,
          reason: 'age',
          storedAt: nowMs,
          latencyMs: 950,
        },
      ],
      rejects: [{ topic: 'shop.orders', code: 'NOT_JSON', count: 7 }],
    }),
  )
  assert.match(textOf(page, 'files'), /shop\.orders\/e1\/x\.parquet 1,234 1\.5 MiB 12:30:15 UTC age 950 ms/)
  assert.match(textOf(page, 'rejects'), /shop\.orders NOT_JSON 7/)
  assert.match(textOf(page, 'latency'), /shop\.orders 1\.3 s 3 s – – – – 0 s 0 s/)
  const empty = renderPage(pageState())
  assert.match(textOf(empty, 'files'), /no landing file yet/)
  assert.match(textOf(empty, 'rejects'), /became a change/)
})

test('whatever a name or a message holds, it is text', () => {
  const bad = `<script>alert(1)</script>"'&`
  const finding = { code: bad, topic: bad, partition: 1, table: bad, seen: bad, hint: `${bad} Run: ${bad}` }
  const page = renderPage(
    pageState({
      group: bad,
      stage: bad,
      kafkaTrouble: { ...trouble, code: bad, message: bad, hint: bad },
      topics: [topicState([partitionState(1, { halt: bad })], { topic: bad, tables: [bad, bad] })],
      halts: [{ ...halt, topic: bad, code: bad, message: bad, hint: `${bad} Run: ${bad}` }],
      files: [{ name: bad, rows: 1, bytes: 1, reason: bad, storedAt: nowMs, latencyMs: null }],
      rejects: [{ topic: bad, code: bad, count: 1 }],
      warehouse: {
        trouble: { ...trouble, code: bad, message: bad },
        findings: [finding],
        findingsCount: 1,
        askedAt: 0,
      },
    }),
  )
  assert.equal(page.split('<script>').length, 2, 'its own script alone')
  assert.ok(page.includes('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;'))
})

test('the headers name the script and the style of the page by their hashes, and allow nothing else', () => {
  const page = renderPage(pageState())
  const policy = pageHeaders['content-security-policy'] ?? ''
  for (const tag of ['script', 'style'] as const) {
    const [, text = ''] = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(page) ?? []
    const hash = createHash('sha256').update(text).digest('base64')
    assert.ok(policy.includes(`${tag}-src 'sha256-${hash}'`), tag)
  }
  assert.match(policy, /^default-src 'none';/)
  assert.doesNotMatch(policy, /unsafe|https?:|\*/)
  assert.doesNotMatch(page, /\sstyle=|\son[a-z]+=/, 'an attribute would need a weaker policy')
})

test('it has what a screen reader needs: language, one heading on top, captions, scopes, one live sentence', () => {
  const page = renderPage(haltedState())
  assert.match(page, /^<!doctype html>\s*<html lang="en">/)
  assert.equal([...page.matchAll(/<h1/g)].length, 1)
  assert.equal([...page.matchAll(/aria-live/g)].length, 1)
  assert.equal([...page.matchAll(/<table>\s*<caption /g)].length, [...page.matchAll(/<table/g)].length)
  assert.deepEqual([...page.matchAll(/<th(?![^>]* scope=)[ >]/g)], [])
  const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
  assert.equal(new Set(ids).size, ids.length, 'each id once')
  for (const [, id] of page.matchAll(/aria-labelledby="([^"]+)"/g)) assert.ok(ids.includes(id), id)
  assert.match(page, /<noscript><meta http-equiv="refresh" content="5" \/><\/noscript>/)
})
