/** The list of the landing files stored last. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecentFiles, recentFilesMax } from '../../src/ingest/recent-files.ts'

test('it holds the last files, the newest first, and no more of them than it may', () => {
  const files = new RecentFiles()
  assert.equal(files.all.length, 0)
  const rest = { bytes: 1, reason: 'age', storedAt: 0, latencyMs: null } as const
  for (let rows = 1; rows <= recentFilesMax + 5; rows++) {
    files.add({ name: `${rows}.parquet`, rows, ...rest })
  }
  assert.equal(files.all.length, recentFilesMax)
  assert.equal(files.all[0]?.rows, recentFilesMax + 5)
  assert.equal(files.all.at(-1)?.rows, 6)
})
