/** The HTTP port serves what it must and nothing else: no file, no other method, no word about what it runs on. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { startStatusServer, type StatusServer } from '../../src/status/server.ts'
import { createMetrics } from '../../src/telemetry.ts'

let server: StatusServer

before(async () => {
  server = await startStatusServer({
    listen: '127.0.0.1:0',
    metrics: createMetrics(),
    readiness: () => ({ ready: true }),
    page: () => Promise.resolve('<p>well</p>'),
  })
})
after(() => server.close())

/** As written: a client of more manners would tidy up the path. What follows on the connection is its end. */
async function ask(
  request: string,
): Promise<{ readonly status: number; readonly head: string; readonly body: string }> {
  const socket = connect(server.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(request)
  const answer = await text(socket)
  const [head = '', body = ''] = answer.split(/\r\n\r\n([^]*)/)
  return { status: Number(head.split(' ')[1]), head, body }
}

const get = (path: string) => ask(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)

test('no path but its own leads anywhere, and none is said back', async () => {
  const paths = [
    '/../../etc/passwd',
    '/metrics/../firn.yaml',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/..%2f..%2fproc/self/environ',
    '//etc/passwd',
    '/firn.yaml',
    '/.env',
    '/debug/pprof',
    '/readyz/',
    '/METRICS',
    '/<script>',
    'http://elsewhere/',
  ]
  for (const path of paths) {
    const { status, body } = await get(path)
    assert.equal(status, 404, path)
    assert.doesNotMatch(body, /passwd|root:|script|elsewhere|kafka:/, path)
  }
})

test('it takes GET and HEAD alone, whatever a request carries', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
    for (const path of ['/', '/metrics', '/healthz', '/readyz']) {
      const more = 'cookie: secret\r\ncontent-length: 3\r\nconnection: close'
      const { status, head, body } = await ask(`${method} ${path} HTTP/1.1\r\nhost: x\r\n${more}\r\n\r\nabc`)
      assert.equal(status, 405, `${method} ${path}`)
      assert.doesNotMatch(head + body, /secret|abc/)
    }
  }
})

test('its headers tell of the answer, not of who gives it', async () => {
  for (const path of ['/metrics', '/healthz', '/readyz', '/nothing']) {
    const { head } = await get(path)
    const names = [...head.matchAll(/^([\w-]+):/gm)].map(([, name = '']) => name.toLowerCase())
    assert.deepEqual(
      names.filter((name) => /^(server|via|x-powered-by|set-cookie|access-control-.*)$/.test(name)),
      [],
    )
    assert.ok(names.includes('content-type') && names.includes('content-length'), head)
  }
})

test('what is no request, or far too long, is refused, and the next one is answered', async () => {
  assert.equal((await ask('nonsense\r\n\r\n')).status, 400)
  assert.equal((await ask(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`)).status, 431)
  assert.equal((await ask(`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`)).status, 431)
  assert.equal((await get('/healthz')).status, 200)
})
