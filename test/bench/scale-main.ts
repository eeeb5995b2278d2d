/** `make bench-scale`. Ends with 1 where something is not complete; the figures are for the reader. */
import { mkdir, writeFile } from 'node:fs/promises'
import { machine } from './bench-ground.ts'
import { benchPartitions, benchResume, benchSizes } from './scale-bench.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const { MESSAGES = '1000000', ROUNDS = '5', ONLY = 'partitions,sizes,resume' } = process.env
const only = new Set(ONLY.split(','))
/** `COUNTS=1,1000` in place of the usual ones, of whatever is run. */
const countsOr = (usual: readonly number[]) => process.env['COUNTS']?.split(',').map(Number) ?? usual
const partitions = only.has('partitions')
  ? await benchPartitions(countsOr([1, 10, 100, 1_000]), Number(MESSAGES), say)
  : []
const sizes = only.has('sizes')
  ? await benchSizes(countsOr([100, 1_000, 10_000, 100_000, 1_000_000]), Number(MESSAGES), say)
  : []
const resume = only.has('resume') ? await benchResume(countsOr([10, 1_000, 100_000]), Number(ROUNDS), say) : []
await mkdir('build/bench', { recursive: true })
await writeFile(
  'build/bench/scale.json',
  `${JSON.stringify({ machine: machine(), partitions, sizes, resume }, null, 2)}\n`,
)
say('build/bench/scale.json has the figures')
process.exit([...partitions, ...sizes].every(({ complete }) => complete) ? 0 : 1)
