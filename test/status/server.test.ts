/** What a running Firn answers over HTTP. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startStatusServer } from '../../src/status/server.ts'
import { createMetrics } from '../../src/telemetry.ts'

const page = () => Promise.resolve('<!doctype html>')

test('/, /metrics, /healthz and /readyz answer; readiness decides the status of the last', async () => {
  const metrics = createMetrics()
  metrics.firn_rows_total.inc({ topic: 't', partition: 0 }, 5)
  let ready = false
  const readiness = () => ({ ready, halts: [{ topic: 't', code: 'UNORDERED' }] })
  const server = await startStatusServer({ listen: '127.0.0.1:0', metrics, readiness, page })
  const get = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${server.port}${path}`, { method })
  try {
    const exposition = await get('/metrics')
    assert.match(exposition.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
    assert.match(await exposition.text(), /^firn_rows_total\{topic="t",partition="0"\} 5$/m)
    assert.equal((await get('/healthz')).status, 200)
    const waiting = await get('/readyz')
    assert.equal(waiting.status, 503)
    assert.deepEqual(await waiting.json(), { ready: false, halts: [{ topic: 't', code: 'UNORDERED' }] })
    ready = true
    assert.equal((await get('/readyz?verbose')).status, 200)
    const missing = await get('/else')
    assert.equal(missing.status, 404)
    assert.equal(await missing.text(), '/, /metrics, /healthz or /readyz\n')
    for (const method of ['GET', 'HEAD']) {
      const shown = await get('/?x=1', method)
      assert.equal(shown.status, 200)
      assert.equal(shown.headers.get('content-type'), 'text/html; charset=utf-8')
      assert.equal(shown.headers.get('content-length'), '15')
      assert.equal(shown.headers.get('cache-control'), 'no-store')
      assert.match(shown.headers.get('content-security-policy') ?? '', /^default-src 'none'/)
      assert.equal(await shown.text(), method === 'GET' ? '<!doctype html>' : '')
    }
    assert.equal((await get('/metrics', 'POST')).status, 405)
    assert.equal(await (await get('/healthz', 'HEAD')).text(), '')
  } finally {
    await server.close()
  }
})

test('a port that is taken is told by its code', async () => {
  const options = { metrics: createMetrics(), readiness: () => ({ ready: true }), page }
  const first = await startStatusServer({ listen: '127.0.0.1:0', ...options })
  await assert.rejects(startStatusServer({ listen: `127.0.0.1:${first.port}`, ...options }), { code: 'LISTEN_FAILED' })
  await first.close()
})
