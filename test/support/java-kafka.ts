/**
 * Kafka's own tools, from the jars of the development stack: another implementation of the client than the one in use.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { findParts } from '../../src/local/parts.ts'

const flags = ['-XX:TieredStopAtLevel=1', '-XX:-UsePerfData', '-Xmx512m', '-Dlog4j2.level=error']

/** Runs one to its end; what it wrote. @throws Error with what it complained of */
async function tool(mainClass: string, args: readonly string[], input = ''): Promise<Buffer> {
  const { java, kafkaClassPath } = findParts()
  const child = spawn(java, [...flags, '-cp', kafkaClassPath, mainClass, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  const parts: Buffer[] = []
  let complaints = ''
  child.stdout.on('data', (part: Buffer) => parts.push(part))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${mainClass} ended with ${code}: ${complaints.slice(-2_000)}`)
  return Buffer.concat(parts)
}

/** Produces one message a line, all of them in one record batch where they fit 30 MB. */
export async function produceLines(brokers: readonly string[], topic: string, lines: readonly string[]): Promise<void> {
  const settings = ['batch.size=30000000', 'linger.ms=5000', 'max.request.size=31000000', 'buffer.memory=100000000']
  const properties = settings.flatMap((setting) => ['--command-property', setting])
  const where = ['--bootstrap-server', brokers.join(','), '--topic', topic]
  await tool('org.apache.kafka.tools.ConsoleProducer', [...where, ...properties], `${lines.join('\n')}\n`)
}
