/**
 * Which loopback ports the parts of a stack get. They are chosen once and kept, so that clients find a restarted part.
 */
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { hasCode } from './part-process.ts'

const lowest = 10_000

/**
 * Free ports, each another one.
 *
 * Invariant: none lies in the range from which the system serves outgoing connections. There, a client that keeps calling
 * a stopped part would sooner or later be given the part's own port.
 */
export async function choosePorts(count: number): Promise<readonly number[]> {
  const limit = outgoingFrom()
  const chosen = new Set<number>()
  while (chosen.size < count) {
    const port = randomInt(lowest, limit)
    if (!chosen.has(port) && (await isFree(port))) chosen.add(port)
  }
  return [...chosen]
}

export async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve)
    })
  } catch (error) {
    if (hasCode(error, 'EADDRINUSE')) return false
    throw error
  }
  await new Promise((resolve) => server.close(resolve))
  return true
}

/** Linux says; elsewhere 32768 is not above what systems use. */
function outgoingFrom(): number {
  const usual = 32_768
  if (process.platform !== 'linux') return usual
  const from = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/)[0])
  return from > lowest + 1_000 ? Math.min(from, usual) : usual
}
