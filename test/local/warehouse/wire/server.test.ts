/**
 * Statements over the wire: what runs once, waits, is fetched later, aborted, or refused.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { openServer, type WarehouseServer } from '../../../../src/local/warehouse/wire/server.ts'
import { SqlError } from '../../../../src/local/warehouse/sql/statement.ts'
import { countResult, heldAnswer, tableEngine, textResult } from '../../../support/table-engine.ts'
import { until } from '../../../support/until.ts'
import { assertRefused, type Wire, wireClient, type WireClient } from '../../../support/wire-client.ts'

const repeated = heldAnswer('repeated')
const detachedOne = heldAnswer('detached')
const blocking = heldAnswer('blocking')

const engine = tableEngine({
  one: () => textResult('1'),
  two: () => textResult('2'),
  insert: () => countResult('insert', { inserted: 1 }),
  binds: (binds) => textResult(JSON.stringify(binds)),
  wrong: () => Promise.reject(new SqlError('001003', '42000', 'syntax error')),
  repeated: repeated.answer,
  detached: detachedOne.answer,
  blocking: blocking.answer,
})

let nowMs = Date.now()
let server: WarehouseServer
let client: WireClient

before(async () => {
  const ignore = (): void => undefined
  server = await openServer(
    {
      port: 0,
      users: [
        { name: 'FIRN', password: 'secret', publicKeyFile: null },
        { name: 'OTHER', password: 'other', publicKeyFile: null },
      ],
      logger: { info: ignore, error: ignore },
      now: () => nowMs,
      answerWithinMs: 100,
    },
    engine,
  )
  client = await wireClient(server.url, 'firn', 'secret')
})

after(async () => {
  for (const held of [repeated, detachedOne, blocking]) held.letGo()
  await server.close()
})

const ranOf = (sql: string): number => engine.ran.filter((one) => one === sql).length

async function finalAnswer(queryId: unknown): Promise<Wire> {
  const path = `/queries/${String(queryId)}/result`
  return await until(
    'the answer',
    () => client.get(path),
    ({ code }) => code !== '333333',
  )
}

test('a request that is sent again runs once and gets the same answer', async () => {
  const id = randomUUID()
  const first = await client.ask('insert', {}, id)
  const again = await client.ask('insert', {}, id)
  assert.deepEqual(again, first)
  assert.equal(ranOf('insert'), 1)
  const refusedId = randomUUID()
  const refused = await client.ask('wrong', {}, refusedId)
  assert.deepEqual(await client.ask('wrong', {}, refusedId), refused)
  assert.equal(ranOf('wrong'), 1)
})

test('a request that is sent again while it runs runs once', async () => {
  const id = randomUUID()
  const answers = await Promise.all([0, 1, 2].map(() => client.ask('repeated', {}, id)))
  assert.deepEqual(
    answers.map(({ code }) => code),
    ['333333', '333333', '333333'],
  )
  repeated.letGo()
  const [first, ...others] = await Promise.all(answers.map(({ data }) => finalAnswer(data['queryId'])))
  assert.deepEqual(first?.data['rowset'], [['repeated']])
  for (const other of others) assert.deepEqual(other, first)
  assert.equal(ranOf('repeated'), 1)
})

test('the same request id in two sessions is two requests', async () => {
  const id = randomUUID()
  const other = await wireClient(server.url, 'firn', 'secret')
  const before = ranOf('one')
  await client.ask('one', {}, id)
  await other.ask('one', {}, id)
  assert.equal(ranOf('one'), before + 2)
})

test('a request id is remembered for ten minutes', async () => {
  const id = randomUUID()
  const before = ranOf('two')
  await client.ask('two', {}, id)
  nowMs += 599_000
  await client.ask('two', {}, id)
  assert.equal(ranOf('two'), before + 1)
  nowMs += 2_000
  await client.ask('two', {}, id)
  assert.equal(ranOf('two'), before + 2)
  nowMs = Date.now()
})

test('a detached statement is answered at once, watched, and fetched', async () => {
  const detached = await client.ask('detached', { asyncExec: true })
  assert.equal(detached.code, '333334')
  const path = `/monitoring/queries/${String(detached.data['queryId'])}`
  const status = async (): Promise<unknown> => (await client.get(path)).data['queries']
  await until('the statement to run', status, (queries) => JSON.stringify(queries).includes('"status":"RUNNING"'))
  detachedOne.letGo()
  await until('the statement to end', status, (queries) => JSON.stringify(queries).includes('"status":"SUCCESS"'))
  assert.deepEqual((await finalAnswer(detached.data['queryId'])).data['rowset'], [['detached']])
})

test('a detached statement that fails says so when it is watched and when it is fetched', async () => {
  const { data } = await client.ask('wrong', { asyncExec: true })
  const answer = await finalAnswer(data['queryId'])
  assertRefused(answer, '001003', '42000', /syntax error/)
  const { queries } = (await client.get(`/monitoring/queries/${String(data['queryId'])}`)).data
  assert.match(JSON.stringify(queries), /"status":"FAILED_WITH_ERROR".*"errorMessage":"syntax error"/)
})

test('statements of one session run one after another; one that waits can be aborted, one that runs cannot', async () => {
  const running = await client.ask('blocking', { asyncExec: true })
  const waitingId = randomUUID()
  const waiting = await client.ask('one', { asyncExec: true }, waitingId)
  const last = await client.ask('two', { asyncExec: true })
  const before = ranOf('one')
  const abort = (answer: Wire): Promise<Wire> => client.post(`/queries/${String(answer.data['queryId'])}/abort-request`)
  await blocking.begun
  assertRefused(await abort(running), '000002', '0A000', /abort of a running statement/)
  assert.equal((await client.post('/queries/v1/abort-request', { requestId: waitingId })).success, true)
  blocking.letGo()
  assertRefused(await finalAnswer(waiting.data['queryId']), '000604', '57014', /canceled/)
  assert.deepEqual((await finalAnswer(last.data['queryId'])).data['rowset'], [['2']])
  assert.equal(ranOf('one'), before, 'the aborted statement never ran')
  assertRefused(await abort(last), '000605', '57014')
  assertRefused(await client.post('/queries/v1/abort-request', { requestId: 'unknown' }), '000605', '57014')
})

test('a user sees only his own statements', async () => {
  const { data } = await client.ask('one')
  const other = await wireClient(server.url, 'other', 'other')
  assertRefused(await other.get(`/queries/${String(data['queryId'])}/result`), '000709', '02000')
  assert.deepEqual((await other.get(`/monitoring/queries/${String(data['queryId'])}`)).data['queries'], [])
  const again = await wireClient(server.url, 'firn', 'secret')
  assert.equal((await again.get(`/queries/${String(data['queryId'])}/result`)).success, true)
})

test('several statements run where their number is announced, each with a result of its own', async () => {
  for (const count of [3, 0]) {
    const { data } = await client.ask('one; insert ;two;', { parameters: { MULTI_STATEMENT_COUNT: count } })
    assert.equal(data['resultTypes'], [0x1000, 0x3100, 0x1000].join(','))
    const ids = String(data['resultIds']).split(',')
    const answers = await Promise.all(ids.map((id) => client.get(`/queries/${id}/result`)))
    assert.deepEqual(
      answers.map((answer) => answer.data['rowset']),
      [[['1']], [['1']], [['2']]],
    )
  }
  const ran = engine.ran.length
  const several = /Actual statement count 2 did not match the desired statement count/
  assertRefused(await client.ask('one;two'), '000008', '0A000', several)
  assertRefused(await client.ask('one;two', { parameters: { MULTI_STATEMENT_COUNT: 3 } }), '000008', '0A000', several)
  assertRefused(await client.ask('one', { parameters: { MULTI_STATEMENT_COUNT: 2 } }), '000008', '0A000')
  assert.equal(engine.ran.length, ran, 'nothing of a wrong number ran')
})

test('the first of several statements that fails ends the request, and what ran before it stays', async () => {
  const ran = engine.ran.length
  const answer = await client.ask('one;wrong;two', { parameters: { MULTI_STATEMENT_COUNT: 0 } })
  assertRefused(answer, '001003', '42000', /syntax error/)
  assert.deepEqual(engine.ran.slice(ran), ['one', 'wrong'])
})

test('what would change the meaning of a statement and is not known is refused by name', async () => {
  assertRefused(await client.ask('one', { describeOnly: true }), '000002', '0A000', /describeOnly/)
  assertRefused(await client.ask('one', { bindStage: '@~/x' }), '000002', '0A000', /bindStage/)
  assertRefused(await client.ask('one', { parameters: { TIMEZONE: 'UTC' } }), '000002', '0A000', /TIMEZONE/)
  const binds = { bindings: { 1: { type: 'TEXT', value: 'x' } }, parameters: { MULTI_STATEMENT_COUNT: 0 } }
  assertRefused(await client.ask('one;two', binds), '000002', '0A000', /binds/)
})

test('arrays of binds arrive column by column', async () => {
  const bindings = { 1: { type: 'FIXED', value: ['1', '2'] }, 2: { type: 'text', value: [null, 'x'] } }
  const { data } = await client.ask('binds', { bindings })
  assert.deepEqual(JSON.parse((data['rowset'] as string[][])[0]?.[0] ?? ''), {
    1: { type: 'FIXED', value: ['1', '2'] },
    2: { type: 'TEXT', value: [null, 'x'] },
  })
})
