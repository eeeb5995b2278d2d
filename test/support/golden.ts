/**
 * Golden files: what a reviewer must see when it changes. UPDATE_GOLDEN=1 writes them anew.
 */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'

/** Compares a text with test/golden/<name>. */
export async function matchesGolden(name: string, actual: string): Promise<void> {
  const file = new URL(`../golden/${name}`, import.meta.url)
  if (process.env['UPDATE_GOLDEN'] === '1') await writeFile(file, actual)
  const expected = await readFile(file, 'utf8')
  assert.equal(actual, expected, `test/golden/${name} differs; where that is right, run the tests with UPDATE_GOLDEN=1`)
}
