/**
 * One table, some random histories, one random delivery with merges at any point between, some of them killed: in the end
 * the target, the views and the books must be what the fold says. Everything is decided by the seed.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { canonicalJson } from '../../src/local/exact-json.ts'
import type { Session } from '../../src/snowflake/session.ts'
import { sharedNames, tableNames, topicNames } from '../../src/warehouse/names.ts'
import { renderQuery, renderScripts } from '../../src/warehouse/render.ts'
import { readAuditTemplates, readTemplates } from '../../src/warehouse/scripts.ts'
import { warehouseOf } from '../../src/warehouse/values.ts'
import { seededRandom } from '../lab/random.ts'
import { exampleConfig } from '../support/config.ts'
import { cut, deliver, type File, shuffled } from './delivery.ts'
import { fold, History, type LandedRow, Log, type TableMode, type TargetRow } from './history.ts'
import type { OwnWarehouse } from './own-warehouse.ts'

export type WorldOptions = {
  readonly seed: number
  readonly mode: TableMode
  readonly histories: number
  /** of the merges, how many are killed on average */
  readonly killRate: number
}

export type WorldReport = {
  readonly histories: number
  readonly rows: number
  readonly files: number
  readonly merges: number
  readonly kills: number
}

/** @throws AssertionError where something differs, with the seed */
export async function runWorld(warehouse: OwnWarehouse, options: WorldOptions): Promise<WorldReport> {
  const world = await World.open(warehouse, options)
  try {
    return await world.run()
  } catch (error) {
    const { seed, mode } = options
    throw new Error(`seed ${seed}, ${mode.deletes} deletes, ${mode.data}: ${String(error)}`, { cause: error })
  } finally {
    await world.close()
  }
}

type Names = {
  readonly target: string
  readonly live: string
  readonly history: string
  readonly landing: string
  readonly stream: string
  readonly rejects: string
  readonly tombstones: string
  readonly floors: string
  readonly mergedFiles: string
}

class World {
  readonly #warehouse: OwnWarehouse
  readonly #options: WorldOptions
  readonly #random: () => number
  readonly #table: string
  readonly #names: Names
  readonly #bodies: { readonly merge: string; readonly retention: string; readonly audit: string }
  #session: Session
  readonly #landed: LandedRow[] = []
  readonly #counts = { files: 0, rows: 0, merges: 0, kills: 0 }

  private constructor(
    warehouse: OwnWarehouse,
    options: WorldOptions,
    session: Session,
    { table, names, bodies }: Awaited<ReturnType<typeof migrate>>,
  ) {
    this.#warehouse = warehouse
    this.#options = options
    this.#random = seededRandom(options.seed)
    this.#session = session
    this.#table = table
    this.#names = names
    this.#bodies = bodies
  }

  static async open(warehouse: OwnWarehouse, options: WorldOptions): Promise<World> {
    const session = await warehouse.connect()
    return new World(warehouse, options, session, await migrate(session, options))
  }

  close(): Promise<void> {
    return this.#session.close()
  }

