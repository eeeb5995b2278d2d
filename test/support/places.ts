/**
 * Databases with Firn's schema for tests: each with a prefix of its own on the stack's bucket, migrated by the command.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { connectSnowflake, type Session } from '../../src/snowflake/session.ts'
import { openStage } from '../../src/stage/s3.ts'
import { firn } from './firn.ts'
import { type LandingFileRow, stageRows } from './landing-file.ts'
import { dumpSchema } from './schema-dump.ts'
import { testStack } from './stack.ts'
import { until } from './until.ts'

const { s3, warehouse } = testStack()

export const topic = 'shop.customers'
export const customers = { topic, table: 'SHOP.CUSTOMERS', key: ['id'] }

export type Place = Awaited<ReturnType<Places['make']>>

/** To be closed after the last test. */
export class Places {
  readonly session: Session
  readonly #folder: string
  readonly #id = randomBytes(4).toString('hex').toUpperCase()
  readonly #databases: string[] = []

  private constructor(session: Session, folder: string) {
    this.session = session
    this.#folder = folder
  }

  static async open(): Promise<Places> {
    return new Places(await connectSnowflake(warehouse), await mkdtemp(join(tmpdir(), 'firn-places-')))
  }

  async close(): Promise<void> {
    for (const database of this.#databases) await this.session.execute(`DROP DATABASE IF EXISTS ${database}`)
    await this.session.close()
    await rm(this.#folder, { recursive: true })
  }

  /** A database and a prefix of its own, not migrated yet. */
  async make(name: string) {
    const { session } = this
    const database = `PLACE_${name}_${this.#id}`
    this.#databases.push(database)
    const file = join(this.#folder, `${name}.yaml`)
    const prefix = `place-${name}-${this.#id}/`
    const { accessUrl, account, user, password, role, warehouse: compute, storageIntegration } = warehouse
    const login = { accessUrl, account, user, password, role, warehouse: compute, storageIntegration, database }
    const configure = async (tables: readonly object[] = [customers]) => {
      const { bucket, region, endpoint, accessKeyId, secretAccessKey } = s3
      const stage = { bucket, prefix, region, endpoint, accessKeyId, secretAccessKey }
      await writeFile(file, stringify({ kafka: { brokers: ['127.0.0.1:1'] }, stage, warehouse: login, tables }))
    }
    await configure()
    const rows = async (sql: string) => (await session.query(sql)).map((row) => Object.values(row).join(' '))
    const landing = `${database}.FIRN.SHOP_CUSTOMERS_LANDING`
    const merge = `${database}.FIRN.SHOP_CUSTOMERS_MERGE`
    /** Waits until a relation has so many rows. */
    const count = (relation: string, least: number) =>
      until(
        `${least} rows of ${relation}`,
        async () => Number((await rows(`SELECT COUNT(*) FROM ${relation}`))[0]),
        (found) => found >= least,
      )
    return {
      database,
      file,
      prefix,
      landing,
      merge,
      target: `${database}.SHOP.CUSTOMERS`,
      configure,
      rows,
      count,
      migrate: async (): Promise<string> => {
        const { code, stdout, stderr } = await firn(['migrate', '--config', file])
        assert.equal(code, 0, stderr)
        return stdout
      },
      dump: () => dumpSchema(session, database),
      /** Stages one file, whose rows have the offsets from `first` on. @returns its key */
      put: async (first: number, ...list: LandingFileRow[]): Promise<string> => {
        const stage = openStage({ ...s3, prefix })
        try {
          return await stageRows(stage, prefix, { topic, first }, list)
        } finally {
          stage.close()
        }
      },
    }
  }
}

/** A change of one row, at a position that its offset gives. */
export const change = (op: string, key: string, at: number): LandingFileRow => ({
  op,
  id: key,
  position: `00001..0.${String(at).padStart(20, '0')}.00000.000000.00000`,
  ...(op === 'd' ? { before: `{"id":"${key}"}` } : { after: `{"id":"${key}","at":${at}}` }),
})
