import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'

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
