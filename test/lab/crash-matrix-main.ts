/** `make crash-matrix`: the whole matrix. Ends with 1 where the auditor finds something. */
import { startGround } from './ground.ts'
import { type MatrixCase, runCase } from './crash-matrix.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const seed = Number(process.env['SEED'] ?? 1)
const ground = await startGround(1)
let kills = 0
try {
  for (const store of ['healthy', 'faulty'] as const) {
    const cases = ([1, 2] as const).map((members): MatrixCase => ({ members, store }))
    for (const result of await Promise.all(cases.map((one) => runCase(ground, one, seed, say)))) {
      kills += result.kills
      const { messages, rows, files, overlaps } = result.report
      say(
        `${result.members} member(s), ${store} store: ${messages} messages, ${rows} rows in ${files} files, ${overlaps} twice: nothing missing`,
      )
    }
  }
  say(`seed ${seed}: survived ${kills} kills`)
} finally {
  await ground.down()
}
process.exit(0)
