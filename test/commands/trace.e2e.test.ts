/**
 * `firn trace` on the real stack: what each change of a row has come to, for rows that were updated, deleted, refused, loaded
 * twice and overtaken, and for one that somebody has tampered with.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { command } from '../../src/commands/trace.ts'
import { readTemplates } from '../../src/warehouse/scripts.ts'
import { openRepairer } from '../../src/warehouse/repairs.ts'
import { type AuditGround, change, openAuditGround } from '../audit/audit-ground.ts'
import { endGround } from '../ingest/run-ground.ts'
import { type Ran, runCommand } from '../support/command.ts'
import { putRunFile, type RunMessage } from '../support/run-file.ts'
import { until } from '../support/until.ts'

type Traced = {
  readonly row: { readonly data: string; readonly position: string; readonly isDeleted: boolean | null } | null
  readonly tombstone: string | null
  readonly floor: string | null
  readonly total: number
  readonly versions: readonly {
    readonly op: string
    readonly offset: string
    readonly file: string
    readonly stagedAt: string | null
    readonly mergedAt: string | null
    readonly fate: string
    readonly why: string
  }[]
  readonly notes: readonly string[]
  readonly agrees: boolean
  readonly hint?: string
}

function tracer(ground: AuditGround) {
  const run = (id: string, ...args: readonly string[]): Promise<Ran> =>
    runCommand(command, ['--table', 'RUN.T0', '--id', id, '--config', ground.file, ...args], {
      FIRN_WAREHOUSE_ROLE: 'FIRN_OPERATOR',
    })
  const traced = async (id: string): Promise<Traced> => {
    const { code, stdout } = await run(id, '--json')
    assert.equal(code, 0)
    return JSON.parse(stdout) as Traced
  }
  return {
    run,
    traced,
    /** `op offset fate` of each version. */
    fates: async (id: string) => (await traced(id)).versions.map(({ op, offset, fate }) => `${op} ${offset} ${fate}`),
    put: (...messages: readonly RunMessage[]) => {
      const place = { run: 'late', table: ground.table, partition: 0 }
      return putRunFile(ground.stage, ground.config.stage.prefix, place, messages)
    },
    loaded: (rows: number) =>
      until(
        'the loads',
        () => ground.one(`SELECT COUNT(*) FROM ${ground.names.landing.sql}`),
        (count) => Number(count) >= rows,
      ),
  }
}

const bytes = (...args: Parameters<typeof change>): Buffer => Buffer.from(change(...args))
const refused = '{"operation":"UPDATE","before":null,"after":{"id":1,"s":"\\ud800"}}'

after(() => endGround())

