/**
 * A DBA's own route: the account administrator's part by `firn migrate --account`, the rest by the real schemachange in the
 * role that owns the schema, from rendered files. What comes of it must be what `firn migrate` makes.
 */
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Endpoints } from '../../src/local/endpoints.ts'
import { connectSnowflake, type Session } from '../../src/snowflake/session.ts'
import { firn } from '../support/firn.ts'
import { dumpSchema } from '../support/schema-dump.ts'
import { readSqlFiles } from './sql-file.ts'
import { accountFile } from './names.ts'
import { deploy } from './tools.ts'

type Say = (line: string) => void

/** One deployment: where Firn's configurations and schemachange's lie, and which scripts there are. */
type Place = {
  readonly database: string
  /** of schemachange's own, for its table */
  readonly history: string
  readonly config: string
  readonly tool: string
  readonly scripts: readonly string[]
}

const owner = 'FIRN_OWNER'
const customers = [{ topic: 'shop.customers', table: 'SHOP.CUSTOMERS', key: ['id'] }]
const quoted = [
  { topic: 'Web-Shop.order', table: 'order.order', key: ['id'], deletes: 'soft' },
  { topic: 'Web-Shop.order', table: 'Mixed Case.Mixed Case', key: ['id'], data: 'row' },
]

export async function deployAsDba(endpoints: Endpoints, work: string, say: Say): Promise<void> {
  const session = await connectSnowflake({ ...endpoints.warehouse, role: owner })
  try {
    const place = await prepare(endpoints, join(work, 'dba'), { database: 'DBA', tables: customers })
    await deployTwice(endpoints, session, place, say)
    const golden = await readFile(new URL('../golden/schema.txt', import.meta.url), 'utf8')
    // By lines, so that a difference can be read.
    assert.deepEqual((await dumpSchema(session, place.database)).split('\n'), golden.split('\n'))
    say('schema     what schemachange has made is test/golden/schema.txt')
    await expectNothingLeft(place)
    say('ledger     firn migrate --plan has nothing to apply, and firn check finds the migrations and all objects')

    const other = await prepare(endpoints, join(work, 'quoted'), { database: 'Dba too', tables: quoted })
    await deployTwice(endpoints, session, other, say)
    await expectNothingLeft(other)
    say('ledger     the same with quoted names and two tables on a topic')
  } finally {
    await session.close()
  }
}

type Asked = { readonly database: string; readonly tables: readonly object[] }

async function prepare(
  { kafka, s3, warehouse }: Endpoints,
  folder: string,
  { database, tables }: Asked,
): Promise<Place> {
  const [rendered, tool] = [join(folder, 'rendered'), join(folder, 'schemachange')]
  const [config, administrator] = [join(folder, 'firn.yaml'), join(folder, 'administrator.yaml')]
  await mkdir(tool, { recursive: true })
  const { bucket, region, endpoint, accessKeyId, secretAccessKey } = s3
  const { accessUrl, account, user, password, warehouse: compute, storageIntegration } = warehouse
  const login = { accessUrl, account, user, password, warehouse: compute, storageIntegration, database }
  const configure = (more: object): string =>
    stringify({
      kafka: { brokers: kafka.brokers },
      stage: { bucket, region, endpoint, accessKeyId, secretAccessKey, prefix: `${database.replace(' ', '-')}/` },
      warehouse: { ...login, ...more },
      tables,
    })
  await writeFile(config, configure({ role: owner }))
  // Without a role it is ACCOUNTADMIN.
  await writeFile(administrator, configure({}))
  await succeed('migrate', '--account', '--config', administrator)
  await succeed('migrate', '--render', rendered, '--config', config)
  const history = `${database.replace(' ', '_').toUpperCase()}_HISTORY`
  await writeFile(
    join(tool, 'schemachange-config.yml'),
    toolConfig({ accessUrl, account, user, compute, history, rendered }),
  )
  const scripts = (await readSqlFiles(rendered)).map(({ name }) => name).filter((name) => name !== accountFile)
  return { database, history, config, tool, scripts }
}

type ToolSettings = Readonly<Record<'accessUrl' | 'account' | 'user' | 'compute' | 'history' | 'rendered', string>>

/** Only this form of its configuration takes the place of a warehouse that is not on an account. */
function toolConfig({ accessUrl, account, user, compute, history, rendered }: ToolSettings): string {
  const { hostname, port, protocol } = new URL(accessUrl)
  return stringify({
    'config-version': 2,
    schemachange: {
      'root-folder': rendered,
      'change-history-table': `${history}.SCHEMACHANGE.CHANGE_HISTORY`,
      'create-change-history-table': true,
    },
    snowflake: {
      account,
      user,
      role: owner,
      warehouse: compute,
      host: hostname,
      port: Number(port),
      protocol: protocol.replace(':', ''),
    },
  })
}

async function succeed(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await firn(args)
  if (code !== 0) throw new Error(`firn ${args.join(' ')} ended with ${String(code)}: ${stderr}`)
  return stdout
}

async function deployTwice({ warehouse }: Endpoints, session: Session, place: Place, say: Say): Promise<void> {
  const { history, tool, scripts } = place
  await session.execute(`CREATE DATABASE ${history}`)
  const applied = async (): Promise<readonly string[]> => {
    const rows = await session.query(
      `SELECT SCRIPT, STATUS FROM ${history}.SCHEMACHANGE.CHANGE_HISTORY ORDER BY SCRIPT`,
    )
    return rows.map(({ SCRIPT, STATUS }) => `${String(SCRIPT)} ${String(STATUS)}`)
  }
  const once = scripts.map((name) => `${name} Success`).sort()
  await deploy(tool, warehouse.password)
  assert.deepEqual(await applied(), once)
  await deploy(tool, warehouse.password)
  assert.deepEqual(await applied(), once, 'a second deployment applies nothing')
  say(`deployed   ${scripts.length} scripts by schemachange as ${owner}, and none of them a second time`)
}

type Finding = { readonly ok: boolean; readonly part: string; readonly what: string; readonly detail: string }

async function expectNothingLeft({ config, scripts }: Place): Promise<void> {
  const plan = await succeed('migrate', '--plan', '--config', config)
  assert.equal(plan, `-- 0 scripts to apply, ${scripts.length} are there already\n`)
  // The topic itself is not there, which is a finding of another part.
  const { stdout } = await firn(['check', '--json', '--config', config])
  const { findings } = JSON.parse(stdout) as { readonly findings: readonly Finding[] }
  const ours = findings.filter(({ part }) => part === 'warehouse')
  const wrong = ours.filter(({ ok }) => !ok).map(({ what, detail }) => `firn check: ${what}: ${detail}`)
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
  const migrations = ours.find(({ what }) => what === 'migrations')
  assert.equal(migrations?.detail, `all ${scripts.length} scripts are applied`)
}