  async run(): Promise<WorldReport> {
    const random = this.#random
    const log = new Log()
    const histories = Array.from({ length: this.#options.histories }, (_, at) => new History(`r${at}`, log, random))
    const steps = () => 2 + Math.floor(random() * 9)
    const first = deliver(
      histories.map((history) => history.next(steps())),
      'one',
      random,
    )
    await this.#arrive(first)
    if (random() < 0.4) {
      await this.#settle()
      await this.#raiseFloor(log)
      const second = deliver(
        histories.map((history) => history.next(steps())),
        'two',
        random,
      )
      // What came before the floor was raised comes again, in pieces: upserts without the deletes that followed them.
      const again = cut(
        this.#landed.filter(() => random() < 0.3),
        'again',
        random,
      )
      await this.#arrive(shuffled([...second, ...again], random))
    } else {
      await this.#settle()
      await this.#checkBooks()
    }
    await this.#settle()
    return { histories: histories.length, ...this.#counts }
  }

  /** Files land one by one or a few at once; merges, retention and looks at the live view come between. */
  async #arrive(files: readonly File[]): Promise<void> {
    for (const file of files) {
      await this.#land(file)
      const dice = this.#random()
      if (dice < 0.2) await this.#merge()
      else if (dice < 0.25) await this.#session.execute(this.#bodies.retention)
      else if (dice < 0.3) assert.deepEqual(await this.#rowsOf(this.#names.live), this.#expected(), 'the live view')
    }
  }

  async #land({ name, rows }: File): Promise<void> {
    const text = (value: string | null): string =>
      value === null ? 'NULL' : `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
    const values = rows.map(({ partition, offset, timestamp, rowIndex, op, id, position, before, after }, at) =>
      [
        `'w'`,
        partition,
        offset,
        timestamp,
        rowIndex,
        text(op),
        text(id),
        text(position),
        text(before),
        text(after),
        text(op === 'x' ? 'NOT_JSON: it is none' : null),
        text(name),
        at,
        'CURRENT_TIMESTAMP()',
      ].join(', '),
    )
    await this.#session.execute(
      `INSERT INTO ${this.#names.landing} (kafka_topic, kafka_partition, kafka_offset, kafka_timestamp, row_index, op, id,
         position, before, after, error, file_name, file_row_number, load_time) VALUES (${values.join('), (')})`,
    )
    this.#landed.push(...rows)
    this.#counts.files += 1
    this.#counts.rows += rows.length
  }

  async #merge(): Promise<void> {
    this.#counts.merges += 1
    if (this.#random() >= this.#options.killRate) {
      await this.#session.execute(this.#bodies.merge)
      return
    }
    this.#counts.kills += 1
    // Whether it has committed by then is anybody's guess; either is right.
    const cut = this.#session.execute(this.#bodies.merge).catch(() => undefined)
    await sleep(this.#random() * 60)
    await this.#warehouse.killAndRestart()
    await cut
    await this.#session.close()
    this.#session = await this.#warehouse.connect()
  }

  /** Merges the rest; then all must be as the fold says. */
  async #settle(): Promise<void> {
    await this.#session.execute(this.#bodies.merge)
    const [left] = await this.#session.query(`SELECT COUNT(*) AS LEFT_OVER FROM ${this.#names.stream}`)
    assert.equal(left?.['LEFT_OVER'], '0')
    assert.deepEqual(await this.#rowsOf(this.#names.target), this.#expected(), 'the target')
    assert.deepEqual(await this.#rowsOf(this.#names.live), this.#expected(), 'the live view, all merged')
    assert.deepEqual(await this.#history(), this.#expectedHistory(), 'the history view')
    assert.deepEqual(await this.#session.query(this.#bodies.audit), [], 'the deep audit')
    const [sum] = await this.#session.query(
      `SELECT SUM(row_count) AS TAKEN FROM ${this.#names.mergedFiles} WHERE target_table = '${this.#table}'`,
    )
    assert.equal(sum?.['TAKEN'], String(this.#counts.rows), 'every landed row was taken once')
  }

  /** Each message that is no row is listed once, whatever came how often. */
  async #checkBooks(): Promise<void> {
    const listed = await this.#session.query(
      `SELECT kafka_partition AS P, kafka_offset AS O, row_index AS R, COUNT(*) AS N FROM ${this.#names.rejects}
       GROUP BY kafka_partition, kafka_offset, row_index ORDER BY 1, 2, 3`,
    )
    const refused = new Set(
      this.#landed
        .filter(({ applies }) => !applies)
        .sort((a, b) => a.partition - b.partition || a.offset - b.offset || a.rowIndex - b.rowIndex)
        .map(({ partition, offset, rowIndex }) => `${partition} ${offset} ${rowIndex} 1`),
    )
    assert.deepEqual(
      listed.map(({ P, O, R, N }) => [P, O, R, N].join(' ')),
      [...refused],
      'the rejects',
    )
  }

  async #raiseFloor(log: Log): Promise<void> {
    await this.#session.execute(
      `INSERT INTO ${this.#names.floors} (target_table, floor, raised_at, raised_by) SELECT ?, ?, SYSDATE(), 'test'`,
      [this.#table, log.floor()],
    )
    log.level()
    await this.#session.execute(this.#bodies.retention)
    const [left] = await this.#session.query(`SELECT COUNT(*) AS N FROM ${this.#names.tombstones}`)
    assert.equal(left?.['N'], '0', 'tombstones below the floor')
  }

  #expected(): readonly TargetRow[] {
    return fold(this.#landed, this.#options.mode)
  }

  async #rowsOf(relation: string): Promise<readonly TargetRow[]> {
    const flag = this.#options.mode.deletes === 'soft' ? '_DELETED' : 'FALSE'
    const rows = await this.#session.query(
      `SELECT ID, _POSITION AS P, LAST_UPDATED AS T, ${flag} AS D, DATA FROM ${relation} ORDER BY ID`,
    )
    return rows.map(({ ID, P, T, D, DATA }): TargetRow => {
      return [String(ID), String(P), (T as Date).getTime(), D === true, canonicalJson(String(DATA))]
    })
  }

  async #history(): Promise<readonly string[]> {
    const rows = await this.#session.query(
      `SELECT ID, _POSITION AS P, OPERATION AS O, VALID_FROM AS F, VALID_TO AS T FROM ${this.#names.history} ORDER BY ID, _POSITION`,
    )
    return rows.map(({ ID, P, O, F, T }) => [ID, P, O, (F as Date).getTime(), (T as Date | null)?.getTime()].join(' '))
  }

  #expectedHistory(): readonly string[] {
    const versions = new Map(
      this.#landed.filter(({ applies }) => applies).map((row) => [`${row.id} ${row.position}`, row]),
    )
    const sorted = [...versions].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
    return sorted.flatMap((row, at) => {
      if (row.op === 'd') return []
      const next = sorted[at + 1]
      const until = next?.id === row.id ? next.timestamp : undefined
      return [[row.id, row.position, row.op === 'u' ? 'UPDATE' : 'INSERT', row.timestamp, until].join(' ')]
    })
  }
}

