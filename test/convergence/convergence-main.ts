/** `make converge WORLDS=500 SEED=n`. Ends with 1 at the first world that differs from its fold, and names its seed. */
import type { TableMode } from './history.ts'
import { startOwnWarehouse } from './own-warehouse.ts'
import { runWorld } from './world.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const worlds = Number(process.env['WORLDS'] ?? 500)
const first = Number(process.env['SEED'] ?? 1)
if (!(worlds > 0) || !Number.isSafeInteger(first)) {
  say('usage: make converge WORLDS=500 SEED=1')
  process.exit(2)
}
const total = { histories: 0, rows: 0, files: 0, merges: 0, kills: 0 }
const warehouse = await startOwnWarehouse()
let code = 0
try {
  for (let seed = first; seed < first + worlds; seed++) {
    const mode: TableMode = { deletes: seed % 2 === 0 ? 'hard' : 'soft', data: seed % 4 < 2 ? 'message' : 'row' }
    const report = await runWorld(warehouse, { seed, mode, histories: 10, killRate: 0.05 })
    for (const name of ['histories', 'rows', 'files', 'merges', 'kills'] as const) total[name] += report[name]
    const done = seed - first + 1
    if (done % 25 === 0 || done === worlds) say(`${done} of ${worlds} worlds: ${JSON.stringify(total)}`)
  }
  say('every target, live view and history view equals its fold')
} catch (error) {
  say(String(error))
  if (error instanceof Error && error.cause instanceof Error) say(error.cause.message)
  code = 1
} finally {
  await warehouse.down()
}
process.exit(code)