describe('firn trace', { concurrency: false }, () => {
  let ground: AuditGround
  let trace: ReturnType<typeof tracer>

  before(async () => {
    ground = await openAuditGround()
    trace = tracer(ground)
    // Offsets 0 to 5 of partition 0.
    await ground.stageMore([
      { id: 9, partition: 0 },
      { id: 1, partition: 0 },
      { id: 2, partition: 0 },
      { id: 1, partition: 0, value: change('UPDATE', 1, 2) },
      { id: 2, partition: 0, value: change('DELETE', 2) },
      { id: 1, partition: 0, value: refused },
    ])
    await ground.settled()
  })

  after(() => ground.down())

  test('tells of each change whether it won, and of the row what it is', async () => {
    const { row, tombstone, floor, versions, notes, agrees } = await trace.traced('1')
    assert.deepEqual(JSON.parse(row?.data ?? ''), {
      operation: 'UPDATE',
      before: { id: 1, n: 2 },
      after: { id: 1, n: 2 },
    })
    assert.deepEqual([tombstone, floor, notes, agrees], [null, null, [], true])
    assert.deepEqual(await trace.fates('1'), ['u 5 rejected', 'u 3 held', 'c 1 older'])
    assert.deepEqual(
      versions.map(({ why }) => why),
      [
        'rejected by the merge: JSON_REFUSED: the warehouse cannot parse before or after',
        'is what the table holds',
        `older than ${row?.position ?? ''}`,
      ],
    )
    const [first] = versions
    assert.ok(first)
    assert.ok(first.file.startsWith(`${ground.topic}/e1/00000/`), first.file)
    assert.ok(first.stagedAt !== null && first.mergedAt !== null)
  })

  test('tells of a deleted row that its delete is remembered', async () => {
    const { row, tombstone, agrees } = await trace.traced('2')
    assert.deepEqual([row, agrees], [null, true])
    assert.match(tombstone ?? '', /^00001\.\.0\.00000000000000000004\./)
    assert.deepEqual(await trace.fates('2'), ['d 4 deleted', 'c 2 older'])
  })

  test('as text says the same, with what is out of sight', async () => {
    const { code, stdout } = await trace.run('1')
    assert.equal(code, 0)
    assert.match(stdout, /^RUN\.T0, id 1\n {2}row {8}position 00001\S+, last updated \S+Z\n {13}\{[^\n]*"n":2/)
    assert.match(stdout, /\n {2}tombstone {2}none\n {2}floor {6}none\n\nu {2}00001\S+\n {3}rejected by the merge: /)
    assert.match(stdout, /\n {3}partition 0, offset 3, change 0, run\.\S+\/e1\/00000\/\S+\.parquet\n/)
    assert.match(stdout, /\n {3}kafka \S+Z, staged \S+Z, loaded \S+Z, merged \S+Z\n/)
    assert.match(
      stdout,
      /\nlanded changes: 3; what was loaded more than 30 days ago may be pruned, and is out of sight then\n$/,
    )
  })

  test('of an id that nobody knows says so', async () => {
    const { code, stdout } = await trace.run('it\'s "nobody" \\ ?')
    assert.equal(code, 0)
    assert.match(stdout, /\n {2}row {8}none\n {2}tombstone {2}none\n {2}floor {6}none\n\nnothing is known of this id; /)
  })

  test('names the tables that there are', async () => {
    const words = { code: 'USAGE', message: /no table RUN\.T1; there are RUN\.T0$/ }
    await assert.rejects(runCommand(command, ['--table', 'RUN.T1', '--id', '1', '--config', ground.file]), words)
    const missing = { code: 'USAGE', message: /--id is missing; for example: firn trace --table / }
    await assert.rejects(runCommand(command, ['--table', 'RUN.T0', '--config', ground.file]), missing)
  })

  test('tells what has come twice, what came late, and what waits', async () => {
    const files = await ground.files()
    const repairer = openRepairer(ground.config, await readTemplates(), ground.session())
    await repairer.take({ kind: 'copy files', topic: ground.topic, files })
    assert.deepEqual(await trace.fates('1'), [
      'u 5 rejected',
      'u 5 again',
      'u 3 held',
      'u 3 again',
      'c 1 older',
      'c 1 again',
    ])
    await trace.put({ offset: 0n, value: bytes('UPDATE', 1, 7) })
    await trace.loaded(13)
    await ground.merge()
    assert.deepEqual((await trace.fates('1')).slice(-3), ['c 1 older', 'c 1 again', 'u 0 older'])
    await trace.put({ offset: 6n, value: bytes('DELETE', 1) })
    await trace.loaded(14)
    assert.deepEqual((await trace.fates('1'))[0], 'd 6 waiting')
    await ground.merge()
    const { row, agrees } = await trace.traced('1')
    assert.deepEqual([row, agrees, (await trace.fates('1'))[0]], [null, true, 'd 6 deleted'])
    assert.deepEqual(
      (await trace.fates('1')).filter((fate) => fate.startsWith('u 3')),
      ['u 3 older', 'u 3 again'],
    )
  })

  test('where the table says something else, says so and what to run', async () => {
    const { target, tombstones } = ground.names
    const session = ground.session()
    await session.execute(`UPDATE ${target} SET DATA = TO_VARIANT('by hand') WHERE ID = '9'`)
    const altered = await trace.traced('9')
    assert.deepEqual([altered.agrees, altered.versions.map(({ fate }) => fate)], [false, ['altered', 'again']])
    assert.match(altered.hint ?? '', /firn audit --deep$/)
    await session.execute(`DELETE FROM ${target} WHERE ID = '9'`)
    assert.deepEqual(await trace.fates('9'), ['c 0 disagrees', 'c 0 again'])
    assert.match((await trace.run('9')).stdout, /merged, and the row is not there\n[^]*firn audit --deep\n$/)
    await session.execute(`DELETE FROM ${tombstones.sql} WHERE id = '2'`)
    assert.equal((await trace.traced('2')).agrees, false)
  })

  test('below the floor tells what was listed and not applied', async () => {
    const { floors } = ground.names
    const floor = '00001..0.00000000000000000100'
    await ground.session().execute(`INSERT INTO ${floors} SELECT 'RUN.T0', '${floor}', SYSDATE(), CURRENT_USER()`)
    await trace.put({ offset: 50n, value: bytes('INSERT', 50) })
    await trace.loaded(15)
    await ground.merge()
    const { floor: told, versions, agrees } = await trace.traced('50')
    assert.deepEqual([told, agrees], [floor, true])
    assert.deepEqual(
      versions.map(({ why }) => why),
      ['below the floor: listed, not applied'],
    )
    assert.equal((await trace.fates('2'))[0], 'd 4 forgotten')
  })

  test('what retention has pruned is out of sight, and said to be', async () => {
    await trace.put({ offset: 200n, value: bytes('INSERT', 200) })
    await trace.loaded(16)
    await ground.merge()
    await ground.session().execute(`DELETE FROM ${ground.names.landing.sql} WHERE id = '200'`)
    const { versions, notes, agrees } = await trace.traced('200')
    assert.deepEqual([versions, notes, agrees], [[], ['the change that the table holds is out of sight'], true])
    assert.match((await trace.run('200')).stdout, /\nnote {2}the change that the table holds is out of sight\n/)
  })
})

describe('firn trace of a table with soft deletes and rows as data', { concurrency: false }, () => {
  test('tells that the table holds the delete, and sees what was changed by hand', async () => {
    const ground = await openAuditGround({ deletes: 'soft', data: 'row' })
    try {
      const trace = tracer(ground)
      await ground.stageMore([
        { id: 1, partition: 0 },
        { id: 1, partition: 0, value: change('DELETE', 1, 2) },
      ])
      await ground.settled()
      const { row, versions, agrees } = await trace.traced('1')
      assert.deepEqual([row?.isDeleted, JSON.parse(row?.data ?? ''), agrees], [true, { id: 1, n: 2 }, true])
      assert.deepEqual(
        versions.map(({ fate, why }) => `${fate}: ${why}`),
        ['held: is what the table holds, marked as deleted', `older: older than ${row?.position ?? ''}`],
      )
      assert.match((await trace.run('1')).stdout, / {2}row {8}position \S+, last updated \S+Z, deleted\n/)
      await ground.session().execute(`UPDATE ${ground.names.target} SET _DELETED = FALSE`)
      assert.deepEqual(await trace.fates('1'), ['d 1 altered', 'c 0 older'])
    } finally {
      await ground.down()
    }
  })
})
