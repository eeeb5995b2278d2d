/**
 * The pure core through every interleaving of two members, one of which may be a zombie, with deaths, rebalances, lost answers
 * and what else a scenario allows: no world that can be reached breaks an invariant, and from each one recovery stages the rest.
 *
 * The invariants: no claim (a start or a commit) over a message that was never on the stage; a file holds exactly the messages
 * of the range that its name says, of one log; files join without a hole; every halt has a cause.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { explore } from './explore.ts'
import { scenarios } from './scenarios.ts'

describe('every interleaving', () => {
  for (const scenario of scenarios) {
    test(scenario.name, (t) => {
      const { states, moves, broken } = explore(scenario)
      t.diagnostic(`${states} states, ${moves} moves`)
      assert.equal(broken, null, broken ? `${broken.what}\n${broken.trace.map((step) => `  ${step}`).join('\n')}` : '')
      assert.ok(states > 1_000)
    })
  }
})
