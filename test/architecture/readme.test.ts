import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { findingTable } from '../../src/audit/finding.ts'
import { failures } from '../../src/failure.ts'

const root = new URL('../../', import.meta.url)
const readme = await readFile(new URL('README.md', root), 'utf8')

test('every dependency has its place in the README', async () => {
  const { dependencies, devDependencies } = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as {
    readonly dependencies: Record<string, string>
    readonly devDependencies: Record<string, string>
  }
  const section = readme.slice(readme.indexOf('## Dependencies'))
  const names = [...Object.keys(dependencies), ...Object.keys(devDependencies)]
  assert.deepEqual(
    names.filter((name) => !section.includes(name)),
    [],
  )
  assert.ok(names.length > 15)
})

test('every dependency is pinned to one version', async () => {
  const manifest = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as Record<string, unknown>
  for (const group of ['dependencies', 'devDependencies']) {
    for (const [name, version] of Object.entries(manifest[group] as Record<string, string>)) {
      assert.match(version, /^\d+\.\d+\.\d+(-r\.\d+)?$/, name)
    }
  }
})

test('every folder of src has its line in the README', async () => {
  const folders = (await readdir(new URL('src', root), { withFileTypes: true })).filter((entry) => entry.isDirectory())
  for (const { name } of folders) assert.match(readme, new RegExp(`^\\| \`src/${name}/\` +\\| \\S`, 'm'), name)
})

test('the runbook has a section for each halt and each finding, and names no code that is none', async () => {
  const runbook = await readFile(new URL('deploy/runbook.md', root), 'utf8')
  const sections = [...runbook.matchAll(/^### (\S+)$/gm)].map(([, code]) => code)
  const halting = Object.entries(failures).flatMap(([code, { response }]) => (response === 'halt' ? [code] : []))
  const known: readonly string[] = [...Object.keys(failures), ...Object.keys(findingTable)]
  assert.deepEqual(
    [...halting, ...Object.keys(findingTable)].filter((code) => !sections.includes(code)),
    [],
  )
  assert.deepEqual(
    sections.filter((code = '') => !known.includes(code)),
    [],
  )
  for (const [code] of runbook.matchAll(/\b(?!FIRN_)[A-Z]+_[A-Z_]+\b/g)) {
    assert.ok(Object.hasOwn(failures, code) || Object.hasOwn(findingTable, code), code)
  }
})
