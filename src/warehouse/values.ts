/**
 * What the placeholders and marks in the scripts under sql/ stand for, by the configuration.
 */
import type { Config, TableConfig, WarehouseConfig } from '../config.ts'
import { Failure } from '../failure.ts'
import { identifier } from '../identifier.ts'
import { roleNames, sharedNames, tableNames, topicNames } from './names.ts'

/** A value that is a piece of SQL by itself may hold quotes; text may not. */
export type Value = string | { readonly sql: string }

export type Rendering = {
  readonly values: Readonly<Record<string, Value>>
  /** by mark: whether lines with it stay */
  readonly flags: Readonly<Record<string, boolean>>
}

/** @throws Failure CONFIG_INVALID where the section is missing */
export function warehouseOf({ warehouse }: Config): WarehouseConfig {
  if (warehouse) return warehouse
  throw new Failure('CONFIG_INVALID', 'warehouse: missing: this command needs account, user and a password or key')
}

/** @throws Failure CONFIG_INVALID where a setting is missing */
export function sharedRendering(config: Config): Rendering {
  const warehouse = warehouseOf(config)
  const { storageIntegration, awsRoleArn } = warehouse
  if (storageIntegration === undefined) {
    throw new Failure('CONFIG_INVALID', 'warehouse.storageIntegration: missing: lets Snowflake read the bucket')
  }
  const names = sharedNames(warehouse)
  const roles = roleNames(warehouse)
  const isServerless = warehouse.warehouse === undefined
  const isTriggered = warehouse.schedule === 'triggered'
  return {
    values: {
      database: names.database,
      stage: names.stage.sql,
      stage_url: `s3://${config.stage.bucket}/${config.stage.prefix}`,
      storage_integration: identifier(storageIntegration),
      aws_role_arn: awsRoleArn ?? '',
      file_format: names.fileFormat,
      ledger: names.ledger,
      merged_files: names.mergedFiles,
      merge_rejects: names.mergeRejects,
      floors: names.floors,
      pipes: names.pipes,
      role_owner: roles.owner,
      role_ingest: roles.ingest,
      role_operator: roles.operator,
      role_reader: roles.reader,
      schedule: warehouse.schedule,
      landing_days: String(warehouse.landingDays),
      warehouse: warehouse.warehouse === undefined ? '' : identifier(warehouse.warehouse),
      // Merges of one micro-batch are small work.
      task_compute:
        warehouse.warehouse === undefined
          ? { sql: "USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE = 'XSMALL'" }
          : `WAREHOUSE = ${identifier(warehouse.warehouse)}`,
    },
    flags: {
      serverless: isServerless,
      warehouse: !isServerless,
      triggered: isTriggered,
      scheduled: !isTriggered,
      awsRole: awsRoleArn !== undefined,
    },
  }
}

export function topicRendering(config: Config, { values, flags }: Rendering, topic: string): Rendering {
  const { landing, pipe, formerPipe } = topicNames(warehouseOf(config), topic)
  const targets = config.tables.filter((table) => table.topic === topic).map(({ table }) => table)
  return {
    values: {
      ...values,
      topic,
      topic_location: { sql: locationOf(sharedNames(warehouseOf(config)).stage.sql, `${topic}/`) },
      topic_targets: { sql: targets.map((target) => `'${target}'`).join(', ') },
      topic_target_count: String(targets.length),
      landing: landing.sql,
      landing_name: landing.bare,
      pipe: pipe.sql,
      pipe_name: pipe.bare,
      former_pipe: formerPipe.sql,
    },
    flags,
  }
}

/** In quotes where the stage's name has some: with a space or the like in it, Snowflake reads it in no other way. */
function locationOf(stage: string, path: string): string {
  const location = `@${stage}/${path}`
  return stage.includes('"') ? `'${location}'` : location
}

export function tableRendering(config: Config, { values, flags }: Rendering, table: TableConfig): Rendering {
  const names = tableNames(warehouseOf(config), table)
  return {
    values: {
      ...values,
      target: names.target,
      target_name: table.table,
      target_schema: names.targetSchema,
      stream: names.stream.sql,
      tombstones: names.tombstones.sql,
      task: names.task.sql,
      rejects: names.rejects.sql,
      retention: names.retention.sql,
      history: names.history,
      live: names.live,
    },
    flags: {
      ...flags,
      hard: table.deletes === 'hard',
      soft: table.deletes === 'soft',
      message: table.data === 'message',
      row: table.data === 'row',
    },
  }
}
