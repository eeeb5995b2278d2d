/**
 * The product's one sentence, on the SQL itself: whatever arrives, in any order, any number of times, in any grouping, the
 * target equals the fold. `make converge` does the same for as long as one likes.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { TableMode } from './history.ts'
import { type OwnWarehouse, startOwnWarehouse } from './own-warehouse.ts'
import { runWorld, type WorldReport } from './world.ts'

const worlds = 26
const histories = 10
const modes: Readonly<Record<string, TableMode>> = {
  'with hard deletes and DATA as message': { deletes: 'hard', data: 'message' },
  'with hard deletes and DATA as row': { deletes: 'hard', data: 'row' },
  'with soft deletes and DATA as message': { deletes: 'soft', data: 'message' },
  'with soft deletes and DATA as row': { deletes: 'soft', data: 'row' },
}

describe('the target equals the fold of the history, however it arrives', { concurrency: false }, () => {
  let warehouse: OwnWarehouse
  const reports: WorldReport[] = []
  before(async () => {
    warehouse = await startOwnWarehouse()
  })
  after(() => warehouse.down())

  for (const [at, [name, mode]] of Object.entries(modes).entries()) {
    test(name, async (t) => {
      for (let seed = at * worlds + 1; seed <= (at + 1) * worlds; seed++) {
        reports.push(await runWorld(warehouse, { seed, mode, histories, killRate: 0.05 }))
      }
      t.diagnostic(textOf(reports))
    })
  }

  test('at least a thousand histories, and merges that were killed among them', () => {
    const sum = (name: keyof WorldReport) => reports.reduce((total, report) => total + report[name], 0)
    assert.ok(sum('histories') >= 1_000)
    assert.ok(sum('kills') >= 10)
    assert.ok(sum('merges') >= 300)
  })
})

function textOf(reports: readonly WorldReport[]): string {
  const sum = (name: keyof WorldReport) => reports.reduce((total, report) => total + report[name], 0)
  const [all, rows, files] = [sum('histories'), sum('rows'), sum('files')]
  return `${all} histories, ${rows} rows in ${files} files, ${sum('merges')} merges between them, ${sum('kills')} killed`
}
