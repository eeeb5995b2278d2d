/**
 * Kafka's own tools, from the jars of the development stack: another implementation of the client than the one in use.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { findParts } from '../../src/local/parts.ts'

const flags = ['-XX:TieredStopAtLevel=1', '-XX:-UsePerfData', '-Xmx2g', '-Dlog4j2.level=error']

/** Runs one to its end, and hands over what it writes. @throws Error with what it complained of */
async function tool(
  mainClass: string,
  args: readonly string[],
  { input = '', receive }: { readonly input?: string; readonly receive: (stdout: Readable) => Promise<void> },
): Promise<void> {
  const { java, kafkaClassPath } = findParts()
  const child = spawn(java, [...flags, '-cp', kafkaClassPath, mainClass, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
  child.stdin.end(input)
  const closed = once(child, 'close')
  await receive(child.stdout)
  const [code] = (await closed) as [number | null]
  if (code !== 0) throw new Error(`${mainClass} ended with ${code}: ${complaints.slice(-2_000)}`)
}

/** Produces one message a line, all of them in one record batch where they fit 30 MB. */
export async function produceLines(brokers: readonly string[], topic: string, lines: readonly string[]): Promise<void> {
  const settings = ['batch.size=30000000', 'linger.ms=5000', 'max.request.size=31000000', 'buffer.memory=100000000']
  const properties = settings.flatMap((setting) => ['--command-property', setting])
  const where = ['--bootstrap-server', brokers.join(','), '--topic', topic]
  const input = `${lines.join('\n')}\n`
  const receive = async (stdout: Readable) => {
    await text(stdout)
  }
  await tool('org.apache.kafka.tools.ConsoleProducer', [...where, ...properties], { input, receive })
}

/**
 * Writes every message of a committed transaction, or of none, into a file, one a line, from the beginning to the end as it is
 * now: `CreateTime:<ms> Partition:<n> Offset:<n> <key> <value>`, parted by tabs. Each partition is read at once, as far as the
 * broker lets it (fetch.max.bytes): of a part of it, or while a transaction is open, a broker may list too few that were aborted
 * (three-brokers.e2e.test.ts).
 */
export async function writeCommitted(brokers: readonly string[], topic: string, file: string): Promise<void> {
  const printed = ['timestamp', 'partition', 'offset', 'key'].flatMap((part) => [
    '--formatter-property',
    `print.${part}=true`,
  ])
  const where = ['--bootstrap-server', brokers.join(','), '--topic', topic, '--from-beginning']
  const until = ['--isolation-level', 'read_committed', '--timeout-ms', '4000']
  const atOnce = ['fetch.max.bytes', 'max.partition.fetch.bytes'].flatMap((name) => [
    '--command-property',
    `${name}=${2 ** 30}`,
  ])
  await tool('org.apache.kafka.tools.consumer.ConsoleConsumer', [...where, ...until, ...atOnce, ...printed], {
    // A character for each byte, whatever they mean.
    receive: (stdout) => pipeline(stdout.setEncoding('latin1'), messageLines, createWriteStream(file, 'latin1')),
  })
}

/**
 * The high watermarks of a topic's partitions, transactions open or not; of those alone that have a leader. kafkajs asks for the
 * last stable offset.
 */
export async function highWatermarks(brokers: readonly string[], topic: string): Promise<ReadonlyMap<number, bigint>> {
  let said = ''
  const receive = async (stdout: Readable) => {
    said = await text(stdout)
  }
  await tool('org.apache.kafka.tools.GetOffsetShell', ['--bootstrap-server', brokers.join(','), '--topic', topic], {
    receive,
  })
  // The tool takes the topic for a pattern, and tells of others that fit it too.
  const places = said.split('\n').map((line) => line.split(':'))
  return new Map(
    places.flatMap(([name, partition, offset]) =>
      name === topic && offset ? [[Number(partition), BigInt(offset)]] : [],
    ),
  )
}

/** Among them the tool says that it has waited long enough. */
async function* messageLines(chunks: AsyncIterable<string>): AsyncGenerator<string, undefined> {
  const kept = (lines: readonly string[]) =>
    lines.filter((line) => line.startsWith('CreateTime:')).map((line) => `${line}\n`)
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield kept(lines).join('')
  }
  yield kept([rest]).join('')
  return
}
