/**
 * `firn migrate`, `check` and `status` as a user runs them, on the shared development stack.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { loadConfig } from '../../src/config-source.ts'
import type { Finding } from '../../src/finding.ts'
import { kafkaClient } from '../../src/kafka/client.ts'
import { landingKey } from '../../src/landing.ts'
import { connectSnowflake, type Session } from '../../src/snowflake/session.ts'
import { openStage } from '../../src/stage/s3.ts'
import { createLogger } from '../../src/telemetry.ts'
import { renderScripts } from '../../src/warehouse/render.ts'
import { warehouseOf } from '../../src/warehouse/values.ts'
import { readTemplates } from '../../src/warehouse/scripts.ts'
import { firn } from '../support/firn.ts'
import { testStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

const { kafka, s3, warehouse } = testStack()
const id = randomUUID().slice(0, 8)
const topic = `commands-${id}`
const scripts = `R__COMMANDS_${id.toUpperCase()}__`

/** The settings as a tree; the names need quotes in every place where names can. */
const settings = {
  kafka: { brokers: kafka.brokers, group: `commands-${id}` },
  stage: {
    bucket: s3.bucket,
    prefix: `commands-${id}/`,
    region: s3.region,
    endpoint: s3.endpoint,
    accessKeyId: s3.accessKeyId,
    secretAccessKey: s3.secretAccessKey,
  },
  warehouse: {
    account: warehouse.account,
    accessUrl: warehouse.accessUrl,
    user: warehouse.user,
    password: warehouse.password,
    role: warehouse.role,
    warehouse: warehouse.warehouse,
    database: `Commands-${id}`,
    storageIntegration: warehouse.storageIntegration,
    schedule: '1 MINUTE',
  },
  log: { level: 'silent' },
  tables: [{ topic, table: 'Shop.order items', key: ['id'] }],
}

let folder: string
let file: string
let session: Session

type Section = keyof typeof settings

async function configure(
  changes: Readonly<Partial<Record<Section, object>>> = {},
  without: Section[] = [],
): Promise<void> {
  const kept = Object.entries({ ...settings, ...changes }).filter(([name]) => !without.includes(name as Section))
  await writeFile(file, stringify(Object.fromEntries(kept)))
}

async function check(): Promise<{ code: number | null; failed: string[] }> {
  const { code, stdout } = await firn(['check', '--config', file, '--json'])
  const { ok, findings } = JSON.parse(stdout) as { readonly ok: boolean; readonly findings: readonly Finding[] }
  assert.equal(ok, code === 0)
  for (const { level, hint } of findings) assert.equal(level === 'ok', hint === null)
  return {
    code,
    failed: findings.filter(({ level }) => level === 'failure').map(({ what, detail }) => `${what}: ${detail}`),
  }
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firn-commands-'))
  file = join(folder, 'firn.yaml')
  await configure()
  session = await connectSnowflake(warehouseOf(loadConfig({ file, env: {} })))
})

after(async () => {
  await session.execute(`DROP DATABASE IF EXISTS "Commands-${id}"`)
  await session.close()
  await rm(folder, { recursive: true })
})

describe('from nothing to a schema', { concurrency: false }, () => {
  test('check says what is missing, and exits 3', async () => {
    const { code, failed } = await check()
    assert.equal(code, 3)
    assert.match(failed.join('\n'), new RegExp(`^topic ${topic}: does not exist`, 'm'))
    assert.match(failed.join('\n'), /^migrations: none applied yet, or this role may not see them$/m)
  })

  test('migrate --plan prints every statement and runs none', async () => {
    const config = loadConfig({ file, env: {} })
    const statements = renderScripts(await readTemplates(), config).flatMap((script) => script.statements)
    const { code, stdout } = await firn(['migrate', '--plan', '--config', file])
    assert.equal(code, 0)
    for (const statement of statements) assert.ok(stdout.includes(`${statement};`), statement)
    assert.match(stdout, /^-- 15 scripts to apply, 0 are there already$/m)
    const again = await firn(['migrate', '--dry-run', '--json', '--config', file])
    const { pending } = JSON.parse(again.stdout) as { readonly pending: readonly { readonly statements: string[] }[] }
    assert.deepEqual(
      pending.flatMap((script) => script.statements),
      statements,
    )
  })

  test('migrate applies everything, once', async () => {
    const first = await firn(['migrate', '--config', file])
    assert.equal(first.code, 0, first.stderr)
    assert.equal(first.stdout, '15 scripts applied, 0 were there already\n')
    assert.match(first.stderr, /^applied V000__ledger.sql \(new, \d+\.\d s\)$/m)
    const second = await firn(['migrate', '--config', file, '--json'])
    assert.equal(second.stdout, '{"applied":[]}\n')
  })

  test('of two that migrate at once both end well, and each script is written down once', async () => {
    const database = `Twice-${id}`
    await configure({ warehouse: { ...settings.warehouse, database } })
    const both = await Promise.all([firn(['migrate', '--config', file]), firn(['migrate', '--config', file])])
    for (const { code, stderr } of both) assert.equal(code, 0, stderr)
    const rows = await session.query(
      `SELECT script, COUNT(*) AS times FROM "${database}".FIRN.MIGRATIONS GROUP BY script`,
    )
    assert.equal(rows.length, 15)
    assert.ok(rows.every(({ TIMES: times }) => times === '1'))
    await session.execute(`DROP DATABASE "${database}"`)
    await configure()
  })

  test('check finds all well once the topic is there too', async () => {
    const admin = kafkaClient(loadConfig({ file, env: {} }).kafka, createLogger({ level: 'silent' })).admin()
    await admin.connect()
    try {
      await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })
    } finally {
      await admin.disconnect()
    }
    assert.deepEqual(await check(), { code: 0, failed: [] })
    const { stdout } = await firn(['check', '--config', file])
    assert.match(stdout, /^ok {4}kafka {6}topic \S+: can be read, partitions: 2; without /m)
    assert.doesNotMatch(stdout, /^fail/m)
  })
})

