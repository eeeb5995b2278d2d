/**
 * A proxy that misbehaves as a network does: late, or not at all, and never in another order.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { startTcpProxy } from './tcp-proxy.ts'

test('what was sent before a delay or a silence has ended comes before what is sent afterwards', async () => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = await startTcpProxy((server.address() as AddressInfo).port)
  try {
    const near = connect(proxy.port, '127.0.0.1')
    const [far] = (await once(server, 'connection')) as [Socket]
    const received = text(far)
    // Written one by one, since small pieces that are written together may come as one.
    const send = async (piece: string) => {
      near.write(piece)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    proxy.delay(200)
    await send('delayed ')
    proxy.swallow(true)
    await send('swallowed ')
    proxy.delay(0)
    await send('undelayed ')
    proxy.swallow(false)
    await send('last')
    await new Promise((resolve) => setTimeout(resolve, 400))
    near.end()
    assert.equal(await received, 'delayed swallowed undelayed last')
  } finally {
    await proxy.close()
    server.close()
  }
})
