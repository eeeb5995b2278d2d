/**
 * Where the part of the contract runs that needs a stage: the development warehouse with the stack's S3 server, and a real
 * account where the environment names a bucket of it too. That bucket must send its notifications to the account's queue.
 */
import { randomBytes } from 'node:crypto'
import type { StageConfig } from '../../src/config.ts'
import { openStage } from '../../src/stage/s3.ts'
import type { Stage } from '../../src/stage/stage.ts'
import { type ContractTarget, contractTargets } from './contract.ts'
import { testStack } from './stack.ts'

export type StageTarget = ContractTarget & {
  readonly storageIntegration: string
  /** everything of this run lies under its prefix */
  readonly stage: StageConfig
}

/** Of the bucket's side of a real account; without the keys the AWS credential chain decides, as in Firn. */
const bucketVariables = {
  url: 'FIRN_CONTRACT_STAGE_URL',
  storageIntegration: 'FIRN_CONTRACT_STORAGE_INTEGRATION',
  region: 'FIRN_CONTRACT_STAGE_REGION',
  accessKeyId: 'FIRN_CONTRACT_STAGE_ACCESS_KEY_ID',
  secretAccessKey: 'FIRN_CONTRACT_STAGE_SECRET_ACCESS_KEY',
} as const

export function stageTargets(env: Readonly<Record<string, string | undefined>> = process.env): StageTarget[] {
  const [development, account] = contractTargets(env)
  const { s3, warehouse } = testStack()
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = s3
  const targets: StageTarget[] = []
  if (development) {
    const stage = { endpoint, region, bucket, accessKeyId, secretAccessKey, prefix: runPrefix('') }
    targets.push({ ...development, storageIntegration: warehouse.storageIntegration, stage })
  }
  const real = bucketOf(env)
  if (account && real) targets.push({ ...account, ...real })
  return targets
}

/** Null where one of the variables is missing. @throws Error where the URL is none */
function bucketOf(
  env: Readonly<Record<string, string | undefined>>,
): Pick<StageTarget, 'storageIntegration' | 'stage'> | null {
  const value = (key: keyof typeof bucketVariables): string => env[bucketVariables[key]] ?? ''
  if (Object.values(bucketVariables).some((name) => (env[name] ?? '') === '')) return null
  const [, bucket, prefix] = /^s3:\/\/([^/]+)\/((?:[^/]+\/)*)$/.exec(value('url')) ?? []
  if (bucket === undefined) throw new Error(`${bucketVariables.url} must be such as s3://bucket/prefix/`)
  return {
    storageIntegration: value('storageIntegration'),
    stage: {
      bucket,
      prefix: runPrefix(prefix ?? ''),
      region: value('region'),
      accessKeyId: value('accessKeyId'),
      secretAccessKey: value('secretAccessKey'),
    },
  }
}

function runPrefix(below: string): string {
  return `${below}contract-${randomBytes(6).toString('hex')}/`
}

export type ScratchStage = {
  readonly stage: Stage
  /** removes all that was put under the prefix */
  clear(): Promise<void>
}

export function openScratchStage(config: StageConfig): ScratchStage {
  const stage = openStage(config)
  return {
    stage,
    async clear() {
      for await (const { key } of stage.list(config.prefix)) await stage.remove(key)
      stage.close()
    },
  }
}
