/** `make bench-latency SECONDS=60`. Ends with 1 where something is not complete; the figures are for the reader. */
import { mkdir, writeFile } from 'node:fs/promises'
import { machine } from './bench-ground.ts'
import { benchLatency } from './latency-bench.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const { RATE = '1000', SECONDS = '60', FRESHNESS = '500ms' } = process.env
const result = await benchLatency({ perSecond: Number(RATE), seconds: Number(SECONDS), freshness: FRESHNESS, say })
const heads = ['mean', 'p50', 'p90', 'p99', 'max'] as const
say(`${'ms'.padEnd(28)}${heads.map((head) => head.padStart(8)).join('')}`)
for (const one of result.percentiles) {
  say(`${one.name.padEnd(28)}${heads.map((head) => one[head].toFixed(0).padStart(8)).join('')}`)
}
say(`${result.messages.toLocaleString('en-US')} messages, ${result.complete ? 'complete' : 'INCOMPLETE'}`)
await mkdir('build/bench', { recursive: true })
await writeFile('build/bench/latency.json', `${JSON.stringify({ machine: machine(), ...result }, null, 2)}\n`)
say('build/bench/latency.json has the figures')
process.exit(result.complete ? 0 : 1)
