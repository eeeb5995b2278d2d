/** `make bench MESSAGES=2000000 ROUNDS=3`. Ends with 1 where something is not complete; the figures are for the reader. */
import { mkdir, writeFile } from 'node:fs/promises'
import { machine } from './bench-ground.ts'
import { benchDrain, type Contender, textOf } from './drain-bench.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const { MESSAGES = '2000000', ROUNDS = '3', PARTITIONS = '8', COMPRESSION = 'none', ONLY } = process.env
const all: readonly Contender[] = ['raw', 'firn', 'baseline']
const contenders = ONLY === undefined ? all : all.filter((name) => ONLY.split(',').includes(name))
const results = await benchDrain({
  messages: Number(MESSAGES),
  rounds: Number(ROUNDS),
  partitions: Number(PARTITIONS),
  compression: COMPRESSION === 'lz4' ? 'lz4' : 'none',
  contenders,
  say,
})
say(`medians of ${ROUNDS} rounds:`)
for (const result of results) say(textOf(result))
await mkdir('build/bench', { recursive: true })
await writeFile('build/bench/drain.json', `${JSON.stringify({ machine: machine(), results }, null, 2)}\n`)
process.exit(results.every(({ complete }) => complete) ? 0 : 1)
