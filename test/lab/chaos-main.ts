/** `make chaos SECONDS=600 SEED=n`. Ends with 1 where a bound is passed or the auditor finds something. */
import { runChaos } from './chaos.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const seconds = Number(process.env['SECONDS'] ?? 600)
const seed = Number(process.env['SEED'] ?? 1)
if (!(seconds > 0) || !Number.isSafeInteger(seed)) {
  say('usage: make chaos SECONDS=600 SEED=1')
  process.exit(2)
}
say(`chaos for ${seconds} s, seed ${seed}`)
const { counts, drainedMs, report } = await runChaos({ seconds, seed, say })
for (const [name, count] of Object.entries(counts)) say(`  ${String(count).padStart(6)}  ${name}`)
const { messages, rows, files, overlaps } = report
say(`drained ${(drainedMs / 1_000).toFixed(1)} s after the last fault`)
say(
  `${messages} messages, ${rows} rows in ${files} files, ${overlaps} twice; nothing missing, nothing wrong, no name had two contents`,
)
// Firn ended where nobody told it to.
process.exit(counts['ended by itself'] ? 1 : 0)
