/**
 * A door between an ingester and the S3 server that a test can shut: what is under way breaks off, what comes later finds
 * nobody. The server itself goes on for the other tests.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export type Door = {
  readonly endpoint: string
  shut(): Promise<void>
  open(): Promise<void>
}

export async function doorTo(endpoint: string): Promise<Door> {
  const { hostname, port } = new URL(endpoint)
  const sockets = new Set<Socket>()
  let server: Server | null = null
  let at = 0

  const open = async () => {
    server = createServer((near) => {
      const far = connect(Number(port), hostname)
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(socket)
        socket.on('error', () => other.destroy())
        socket.on('close', () => {
          sockets.delete(socket)
          other.destroy()
        })
      }
      near.pipe(far).pipe(near)
    })
    server.listen(at, '127.0.0.1')
    await once(server, 'listening')
    at = (server.address() as AddressInfo).port
  }

  const shut = async () => {
    const closing = server
    server = null
    if (!closing) return
    const closed = once(closing, 'close')
    closing.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }

  await open()
  return { endpoint: `http://127.0.0.1:${at}`, shut, open }
}
