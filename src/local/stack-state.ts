/**
 * What a stack must remember between commands: its ports, its secrets, which process is which part. One JSON file in the
 * data folder, and a lock beside it, so that one command at a time changes the stack. What runs when is in stack.ts.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../failure.ts'
import { type ProcessId, hasCode } from './part-process.ts'
import { choosePorts } from './ports.ts'
import { lockFile } from './stack-lock.ts'

/** In the order in which they start: S3 sends its events to Kafka, from where the warehouse reads them. */
export const partNames = ['kafka', 's3', 'warehouse'] as const
export type PartName = (typeof partNames)[number]

export type StackState = {
  readonly ports: {
    readonly kafka: number
    readonly kafkaSaslSsl: number
    readonly kafkaController: number
    readonly s3: number
    readonly warehouse: number
  }
  readonly passwords: { readonly kafka: string; readonly s3: string; readonly warehouse: string }
  readonly kafkaClusterId: string
  /** A part that was stopped has no entry; one with an entry but without its process has crashed. */
  readonly processes: Readonly<Partial<Record<PartName, ProcessId>>>
}

/** Where each part listens; all on 127.0.0.1. */
export function portsOf({ ports }: StackState): Readonly<Record<PartName, readonly number[]>> {
  return {
    kafka: [ports.kafka, ports.kafkaSaslSsl, ports.kafkaController],
    s3: [ports.s3],
    warehouse: [ports.warehouse],
  }
}

const stateFile = 'stack.json'

/** Null where the folder holds no stack. */
export function readState(dir: string): StackState | null {
  const file = join(dir, stateFile)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
  return JSON.parse(text) as StackState
}

/** Through a draft and a rename, so that a reader never sees half of it. */
export function writeState(dir: string, state: StackState): void {
  const draft = join(dir, `${stateFile}.draft`)
  writeFileSync(draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
  renameSync(draft, join(dir, stateFile))
}

/** The state of a folder, made at the first call. @throws Failure USAGE where the folder holds something else */
export async function makeState(dir: string): Promise<StackState> {
  const found = readState(dir)
  if (found) return found
  const strange = readdirSync(dir).find((name) => !name.startsWith('stack.'))
  if (strange !== undefined) {
    throw new Failure(
      'USAGE',
      `${dir} holds no development stack but other things, such as ${strange}: name an empty folder`,
    )
  }
  const [kafka = 0, kafkaSaslSsl = 0, kafkaController = 0, s3 = 0, warehouse = 0] = await choosePorts(5)
  const password = (): string => randomBytes(18).toString('hex')
  const state: StackState = {
    ports: { kafka, kafkaSaslSsl, kafkaController, s3, warehouse },
    passwords: { kafka: password(), s3: password(), warehouse: password() },
    // 16 bytes as Kafka writes them; the letter in front keeps a dash from being read as an option.
    kafkaClusterId: `F${randomBytes(16).toString('base64url').slice(1)}`,
    processes: {},
  }
  writeState(dir, state)
  return state
}

/** Removes all but the lock, and only from a folder that holds a stack. */
export function removeStack(dir: string): void {
  for (const name of readdirSync(dir)) {
    if (name !== lockFile && name !== stateFile) rmSync(join(dir, name), { recursive: true, force: true })
  }
  // Last: as long as it is there, a second attempt knows the folder for its own.
  rmSync(join(dir, stateFile), { force: true })
}
