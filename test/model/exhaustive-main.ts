/** `make exhaustive`: the wide scenarios too. Ends with 1 and the way to it where an invariant breaks. */
import { explore } from './explore.ts'
import { scenarios, wide } from './scenarios.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)
let total = 0
for (const scenario of [...scenarios, ...wide]) {
  const { states, moves, broken } = explore(scenario)
  total += states
  say(`${String(states).padStart(9)} states, ${String(moves).padStart(9)} moves: ${scenario.name}`)
  if (!broken) continue
  say(`broken: ${broken.what}`)
  for (const step of broken.trace) say(`  ${step}`)
  process.exit(1)
}
say(`${total} states in all, and every one holds`)
