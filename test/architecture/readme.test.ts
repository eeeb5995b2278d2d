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

test('each link of a document within this tree leads to a file, and to a heading of it', async () => {
  const documents = ['README.md', 'deploy/RUNBOOK.md', 'deploy/chart/README.md', 'test/bench/README.md']
  let links = 0
  for (const document of documents) {
    const at = new URL(document, root)
    for (const [, target = ''] of (await readFile(at, 'utf8')).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      links += 1
      const [file = '', anchor] = target.split('#')
      const text = await readFile(file === '' ? at : new URL(file, at), 'utf8').catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'EISDIR') return ''
        throw new Error(`${document} links to ${target}`, { cause: error })
      })
      if (anchor !== undefined) assert.ok(anchorsOf(text).has(anchor), `${document} links to ${target}`)
    }
  }
  assert.ok(links > 10)
})

/** As GitHub names them. */
function anchorsOf(text: string): ReadonlySet<string> {
  const heads = [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, head = '']) => head)
  return new Set(
    heads.map((head) =>
      head
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}
