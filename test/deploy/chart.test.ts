import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse, stringify } from 'yaml'
import { schemaTree } from '../../src/config.ts'
import { exampleValues } from '../check-chart/example.ts'
import { readAsFirn } from '../check-chart/firn-yaml.ts'
import { chartConfigSchema, secretNames } from './config-schema.ts'
import { namesOf, readValues, type Value } from './values-file.ts'

const chart = new URL('../../deploy/chart/', import.meta.url)
const read = (name: string): Promise<string> => readFile(new URL(name, chart), 'utf8')
const isUpdate = process.env['UPDATE_GOLDEN'] === '1'

type Schema = {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Schema>>
}

const values = await read('values.yaml')
const schema = JSON.parse(await read('values.schema.json')) as Schema
const deref = (node: Schema): Schema => schema.$defs?.[node.$ref?.replace('#/$defs/', '') ?? ''] ?? node

/** What the schema says at a name of values; undefined where it knows none. */
function schemaAt(name: string): Schema | undefined {
  return name.split('.').reduce<Schema | undefined>((at, key) => {
    const below = at?.properties?.[key]
    return below && deref(below)
  }, schema)
}

/** Members of these are the user's to name, or Firn's. */
const isFree = (name: string): boolean => !schemaAt(name)?.properties || /^config\.(?!status)|resources$/i.test(name)

test('every value has a meaning, and every meaning a value', () => {
  const listed = readValues(values).map(({ name }) => name)
  assert.deepEqual(listed.toSorted(), namesOf(parse(values), isFree).toSorted())
  assert.ok(listed.length > 60)
})

test('the schema knows the values of values.yaml, and no others', () => {
  const known = (node: Schema, above: string): readonly string[] =>
    Object.entries(node.properties ?? {}).flatMap(([key, below]) => {
      const name = above === '' ? key : `${above}.${key}`
      return isFree(name) ? [name] : known(deref(below), name)
    })
  // Helm hands `global` to every chart.
  assert.deepEqual(
    known(schema, '')
      .filter((name) => name !== 'global')
      .toSorted(),
    namesOf(parse(values), isFree).toSorted(),
  )
})

/** What belongs to Kubernetes or to the user: the API server judges it. */
const open = [
  'global',
  'networkPolicy.from[]',
  'networkPolicy.to[]',
  'networkPolicy.extraEgress[]',
  'extraEnv[].valueFrom',
  'extraEnvFrom[]',
  'extraVolumes[]',
  'extraVolumeMounts[]',
  'tolerations[]',
  'affinity',
  'topologySpreadConstraints[]',
]

test('the schema refuses unknown keys wherever they are not the business of Kubernetes', () => {
  const found: string[] = []
  const visit = (node: Schema, name: string): void => {
    const { type, properties, additionalProperties, items, anyOf } = deref(node)
    if (type === 'object' && (additionalProperties === undefined || additionalProperties === true)) found.push(name)
    for (const [key, below] of Object.entries(properties ?? {})) visit(below, name === '' ? key : `${name}.${key}`)
    if (typeof additionalProperties === 'object') visit(additionalProperties, `${name}.*`)
    if (items) visit(items, `${name}[]`)
    for (const one of anyOf ?? []) visit(one, name)
  }
  visit(schema, '')
  assert.deepEqual(found.toSorted(), open.toSorted())
})

test("the schema of config is that of Firn's settings", async () => {
  const expected = JSON.parse(JSON.stringify(chartConfigSchema(schemaTree()))) as Schema
  if (isUpdate) {
    const text = JSON.stringify({ ...schema, $defs: { ...schema.$defs, config: expected } }, null, 2)
    await writeFile(new URL('values.schema.json', chart), `${text}\n`)
  } else {
    assert.deepEqual(schema.$defs?.['config'], expected, 'UPDATE_GOLDEN=1 writes it anew; then make format')
  }
})

test('the chart takes each secret setting as a reference alone', async () => {
  const [, list = ''] =
    /define "firn.secretSettings" -}}\n(.*?)\n\{\{- end/s.exec(await read('templates/_references.tpl')) ?? []
  const named = list.split(/\s+/).filter((word) => word !== '')
  assert.deepEqual(named.toSorted(), secretNames(schemaTree()).toSorted())
  assert.ok(named.length >= 5, 'password of the brokers and of Snowflake, two keys, a passphrase')
})

test('the README lists every value with its default and meaning', async () => {
  const readme = await read('README.md')
  const [, table = ''] = readme.split('## All values\n\n')
  const rows = readValues(values).map(
    ({ name, default: value, meaning }: Value) => `\`${name}\` | \`${value}\` | ${meaning}`,
  )
  const listed = table
    .split('\n')
    .slice(2)
    .flatMap((line) => (line === '' ? [] : [cellsOf(line)]))
  if (isUpdate) {
    const head = '| value | default | meaning |\n| --- | --- | --- |\n'
    const body = rows.map((row) => `| ${row.replace(/\|(?! `| [^|]*$)/g, '\\|')} |\n`).join('')
    await writeFile(
      new URL('README.md', chart),
      readme.replace(table, () => `${head}${body}`),
    )
  } else {
    assert.deepEqual(listed, rows, 'UPDATE_GOLDEN=1 writes it anew; then make format')
  }
})

/** Without the spaces that align them. */
function cellsOf(line: string): string {
  return line
    .replace(/^\| | \|$/g, '')
    .split(' | ')
    .map((cell) => cell.trim())
    .join(' | ')
}

test('the values that the README tells to write hold a configuration that Firn takes', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'firn-chart-'))
  t.after(() => rm(dir, { recursive: true }))
  const { config } = parse(await exampleValues()) as { readonly config: object }
  const { kafka, warehouse, tables } = await readAsFirn(stringify(config), dir)
  assert.deepEqual([kafka.ssl, kafka.sasl?.mechanism, tables.length], [true, 'scram-sha-512', 2])
  assert.equal(warehouse?.privateKeyFile, '/secrets/firn-snowflake/rsa_key.p8')
})

test('chart and image have the version of the package', async () => {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', chart), 'utf8')) as {
    readonly version: string
  }
  const { version: ofChart, appVersion } = parse(await read('Chart.yaml')) as Record<string, string>
  assert.deepEqual([ofChart, appVersion], [version, version])
})

test('every template opens with what it decides', async () => {
  const names = (await readdir(new URL('templates/', chart), { recursive: true })).filter((name) =>
    /\.(tpl|yaml)$/.test(name),
  )
  assert.ok(names.length >= 18)
  for (const name of names) assert.match(await read(`templates/${name}`), /^\{\{- \/\*/, name)
})
