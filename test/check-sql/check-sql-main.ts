/**
 * `make check-sql`: whether what `firn migrate --render` writes is SQL to another parser than Firn's, and whether a DBA's own
 * tool brings the schema with it that `firn migrate` does. Ends with 1 at the first thing that is not as it must be.
 */
import { rmSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { readTemplates } from '../../src/warehouse/scripts.ts'
import { firn } from '../support/firn.ts'
import { heedInterruption } from '../support/interruption.ts'
import { ownStack } from '../support/stack.ts'
import { type Configuration, configurations, unreached } from './configurations.ts'
import { damagedFiles, damageText, undamaged } from './damages.ts'
import { flywayOrder, flywayProblems, accountFile, orderProblems, templateProblems } from './names.ts'
import { deployAsDba } from './dba.ts'
import { bodiesOf, readSqlFiles, type SqlFile, writeSqlFiles } from './sql-file.ts'
import { deployOrder, unparsable } from './tools.ts'

type Rendered = { readonly name: string; readonly folder: string; readonly files: readonly SqlFile[] }

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** @throws Error with all of them */
function expectNone(problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(problems.join('\n'))
}

heedInterruption()
const work = await mkdtemp(join(tmpdir(), 'firn-check-sql-'))
process.on('exit', () => {
  rmSync(work, { recursive: true, force: true })
})
const templates = await readTemplates()

/** By the real command, as a DBA would. */
async function render({ name, warehouse, tables }: Configuration): Promise<Rendered> {
  const [file, folder] = [join(work, `${name}.yaml`), join(work, 'rendered', name)]
  const login = { account: 'xy12345.eu-west-1', user: 'DBA', password: 'unused', storageIntegration: 'FIRN_S3' }
  const stage = { bucket: 'cdc', region: 'eu-west-1' }
  const config = { kafka: { brokers: ['unused:9092'] }, stage, warehouse: { ...login, ...warehouse }, tables }
  await writeFile(file, stringify(config))
  const { code, stderr } = await firn(['migrate', '--render', folder, '--config', file])
  if (code !== 0) throw new Error(`firn migrate --render of ${name}: ${stderr}`)
  return { name, folder, files: await readSqlFiles(folder) }
}

async function renderAll(): Promise<readonly Rendered[]> {
  const rendered: Rendered[] = []
  for (const configuration of configurations) rendered.push(await render(configuration))
  expectNone(
    unreached(
      templates,
      rendered.flatMap(({ files }) => files),
    ),
  )
  const count = rendered.reduce((sum, { files }) => sum + files.length, 0)
  say(`rendered   ${count} files of ${rendered.length} configurations: every template, every mark`)
  return rendered
}

async function parseAll(rendered: readonly Rendered[]): Promise<void> {
  const folder = join(work, 'whole')
  // Most files are the same in several configurations.
  const texts = new Map<string, SqlFile>()
  for (const { name, files } of rendered) {
    for (const file of [...files, ...files.flatMap(bodiesOf)]) {
      if (!texts.has(file.text)) texts.set(file.text, { name: `${name}.${file.name}`, text: file.text })
    }
  }
  const bodies = [...texts.values()].filter(({ name }) => /\.body\d+\.sql$/.test(name)).length
  if (bodies === 0) throw new Error('there is no scripting body among them')
  await writeSqlFiles(folder, [...texts.values()])
  const bad = await unparsable(folder)
  expectNone([...bad].map(([name, text]) => `${name}: sqlfluff cannot parse: ${text}`))
  say(
    `parsed     ${texts.size} texts, ${bodies} of them scripting bodies: sqlfluff knows all of them as Snowflake's SQL`,
  )
}

async function parseDamaged(rendered: readonly Rendered[]): Promise<void> {
  expectNone(undamaged(templates.map(({ file }) => file)).map((file) => `${file} is not damaged anywhere`))
  const folder = join(work, 'damaged')
  const damaged = damagedFiles(rendered.flatMap(({ files }) => files))
  await writeSqlFiles(folder, damaged)
  const bad = await unparsable(folder)
  expectNone(damaged.flatMap(({ name }) => (bad.has(name) ? [] : [`sqlfluff parses it damaged: ${damageText(name)}`])))
  say(`damaged    ${damaged.length} texts by one token each: sqlfluff parses none of them`)
}

async function nameAll(rendered: readonly Rendered[]): Promise<void> {
  for (const { name, folder, files } of rendered) {
    const names = files.map((file) => file.name)
    const ofSchemachange = await deployOrder(folder)
    const left = names.filter((file) => file !== accountFile && !ofSchemachange.includes(file))
    expectNone(left.map((file) => `${name}: schemachange passes over ${file}`))
    expectNone([
      ...flywayProblems(names),
      ...orderProblems(ofSchemachange, files).map((problem) => `${name}, by schemachange: ${problem}`),
      ...orderProblems(flywayOrder(names), files).map((problem) => `${name}, by Flyway: ${problem}`),
      ...templateProblems(files),
    ])
  }
  say('names      schemachange and Flyway take them all, and put no pipe before its streams')
}

const stack = ownStack()
let code = 0
try {
  const rendered = await renderAll()
  await parseAll(rendered)
  await parseDamaged(rendered)
  await nameAll(rendered)
  await deployAsDba(await stack.up(), work, say)
} catch (error) {
  say(`FAILED     ${error instanceof Error ? error.message : String(error)}`)
  code = 1
} finally {
  await stack.down({ clean: true })
}
process.exit(code)