describe('what stands still', { concurrency: false }, () => {
  const names = {
    task: `"Commands-${id}".FIRN.SHOP_ORDER_ITEMS_MERGE`,
    pipe: `"Commands-${id}".FIRN.COMMANDS_${id.toUpperCase()}_PIPE_2`,
  }

  test('a suspended task and a paused pipe are found, each with the statement that starts it', async () => {
    await session.execute(`ALTER TASK ${names.task} SUSPEND`)
    await session.execute(`ALTER PIPE ${names.pipe} SET PIPE_EXECUTION_PAUSED = TRUE`)
    const { code, stdout } = await firn(['check', '--config', file])
    assert.equal(code, 3)
    assert.match(
      stdout,
      /^fail {2}warehouse {2}task SHOP_ORDER_ITEMS_MERGE: is suspended\. Run: ALTER TASK .* RESUME$/m,
    )
    assert.match(stdout, /^fail {2}warehouse {2}pipe \S+: is PAUSED, /m)
    await session.execute(`ALTER TASK ${names.task} RESUME`)
    await session.execute(`ALTER PIPE ${names.pipe} SET PIPE_EXECUTION_PAUSED = FALSE`)
    assert.deepEqual(await check(), { code: 0, failed: [] })
  })

  test('a stream that is gone is found', async () => {
    await session.execute(`DROP STREAM "Commands-${id}".FIRN.SHOP_ORDER_ITEMS_STREAM`)
    const { failed } = await check()
    assert.deepEqual(failed, ['stream SHOP_ORDER_ITEMS_STREAM: is not there, or this role may not see it'])
    await session.execute(`DELETE FROM "Commands-${id}".FIRN.MIGRATIONS WHERE script LIKE 'R__%20_stream%'`)
    const { stdout } = await firn(['migrate', '--config', file])
    assert.equal(stdout, '1 scripts applied, 14 were there already\n')
    assert.deepEqual(await check(), { code: 0, failed: [] })
  })
})

describe('what changes', { concurrency: false }, () => {
  test('another schedule replaces the task, and nothing else', async () => {
    await configure({ warehouse: { ...settings.warehouse, schedule: '10 SECONDS' } })
    const { failed } = await check()
    assert.deepEqual(failed, [`migrations: 1 of 15 scripts are not applied: ${scripts}50_merge__SHOP_ORDER_ITEMS.sql`])
    const { stdout } = await firn(['migrate', '--config', file])
    assert.equal(stdout, '1 scripts applied, 14 were there already\n')
    assert.deepEqual(await check(), { code: 0, failed: [] })
  })

  test('another prefix is refused: the stage and the pipes would have to be made anew', async () => {
    await configure({ stage: { ...settings.stage, prefix: 'elsewhere/' } })
    const { code, stderr } = await firn(['migrate', '--config', file])
    assert.equal(code, 1)
    assert.match(stderr, /^firn: MIGRATION_CHANGED: .*: V001__stage.sql\n/)
    const { failed } = await check()
    assert.equal(failed.length, 2)
    assert.match(failed.join('\n'), /^stage STAGE: reads s3:\S+, not s3:\S+elsewhere\/$/m)
    await configure()
  })
})

