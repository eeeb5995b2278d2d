/** The list of mutants fits the code: each can be planted, and the test that is to catch it is there. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { scenarios } from '../model/scenarios.ts'
import { mutants } from './all.ts'

const textOf = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

test('each mutant can be planted at one place', async () => {
  for (const { name, file, find, replace } of mutants) {
    assert.equal((await textOf(file)).split(find).length, 2, `${name}: its text stands in ${file} exactly once`)
    assert.notEqual(find, replace, name)
  }
})

test('the test that is to catch it is there', async () => {
  const named = scenarios.map(({ name }) => name)
  for (const { name, caughtBy } of mutants) {
    const text = await textOf(caughtBy.file)
    assert.ok(
      text.includes(caughtBy.test) || named.includes(caughtBy.test),
      `${name}: ${caughtBy.file} has "${caughtBy.test}"`,
    )
  }
})

test('no two mutants have one name', () => {
  assert.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length)
})
