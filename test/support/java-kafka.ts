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

/**
 * Every message that a reader of committed transactions sees, one a line, from the beginning to the end as it is now:
 * `CreateTime:<ms> Partition:<n> Offset:<n> <key> <value>`, parted by tabs.
 */
export async function readCommitted(brokers: readonly string[], topic: string): Promise<string> {
  const printed = ['timestamp', 'partition', 'offset', 'key'].flatMap((part) => [
    '--formatter-property',
    `print.${part}=true`,
  ])
  const where = ['--bootstrap-server', brokers.join(','), '--topic', topic, '--from-beginning']
  const until = ['--isolation-level', 'read_committed', '--timeout-ms', '4000']
  const output = await tool('org.apache.kafka.tools.consumer.ConsoleConsumer', [...where, ...until, ...printed])
  // Among them it says that it has waited long enough.
  const lines = output.toString().split('\n')
  return lines.filter((line) => line.startsWith('CreateTime:')).join('\n')
}

/** Where each partition ends: its last stable offset. */
export async function endOffsets(brokers: readonly string[], topic: string): Promise<ReadonlyMap<number, bigint>> {
  const where = ['--bootstrap-server', brokers.join(','), '--topic', topic]
  const text = (await tool('org.apache.kafka.tools.GetOffsetShell', [...where, '--time', 'latest'])).toString()
  const lines = text.split('\n').filter((line) => line.startsWith(`${topic}:`))
  return new Map(lines.map((line) => [Number(line.split(':').at(-2)), BigInt(line.split(':').at(-1) ?? '0')]))
}
