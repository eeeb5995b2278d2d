/**
 * What the chart's README tells to do for a DBA: the command that makes a firn.yaml of the chart's own, without secrets, and that
 * `firn migrate --render` takes it, with an empty environment and no Secret mounted.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = new URL('../../', import.meta.url)
const main = fileURLToPath(new URL('src/main.ts', root))

test('scripts for a DBA are rendered as the README tells, without a secret', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'firn-for-dba-'))
  t.after(() => rm(dir, { recursive: true }))
  const readme = await readFile(new URL('deploy/chart/README.md', root), 'utf8')
  const [, script] = /sed -E '([^']+)' > firn\.yaml/.exec(readme) ?? []
  assert.ok(script !== undefined, 'the README has the command')
  const sql = join(dir, 'sql')
  for (const name of ['readme', 'everything']) {
    const rendered = await readFile(new URL(`test/golden/chart/${name}.yaml`, root), 'utf8')
    const configMap = rendered.split(/^---$/m).find((one) => one.includes('# Source: firn/templates/configmap.yaml'))
    assert.ok(configMap !== undefined, name)
    const text = execFileSync('sed', ['-E', script], { input: configMap, encoding: 'utf8' })
    assert.doesNotMatch(text, /\$\{|file:/, name)
    const config = join(dir, 'firn.yaml')
    await writeFile(config, text)
    execFileSync(process.execPath, [main, 'migrate', '--config', config, '--render', join(sql, name)], { env: {} })
    const files = await readdir(join(sql, name), { recursive: true })
    for (const file of ['0_account.sql', 'aws/ingester-policy.json'])
      assert.ok(files.includes(file), `${name}: ${file}`)
  }
})
