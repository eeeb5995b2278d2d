/**
 * Fills the placeholders of the scripts under sql/ for one configuration: the same settings always give the same text.
 * Reading the scripts is in scripts.ts; what of them must run is decided in migrations.ts.
 */
import { createHash } from 'node:crypto'
import type { Config, TableConfig, WarehouseConfig } from '../config.ts'
import { Failure } from '../failure.ts'
import { identifier } from '../identifier.ts'
import { sharedNames, tableNames, topicNames } from './names.ts'
import { splitStatements } from './statements.ts'

/** A file under sql/, as written. */
export type Template = { readonly file: string; readonly text: string }

/** A script as it would run. */
export type Script = {
  /** the file, and the topic or table that it was rendered for: the ledger's key */
  readonly name: string
  readonly text: string
  /** SHA-256 of the text, hex */
  readonly checksum: string
  /** may change after it was applied, and is then applied again */
  readonly isRepeatable: boolean
  readonly statements: readonly string[]
}

type Values = Readonly<Record<string, string>>

/** What the comment lines at the head of a script say. */
type Head = { readonly per: 'topic' | 'table' | null; readonly isRepeatable: boolean }

/**
 * Every script in the order in which they run: the shared ones, then topic by topic its templates, one for the topic or
 * one for each of its tables. So a pipe comes after the streams of its landing table.
 *
 * @throws Failure CONFIG_INVALID where a setting is missing, SCRIPT_INVALID where a script is at fault
 */
export function renderScripts(templates: readonly Template[], config: Config): readonly Script[] {
  const shared = sharedValues(config)
  const scripts = templates.filter(({ text }) => headOf(text).per === null).map((one) => render(one, shared, null))
  for (const topic of new Set(config.tables.map((table) => table.topic))) {
    const tables = config.tables.filter((table) => table.topic === topic)
    for (const template of templates) {
      const { per } = headOf(template.text)
      const values = { ...shared, ...topicValues(warehouseOf(config), topic) }
      if (per === 'topic') scripts.push(render(template, values, topic))
      if (per !== 'table') continue
      for (const table of tables) {
        scripts.push(render(template, { ...values, ...tableValues(warehouseOf(config), table) }, table.table))
      }
    }
  }
  return scripts
}

function headOf(text: string): Head {
  const lines = text.slice(0, text.search(/^(?!--)/m)).split('\n')
  const per = lines.map((line) => /^-- per: (topic|table)$/.exec(line.trim())?.[1]).find((found) => found !== undefined)
  return { per: (per ?? null) as Head['per'], isRepeatable: lines.some((line) => line.trim() === '-- repeatable') }
}

function render({ file, text }: Template, values: Values, subject: string | null): Script {
  const name = subject === null ? file : `${file} ${subject}`
  const filled = fill(text.replaceAll('\r\n', '\n'), values, name)
  return {
    name,
    text: filled,
    checksum: createHash('sha256').update(filled).digest('hex'),
    isRepeatable: headOf(text).isRepeatable,
    statements: splitStatements(filled, name),
  }
}

/** One pass, so that a value is never taken for a placeholder. @throws Failure SCRIPT_INVALID for one without a value */
export function fill(text: string, values: Values, name: string): string {
  return text.replace(/\{\{([^}]*)\}?\}?/g, (written, key: string) => {
    const value = written === `{{${key}}}` && Object.hasOwn(values, key) ? values[key] : undefined
    if (value === undefined) throw new Failure('SCRIPT_INVALID', `${name}: nothing is known for ${written}`)
    // Values stand in literals and in bodies too. Settings are checked for these when they are read.
    if (/['\\\n]|\$\$/.test(value) && key !== 'task_compute') {
      throw new Failure('SCRIPT_INVALID', `${name}: ${written} would be filled with a quote, a backslash or $$`)
    }
    return value
  })
}

/** @throws Failure CONFIG_INVALID where the section is missing */
export function warehouseOf({ warehouse }: Config): WarehouseConfig {
  if (warehouse) return warehouse
  throw new Failure('CONFIG_INVALID', 'warehouse: missing: this command needs account, user and a password or key')
}

function sharedValues(config: Config): Values {
  const warehouse = warehouseOf(config)
  const { storageIntegration } = warehouse
  if (storageIntegration === undefined) {
    throw new Failure('CONFIG_INVALID', 'warehouse.storageIntegration: missing: lets Snowflake read the bucket')
  }
  const names = sharedNames(warehouse)
  return {
    database: names.database,
    stage: names.stage.sql,
    stage_url: `s3://${config.stage.bucket}/${config.stage.prefix}`,
    storage_integration: identifier(storageIntegration),
    file_format: names.fileFormat,
    merged_files: names.mergedFiles,
    merge_rejects: names.mergeRejects,
    schedule: warehouse.schedule,
    // Merges of one micro-batch are small work.
    task_compute:
      warehouse.warehouse === undefined
        ? "USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE = 'XSMALL'"
        : `WAREHOUSE = ${identifier(warehouse.warehouse)}`,
  }
}

function topicValues(warehouse: WarehouseConfig, topic: string): Values {
  const { landing, pipe } = topicNames(warehouse, topic)
  return { topic, topic_path: `${topic}/`, landing: landing.sql, landing_name: landing.bare, pipe: pipe.sql }
}

function tableValues(warehouse: WarehouseConfig, table: TableConfig): Values {
  const names = tableNames(warehouse, table)
  return {
    target: names.target,
    target_name: table.table,
    target_schema: names.targetSchema,
    stream: names.stream.sql,
    tombstones: names.tombstones.sql,
    task: names.task.sql,
    rejects: names.rejects.sql,
  }
}
