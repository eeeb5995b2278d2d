/** What `firn migrate --render` leaves in a folder: the scripts, each with its line for the ledger, and the AWS side. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { awsDocuments } from '../../src/warehouse/aws.ts'
import { renderScripts } from '../../src/warehouse/render.ts'
import { renderedFiles, writeRenderedFiles } from '../../src/warehouse/rendered-files.ts'
import { readTemplates } from '../../src/warehouse/scripts.ts'
import { exampleConfig } from '../support/config.ts'
import { matchesGolden } from '../support/golden.ts'

const templates = await readTemplates()
const config = exampleConfig()

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-rendered-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

test('each script but the account’s ends with its own line for the ledger, by the checksum that firn migrate has', () => {
  const files = new Map(renderedFiles(templates, config).map(({ path, text }) => [path, text]))
  for (const { name, checksum, text } of renderScripts(templates, config)) {
    const file = files.get(name) ?? ''
    assert.ok(file.startsWith(text.trimEnd()), name)
    assert.match(file, new RegExp(`SELECT '${name}' AS script, '${checksum}' AS checksum, 'as rendered' AS`))
  }
  assert.doesNotMatch(files.get('0_account.sql') ?? 'MIGRATIONS', /MIGRATIONS/)
})

test('a second rendering replaces the first; a script of another configuration is not left to be applied', async (t) => {
  const folder = await folderOf(t)
  const files = renderedFiles(templates, config)
  await writeRenderedFiles(folder, files)
  await writeRenderedFiles(folder, files)
  const scripts = files.filter(({ path }) => path.endsWith('.sql')).map(({ path }) => path)
  assert.deepEqual((await readdir(folder)).filter((name) => name !== 'aws').sort(), [...scripts].sort())
  for (const { path, text } of files) assert.equal(await readFile(join(folder, path), 'utf8'), text)
  const [customers] = config.tables
  const fewer = renderedFiles(templates, exampleConfig({ tables: [customers] }))
  await assert.rejects(writeRenderedFiles(folder, fewer), /FOLDER_TAKEN|R__SHOP_ORDERS__10_landing\.sql/)
  await writeFile(join(folder, 'notes.txt'), 'not a script')
  await writeRenderedFiles(folder, files)
})

test('a reviewer sees the AWS side of an example', async () => {
  const documents = awsDocuments(config)
  await matchesGolden('aws.txt', documents.map(({ name, text }) => `# ${name}\n${text}\n`).join(''))
  for (const { text } of documents) JSON.parse(text)
})

test('where objects are encrypted with a key of KMS, both roles may use it', () => {
  const key = 'arn:aws:kms:eu-west-1:111122223333:key/one'
  const rightsOn = (kmsKeyId?: string) =>
    awsDocuments(exampleConfig({ stage: { bucket: 'cdc', encryption: 'aws:kms', kmsKeyId } }))
      .filter(({ name }) => name.endsWith('-policy.json') && !name.includes('trust'))
      .map(({ text }) => (JSON.parse(text) as { Statement: { Action: string[]; Resource: string }[] }).Statement.at(-1))
      .map((statement) => [statement?.Resource, ...(statement?.Action ?? [])])
  assert.deepEqual(rightsOn(key), [
    [key, 'kms:Decrypt'],
    [key, 'kms:GenerateDataKey', 'kms:Decrypt'],
  ])
  assert.equal(rightsOn()[0]?.[0], '<ARN of the KMS key>')
})

test('files expire by topic, so that what lies under _firn/ stays; what a pipe is told of lies under the prefix', () => {
  const parsed = new Map(
    awsDocuments(config).map(({ name, text }) => [name, JSON.parse(text) as Record<string, never>]),
  )
  const { Rules } = parsed.get('lifecycle.json') as unknown as {
    readonly Rules: readonly {
      readonly Filter: { readonly Prefix: string }
      readonly Expiration: { readonly Days: number }
    }[]
  }
  assert.deepEqual(
    Rules.map(({ Filter }) => Filter.Prefix),
    ['firn/shop.customers/', 'firn/shop.orders/'],
  )
  // COPY forgets what it loaded after 64 days.
  for (const { Expiration } of Rules) assert.ok(Expiration.Days > 64)
})
