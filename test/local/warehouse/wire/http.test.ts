/**
 * The server under what clients do wrong: nothing that comes in takes it down.
 */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { openServer, type WarehouseServer } from '../../../../src/local/warehouse/wire/server.ts'
import { heldAnswer, tableEngine, textResult } from '../../../support/table-engine.ts'
import { type Wire, wireClient, type WireClient } from '../../../support/wire-client.ts'

const left = heldAnswer('left')
const last = heldAnswer('last')
const engine = tableEngine({ one: () => textResult('1'), left: left.answer, last: last.answer })
let server: WarehouseServer
let client: WireClient

before(async () => {
  const ignore = (): void => undefined
  server = await openServer(
    {
      port: 0,
      users: [{ name: 'FIRN', password: 'secret', publicKeyFile: null }],
      logger: { info: ignore, error: ignore },
    },
    engine,
  )
  client = await wireClient(server.url, 'firn', 'secret')
})

after(async () => {
  for (const held of [left, last]) held.letGo()
  await server.close()
})

/** Status and body of a raw request. */
async function raw(path: string, init: RequestInit): Promise<{ status: number; text: string }> {
  const response = await fetch(server.url + path, init)
  return { status: response.status, text: await response.text() }
}

test('bad input gets an answer, and the server goes on', async () => {
  const query = '/queries/v1/query-request?requestId=x'
  const headers = { authorization: `Snowflake Token="${client.token}"` }
  const post = (body: RequestInit['body'] & {}): RequestInit => ({ method: 'POST', headers, body })
  const cases: [string, RequestInit, number][] = [
    [query, post('{'), 400],
    [query, post('[]'), 400],
    [query, post('null'), 400],
    [query, post(Buffer.from([0xff, 0xfe, 0])), 400],
    [query, post(Buffer.from([0x1f, 0x8b, 1, 2, 3])), 400],
    [query, post('{"sqlText":1}'), 400],
    [query, post('{"sqlText":"one","bindings":{"1":{"type":1}}}'), 400],
    [query, post('{"sqlText":"one","parameters":{"MULTI_STATEMENT_COUNT":"x"}}'), 400],
    ['/session/v1/login-request', post('{}'), 400],
    ['/session/token-request', post('{}'), 400],
    ['/session', post(''), 400],
    [query, { method: 'GET' }, 405],
    ['/session', { method: 'DELETE' }, 405],
    ['/nowhere', { method: 'GET' }, 404],
    ['/%', { method: 'GET' }, 404],
    [query, post(gzipSync(Buffer.alloc(65 * 2 ** 20, ' '))), 413],
  ]
  for (const [path, init, status] of cases) {
    const answer = await raw(path, init)
    assert.equal(answer.status, status, `${init.method ?? ''} ${path}: ${answer.text}`)
    assert.equal((JSON.parse(answer.text) as Wire).success, false)
  }
  assert.equal((await client.ask('one')).success, true)
})

test('a body above the limit is refused before it is read to its end, and then cut off', async () => {
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => undefined)
  let answer = ''
  socket.on('data', (data) => (answer += data.toString()))
  socket.write('POST /session/v1/login-request HTTP/1.1\r\nhost: x\r\ncontent-length: 10000000000\r\n\r\n')
  const chunk = Buffer.alloc(2 ** 20, ' ')
  const flood = (): void => {
    if (socket.writable) socket.write(chunk, flood)
  }
  flood()
  await new Promise((resolve) => socket.once('close', resolve))
  assert.match(answer, /^HTTP\/1.1 413 /)
  assert.equal((await client.ask('one')).success, true)
})

test('a client that goes away in mid-request or mid-answer harms nobody', async () => {
  const authorization = `Snowflake Token="${client.token}"`
  const half = connect(server.port, '127.0.0.1')
  half.write('POST /session/heartbeat HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{')
  await new Promise((resolve) => setImmediate(resolve))
  half.destroy()
  const leaving = new AbortController()
  const request = fetch(`${server.url}/queries/v1/query-request?requestId=leaving`, {
    method: 'POST',
    headers: { authorization },
    body: '{"sqlText":"left"}',
    signal: leaving.signal,
  })
  await left.begun
  leaving.abort()
  await assert.rejects(request, { name: 'AbortError' })
  left.letGo()
  const again = await client.ask('left', {}, 'leaving')
  assert.deepEqual(again.data['rowset'], [['left']])
  assert.deepEqual(
    engine.ran.filter((sql) => sql === 'left'),
    ['left'],
  )
})

test('packed bodies are known by their bytes, and slashes too many are none', async () => {
  const body = gzipSync(JSON.stringify({ data: { LOGIN_NAME: 'firn', PASSWORD: 'secret' } }))
  const { status, text } = await raw('//session//v1/login-request?requestId=1', { method: 'POST', body })
  assert.equal(status, 200)
  assert.equal((JSON.parse(text) as Wire).success, true)
  assert.equal((await client.post('/telemetry/send', { logs: [] })).success, true)
})

test('closing waits for what runs and closes every session', async () => {
  const own = await wireClient(server.url, 'firn', 'secret')
  await own.ask('last', { asyncExec: true })
  await last.begun
  let closed = false
  const closing = server.close().then(() => (closed = true))
  await assert.rejects(fetch(server.url))
  assert.equal(closed, false)
  last.letGo()
  await closing
  assert.equal(engine.open.size, 0)
})