/** Firn's scripts for one more table, but for its pipe: the rows are landed by hand, and the tasks' bodies run by hand too. */
async function migrate(session: Session, { seed, mode }: WorldOptions) {
  const table = `SHOP.W${seed}_${mode.deletes}_${mode.data}`.toUpperCase()
  const config = exampleConfig({ tables: [{ topic: table.toLowerCase(), table, key: ['id'], ...mode }] })
  const scripts = renderScripts(await readTemplates(), config).filter(({ name }) => !name.includes('__70_pipe'))
  const statements = scripts.flatMap((script) => script.statements)
  for (const statement of statements) await session.execute(statement)
  const warehouse = warehouseOf(config)
  const shared = sharedNames(warehouse)
  const { stream, rejects, tombstones, task, retention, target, live, history } = tableNames(warehouse, { table })
  for (const { sql } of [task, retention]) await session.execute(`ALTER TASK ${sql} SUSPEND`)
  const bodyOf = (name: string): string => {
    const made = statements.find((statement) => statement.startsWith(`CREATE OR REPLACE TASK ${name}\n`)) ?? ''
    return made.slice(made.indexOf('\nAS\n') + '\nAS\n'.length)
  }
  const [first] = config.tables
  assert.ok(first)
  const subject = { config, table: first, values: { limit: '20', epoch_start: '00001.' } }
  return {
    table,
    names: {
      target,
      live,
      history,
      landing: topicNames(warehouse, table.toLowerCase()).landing.sql,
      stream: stream.sql,
      rejects: rejects.sql,
      tombstones: tombstones.sql,
      floors: shared.floors,
      mergedFiles: shared.mergedFiles,
    },
    bodies: {
      merge: bodyOf(task.sql),
      retention: bodyOf(retention.sql),
      audit: renderQuery(await readAuditTemplates(), '10_target.sql', subject),
    },
  }
}
