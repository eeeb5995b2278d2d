/** `make bench MESSAGES=2000000 ROUNDS=3`. Ends with 1 where something is not complete; the figures are for the reader. */
import { mkdir, writeFile } from 'node:fs/promises'
import { machine } from './bench-ground.ts'
import { benchDrain, type Contender, textOf } from './drain-bench.ts'
import { svgOf } from './plot.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const { MESSAGES = '2000000', ROUNDS = '3', PARTITIONS = '8', COMPRESSION = 'none', ONLY } = process.env
const all: readonly Contender[] = ['raw', 'firn', 'baseline']
const contenders = ONLY === undefined ? all : all.filter((name) => ONLY.split(',').includes(name))
if (COMPRESSION !== 'none' && COMPRESSION !== 'lz4') {
  say(`COMPRESSION is none or lz4, not ${COMPRESSION}`)
  process.exit(2)
}
const results = await benchDrain({
  messages: Number(MESSAGES),
  rounds: Number(ROUNDS),
  partitions: Number(PARTITIONS),
  compression: COMPRESSION,
  contenders,
  say,
})
say(`medians of ${ROUNDS} rounds:`)
for (const result of results) say(textOf(result))
await mkdir('build/bench', { recursive: true })
const own = machine()
await writeFile('build/bench/drain.json', `${JSON.stringify({ machine: own, results }, null, 2)}\n`)
const charts = (
  [
    ['Messages a second, broker and S3 server on the same cores', '', 'recordsPerSecond'],
    ['CPU of the whole process for a million messages', 's', 'cpuSecondsPerMillion'],
    ['Resident memory at its peak', 'MB', 'peakMb'],
  ] as const
).map(([title, unit, key]) => ({
  title,
  unit,
  bars: results.map((result) => ({ name: result.name, value: result[key] })),
}))
const caption = `${MESSAGES} messages, ${PARTITIONS} partitions, medians of ${ROUNDS} rounds; ${own.cpus} x ${own.model}`
await writeFile('build/bench/drain.svg', svgOf(charts, caption))
const [raw, firn, baseline] = all.map((name) => results.find((result) => result.name === name))
if (raw && firn) {
  const cpu = firn.cpuSecondsPerMillion / raw.cpuSecondsPerMillion
  const rate = firn.recordsPerSecond / raw.recordsPerSecond
  say(`firn to raw: ${cpu.toFixed(2)} times the CPU, ${rate.toFixed(2)} of the rate`)
}
if (firn && baseline) {
  say(`baseline to firn: ${(baseline.cpuSecondsPerMillion / firn.cpuSecondsPerMillion).toFixed(1)} times the CPU`)
}
say('build/bench/drain.json and drain.svg have the figures')
process.exit(results.every(({ complete }) => complete) ? 0 : 1)
