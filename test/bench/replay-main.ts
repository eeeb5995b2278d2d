/** `make bench-backfill MESSAGES=1000000`. Ends with 1 where something is not complete; the figures are for the reader. */
import { mkdir, writeFile } from 'node:fs/promises'
import { machine, median } from './bench-ground.ts'
import { benchReplay, type Figures, textOf } from './replay-bench.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const messages = Number(process.env['MESSAGES'] ?? 1_000_000)
const rounds = Number(process.env['ROUNDS'] ?? 3)
const figures = await benchReplay({ messages, rounds, say })

function medians(name: Figures['name']): Figures {
  const own = figures.filter((one) => one.name === name)
  const of = (key: keyof Figures) => median(own.map((one) => Number(one[key])))
  return {
    name,
    seconds: of('seconds'),
    messagesPerSecond: of('messagesPerSecond'),
    cpuSecondsPerMillion: of('cpuSecondsPerMillion'),
    peakMb: of('peakMb'),
    quartersMb: [0, 1, 2, 3].map((at) => median(own.map((one) => one.quartersMb[at] ?? NaN))),
    growth: of('growth'),
    complete: own.every(({ complete }) => complete),
  }
}

const [ingester, backfill] = [medians('ingester'), medians('backfill')]
say(`medians of ${rounds} rounds:`)
say(textOf(ingester))
say(textOf(backfill))
const ratio = backfill.messagesPerSecond / ingester.messagesPerSecond
say(`the backfill replays at ${ratio.toFixed(2)} times the rate of the ingester`)
await mkdir('build/bench', { recursive: true })
await writeFile(
  'build/bench/backfill.json',
  `${JSON.stringify({ machine: machine(), messages, rounds, ratio, results: [ingester, backfill] }, null, 2)}\n`,
)
process.exit(ingester.complete && backfill.complete ? 0 : 1)
