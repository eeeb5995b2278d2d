/**
 * What must hold between settings: the schema judges each alone, this judges them together. Pure.
 */
import type { Config, SaslConfig, SettingPath, TableConfig } from './config.ts'
import { stemOf } from './identifier.ts'

export type Problem = { readonly path: SettingPath; readonly text: string }

/** Snowflake's limit for a name is 255 characters; the longest ending of Firn's own objects is `_TOMBSTONES`. */
const stemCharsMax = 255 - '_TOMBSTONES'.length

export function problemsBetween(config: Config): readonly Problem[] {
  return [
    ...logins(config),
    ...sizes(config),
    ...config.tables.flatMap((table, at) => tableProblems(config, table, at)),
  ]
}

function logins({ kafka, stage, warehouse }: Config): Problem[] {
  const problems: Problem[] = []
  if ((kafka.cert === undefined) !== (kafka.key === undefined)) {
    const [here, there] = kafka.cert === undefined ? (['cert', 'key'] as const) : (['key', 'cert'] as const)
    problems.push({ path: ['kafka', here], text: `missing: kafka.${there} is of no use without it` })
  }
  if ((stage.accessKeyId === undefined) !== (stage.secretAccessKey === undefined)) {
    const [here, there] =
      stage.accessKeyId === undefined ? ['accessKeyId', 'secretAccessKey'] : ['secretAccessKey', 'accessKeyId']
    problems.push({ path: ['stage', here], text: `missing: stage.${there} is of no use without it` })
  }
  if (stage.kmsKeyId !== undefined && stage.encryption !== 'aws:kms') {
    problems.push({ path: ['stage', 'kmsKeyId'], text: 'goes with stage.encryption aws:kms alone' })
  }
  const isEncrypted = kafka.ssl || kafka.ca !== undefined || kafka.cert !== undefined
  if (kafka.sasl?.mechanism === 'aws-msk-iam' && !isEncrypted) {
    problems.push({ path: ['kafka', 'ssl'], text: 'aws-msk-iam is spoken over TLS alone: write true' })
  }
  if (kafka.sasl?.mechanism === 'oauthbearer') problems.push(...tokenSource(kafka.sasl))
  if (!warehouse) return problems
  if (warehouse.password === undefined && warehouse.privateKeyFile === undefined) {
    problems.push({ path: ['warehouse', 'password'], text: 'missing: write either it or warehouse.privateKeyFile' })
  }
  if (warehouse.password !== undefined && warehouse.privateKeyFile !== undefined) {
    problems.push({ path: ['warehouse', 'password'], text: 'write either it or warehouse.privateKeyFile, not both' })
  }
  return problems
}

/** A token comes from an endpoint, which wants three settings, or from a file, which wants none of them. */
function tokenSource(sasl: Extract<SaslConfig, { readonly mechanism: 'oauthbearer' }>): Problem[] {
  const { tokenUrl, tokenFile } = sasl
  const at = (name: string, text: string): Problem => ({ path: ['kafka', 'sasl', name], text })
  if (tokenUrl === undefined && tokenFile === undefined) {
    return [at('tokenUrl', 'missing: write either it, with clientId and clientSecret, or kafka.sasl.tokenFile')]
  }
  if (tokenUrl !== undefined && tokenFile !== undefined) {
    return [at('tokenUrl', 'write either it or kafka.sasl.tokenFile, not both')]
  }
  const ofEndpoint = ['clientId', 'clientSecret'] as const
  if (tokenUrl !== undefined) {
    const missing = ofEndpoint.filter((name) => sasl[name] === undefined)
    return missing.map((name) => at(name, 'missing: kafka.sasl.tokenUrl is of no use without it'))
  }
  const idle = [...ofEndpoint, 'scope' as const].filter((name) => sasl[name] !== undefined)
  return idle.map((name) => at(name, 'goes with kafka.sasl.tokenUrl, not with tokenFile'))
}

function sizes({ ingest }: Config): Problem[] {
  if (ingest.fileBytes <= ingest.memory) return []
  return [{ path: ['ingest', 'fileBytes'], text: 'is more than ingest.memory, so no file could get that large' }]
}

function tableProblems(config: Config, table: TableConfig, at: number): Problem[] {
  const problems: Problem[] = []
  const complain = (name: 'topic' | 'table', text: string): void => {
    problems.push({ path: ['tables', at, name], text })
  }
  const earlier = config.tables.slice(0, at)
  const firstWith = (matches: (other: TableConfig) => boolean): string => {
    const found = earlier.findIndex(matches)
    return found < 0 ? '' : `tables[${found}]`
  }

  const differing = firstWith((other) => other.topic === table.topic && readingOf(other) !== readingOf(table))
  if (differing) {
    complain('topic', `is the topic of ${differing} too: ${sharedSettings.join(', ')} must be the same for both`)
  }
  const sameTopicStem = firstWith((other) => other.topic !== table.topic && stemOf(other.topic) === stemOf(table.topic))
  if (sameTopicStem) {
    complain(
      'topic',
      `its landing table would have the name of that of ${sameTopicStem}: ${stemOf(table.topic)}_LANDING`,
    )
  }
  const sameTable = firstWith((other) => other.table === table.table)
  if (sameTable) complain('table', `is the table of ${sameTable} too`)
  const sameTableStem = firstWith((other) => other.table !== table.table && stemOf(other.table) === stemOf(table.table))
  if (sameTableStem) {
    complain('table', `its stream would have the name of that of ${sameTableStem}: ${stemOf(table.table)}_STREAM`)
  }
  for (const view of ['_HISTORY', '_LIVE']) {
    const viewed = config.tables.findIndex((other) => `${other.table}${view}` === table.table)
    if (viewed >= 0) complain('table', `is the name of a view of tables[${viewed}]`)
  }
  const [schema = ''] = table.table.split('.')
  if (schema === 'FIRN' || schema === 'INFORMATION_SCHEMA') complain('table', `the schema ${schema} is taken`)
  for (const name of ['topic', 'table'] as const) {
    if (stemOf(table[name]).length > stemCharsMax) {
      complain(name, `is longer than ${stemCharsMax} characters, so Snowflake could not name the objects for it`)
    }
  }
  return problems
}

/** A topic is read and staged once, whatever tables it goes to. */
const sharedSettings = ['dialect', 'key', 'order', 'start', 'epoch'] as const

function readingOf(table: TableConfig): string {
  return JSON.stringify(sharedSettings.map((name) => table[name] ?? null))
}