describe('what is not there', () => {
  test('is one line each with a hint, and no stack trace', async () => {
    const nowhere = join(folder, 'nowhere.yaml')
    const dead = '127.0.0.1:1'
    await writeFile(
      nowhere,
      stringify({
        ...settings,
        kafka: { brokers: [dead] },
        stage: { ...settings.stage, endpoint: `http://${dead}` },
        warehouse: { ...settings.warehouse, accessUrl: `http://${dead}` },
      }),
    )
    const { code, stdout, stderr } = await firn(['check', '--config', nowhere])
    assert.equal(code, 3)
    assert.equal(stderr, '')
    const lines = stdout.trimEnd().split('\n')
    assert.equal(lines.length, 3, stdout)
    for (const line of lines) assert.match(line, /^fail {2}\w+ +\S.*: \w+_UNREACHABLE: .*\. /)
  })

  test('a wrong password is a denied login', async () => {
    const { code, stdout } = await firn(['check', '--config', file], { FIRN_WAREHOUSE_PASSWORD: 'wrong' })
    assert.equal(code, 3)
    assert.match(stdout, /^fail {2}warehouse {2}login: WAREHOUSE_DENIED: /m)
    assert.doesNotMatch(stdout, /: wrong|"wrong"/)
  })
})

describe('status', { concurrency: false }, () => {
  test('shows each watermark of each partition', async () => {
    const config = loadConfig({ file, env: {} })
    const key = landingKey(config.stage.prefix, { topic, epoch: 1, partition: 1, range: { first: 0n, last: 4n } })
    const stage = openStage(config.stage)
    await stage.put(key, Buffer.from('not loaded: the rows come from the test'), {})
    stage.close()
    const admin = kafkaClient(config.kafka, createLogger({ level: 'silent' })).admin()
    await admin.connect()
    await admin.setOffsets({ groupId: config.kafka.group, topic, partitions: [{ partition: 1, offset: '5' }] })
    await admin.disconnect()

    const before = await firn(['status', '--config', file])
    assert.equal(before.code, 0, before.stderr)
    assert.deepEqual(
      before.stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.trim().split(/ {2,}/)),
      [
        [
          'topic',
          'partition',
          'consumed',
          'staged',
          'loaded',
          'merged',
          'end',
          'staged ago',
          'loaded ago',
          'merged ago',
        ],
        [topic, '0', '-', '-', '-', '-', '0', '-', '-', '-'],
        [topic, '1', '5', '5', '0', '0', '0', '-', '-', '-'],
      ],
    )

    await session.execute(
      `INSERT INTO "Commands-${id}".FIRN.COMMANDS_${id.toUpperCase()}_LANDING
        (kafka_topic, kafka_partition, kafka_offset, kafka_timestamp, row_index, op, id, position, after, file_name, file_row_number, load_time)
        SELECT ?, 1, 4, 1700000000000, 0, 'c', '7', 'p', '{"id":7}', ?, 1, CURRENT_TIMESTAMP()`,
      [topic, key],
    )
    await session.execute(`EXECUTE TASK "Commands-${id}".FIRN.SHOP_ORDER_ITEMS_MERGE`)
    const merged = await until(
      'the merge',
      async () => {
        const { stdout } = await firn(['status', '--config', file, '--json'])
        return (JSON.parse(stdout) as { readonly watermarks: readonly { readonly merged: string | null }[] }).watermarks
      },
      (watermarks) => watermarks[1]?.merged === '5',
    )
    const common = { topic, partition: 1, table: 'Shop.order items' }
    const newest = { staged: null, loaded: 1_700_000_000_000, merged: 1_700_000_000_000 }
    assert.deepEqual(merged[1], { ...common, consumed: '5', staged: '5', loaded: '5', merged: '5', end: '0', newest })
  })

  test('a warehouse that does not answer hides nothing of the rest, and fails the command', async () => {
    const { code, stdout, stderr } = await firn(['status', '--config', file], {
      FIRN_WAREHOUSE_ACCESS_URL: 'http://127.0.0.1:1',
    })
    assert.equal(code, 1)
    assert.match(stderr, /^firn: WAREHOUSE_UNREACHABLE: /)
    assert.match(stdout, / 1 +5 +5 +- +- +0 +- +- +-$/m)
  })

  test('without a section warehouse it shows the first half', async () => {
    await configure({}, ['warehouse'])
    const { code, stdout } = await firn(['status', '--config', file])
    assert.equal(code, 0)
    assert.match(stdout, /^topic +partition +consumed +staged +end +staged ago$/m)
    await configure()
  })
})
