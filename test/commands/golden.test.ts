import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { Command } from '../../src/commands/command.ts'
import { failures } from '../../src/failure.ts'
import { allSettings, settingsTable } from '../../src/settings.ts'
import { firn } from '../support/firn.ts'
import { matchesGolden } from '../support/golden.ts'

const { code, stdout: overview } = await firn(['--help'])
const names = [...overview.matchAll(/^ {2}(\S+) +(\S.*)$/gm)].map(([, name = '', summary = '']) => ({ name, summary }))

test('firn --help lists the commands', async () => {
  assert.equal(code, 0)
  assert.ok(names.length >= 3)
  await matchesGolden('help.txt', overview)
})

for (const { name, summary } of names) {
  test(`firn ${name} --help says what it does, with examples`, async () => {
    const { command } = (await import(`../../src/commands/${name}.ts`)) as { readonly command: Command }
    assert.equal(command.summary, summary)
    assert.match(command.help, /^usage: firn /m)
    assert.match(command.help, /^examples?:\n {2}\S/m)
    await matchesGolden(`help-${name}.txt`, command.help)
  })
}

test('firn help names a command as --help does, and firn --version the release', async () => {
  assert.equal((await firn(['help', 'status'])).stdout, (await firn(['status', '--help'])).stdout)
  assert.match((await firn(['help', 'statu'])).stderr, /there is no command "statu"/)
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
    readonly version: string
  }
  assert.deepEqual(await firn(['--version']), { code: 0, stdout: `firn ${version}\n`, stderr: '' })
})

test('a command or option that does not exist is answered with what would have worked', async () => {
  const unknown = await firn(['migrat'])
  assert.equal(unknown.code, 2)
  assert.match(unknown.stderr, /there is no command "migrat"[^]*migrate/)
  for (const name of ['migrate', 'check', 'status']) {
    const wrong = await firn([name, '--jsn'])
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, new RegExp(`Unknown option '--jsn'; for example: firn ${name} `))
    assert.equal(wrong.stdout, '')
  }
})

test('the failure table is what operators are told', async () => {
  const rows = Object.entries(failures).map(([name, { response, hint }]) => `${name}  ${response}\n  ${hint}\n`)
  await matchesGolden('failures.txt', rows.join(''))
})

test('the settings table is what the schema says', async () => {
  assert.deepEqual(
    allSettings().filter(({ meaning }) => meaning === ''),
    [],
  )
  await matchesGolden('settings.txt', settingsTable())
})
