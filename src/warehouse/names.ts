/**
 * What the objects in Snowflake are called, for each topic and table. When a name is quoted is in identifier.ts; that two
 * never share a name is made sure when the settings are read.
 */
import type { TableConfig, WarehouseConfig } from '../config.ts'
import { identifier, stemOf } from '../identifier.ts'

/** An object's bare name, as SHOW prints it, and the whole name, as statements write it. */
export type ObjectName = { readonly bare: string; readonly sql: string }

export type SharedNames = {
  readonly database: string
  readonly schema: string
  readonly ledger: string
  readonly mergedFiles: string
  readonly mergeRejects: string
  readonly floors: string
  readonly pipes: string
  readonly fileFormat: string
  readonly stage: ObjectName
}

/** `formerPipe` is what this pipe succeeds. */
export type TopicNames = {
  readonly landing: ObjectName
  readonly pipe: ObjectName
  readonly formerPipe: ObjectName
}

export type TableNames = {
  readonly stream: ObjectName
  readonly tombstones: ObjectName
  readonly task: ObjectName
  readonly rejects: ObjectName
  readonly retention: ObjectName
  readonly targetSchema: string
  readonly target: string
  readonly history: string
  readonly live: string
}

export type RoleNames = {
  readonly owner: string
  readonly ingest: string
  readonly operator: string
  readonly reader: string
}

export function roleNames({ rolePrefix }: WarehouseConfig): RoleNames {
  const name = (role: string) => identifier(`${rolePrefix}_${role}`)
  return { owner: name('OWNER'), ingest: name('INGEST'), operator: name('OPERATOR'), reader: name('READER') }
}

export function sharedNames({ database }: WarehouseConfig): SharedNames {
  const schema = `${identifier(database)}.FIRN`
  return {
    database: identifier(database),
    schema,
    ledger: `${schema}.MIGRATIONS`,
    mergedFiles: `${schema}.MERGED_FILES`,
    mergeRejects: `${schema}.MERGE_REJECTS`,
    floors: `${schema}.FLOORS`,
    pipes: `${schema}.PIPES`,
    fileFormat: `${schema}.LANDING_FORMAT`,
    stage: { bare: 'STAGE', sql: `${schema}.STAGE` },
  }
}

/**
 * `shop.customers` → `CDC.FIRN.SHOP_CUSTOMERS_LANDING`, `CDC.FIRN.SHOP_CUSTOMERS_PIPE_2`. A pipe's COPY cannot be altered:
 * whoever changes it in 70_pipe.sql gives the successor the next number here.
 */
export function topicNames(config: WarehouseConfig, topic: string): TopicNames {
  const name = objectName(config, topic)
  return { landing: name('LANDING'), pipe: name('PIPE_2'), formerPipe: name('PIPE') }
}

/** `SHOP.CUSTOMERS` → `CDC.FIRN.SHOP_CUSTOMERS_STREAM`, ..., and the target `CDC.SHOP.CUSTOMERS` */
export function tableNames(config: WarehouseConfig, { table }: Pick<TableConfig, 'table'>): TableNames {
  const name = objectName(config, table)
  const [schema = '', target = ''] = table.split('.')
  const targetSchema = `${identifier(config.database)}.${identifier(schema)}`
  return {
    stream: name('STREAM'),
    tombstones: name('TOMBSTONES'),
    task: name('MERGE'),
    rejects: name('REJECTS'),
    retention: name('RETENTION'),
    targetSchema,
    target: `${targetSchema}.${identifier(target)}`,
    history: `${targetSchema}.${identifier(`${target}_HISTORY`)}`,
    live: `${targetSchema}.${identifier(`${target}_LIVE`)}`,
  }
}

/**
 * What the owner of a stream that is gone or stale runs. Its first rows are all that the landing table holds; a stream that
 * is made anew has lost the rights that others had on it.
 */
export function streamRemake(config: WarehouseConfig, table: Pick<TableConfig, 'topic' | 'table'>): readonly string[] {
  const { stream } = tableNames(config, table)
  const { landing } = topicNames(config, table.topic)
  const { ingest, operator } = roleNames(config)
  return [
    `CREATE OR REPLACE STREAM ${stream.sql} ON TABLE ${landing.sql} APPEND_ONLY = TRUE SHOW_INITIAL_ROWS = TRUE`,
    `GRANT SELECT ON STREAM ${stream.sql} TO ROLE ${ingest}`,
    `GRANT SELECT ON STREAM ${stream.sql} TO ROLE ${operator}`,
  ]
}

function objectName(config: WarehouseConfig, of: string): (kind: string) => ObjectName {
  const { schema } = sharedNames(config)
  return (kind) => {
    const bare = `${stemOf(of)}_${kind}`
    return { bare, sql: `${schema}.${identifier(bare)}` }
  }
}
