/**
 * What the stage knows of the runs of a topic: their records, who holds them, how they ended, and the files that they have
 * stored. What follows from it is decided elsewhere.
 */
import { randomUUID } from 'node:crypto'
import {
  type LandingName,
  parseLandingName,
  parseRunRecordKey,
  runNameOf,
  runNumberKey,
  type RunObject,
  runObjectKey,
  runRecordKey,
  runsPrefix,
  topicPrefix,
} from '../landing.ts'
import type { Stage } from '../stage/stage.ts'
import { type Holding, openHolding } from './holding.ts'
import { encodeRunRecord, parseRunRecord, type RunRecord } from './run-record.ts'

export type RunFile = LandingName & { readonly key: string; readonly bytes: number; readonly storedAt: Date }

export interface RunStore extends Holding {
  /** Null where there is none of this name. @throws Failure RUN_RECORD_INVALID, and of the stage */
  read(topic: string, name: string): Promise<RunRecord | null>
  /** False where another process has begun a run of this name meanwhile. @throws Failure of the stage */
  begin(record: RunRecord): Promise<boolean>
  /** A number that no other run of the topic has or will have: this one, or one after it. @throws Failure of the stage */
  claim(topic: string, number: number, by: string): Promise<number>
  /** Names of the topic's runs, in their order. @throws Failure of the stage */
  names(topic: string): Promise<readonly string[]>
  /** The files that the run has stored, in the order of their names. @throws Failure of the stage */
  files(topic: string, name: string): Promise<readonly RunFile[]>
  /** What was noted at the run's end; null where it has not come to it. @throws Failure of the stage */
  note(topic: string, name: string, object: RunObject): Promise<unknown>
  /** Notes it once: what was noted before stays. @throws Failure of the stage */
  putNote(topic: string, name: string, object: RunObject, content: object): Promise<void>
}

export function openRunStore(stage: Stage, prefix: string): RunStore {
  const holding = openHolding(stage, prefix)

  async function json(key: string): Promise<unknown> {
    const found = await stage.get(key)
    return found ? (JSON.parse(Buffer.from(found).toString()) as unknown) : null
  }

  return {
    read: async (topic, name) => {
      const key = runRecordKey(prefix, topic, name)
      const found = await stage.get(key)
      return found && parseRunRecord(found, key)
    },
    begin: async (record) => {
      const key = runRecordKey(prefix, record.request.topic, record.name)
      return (await stage.put(key, encodeRunRecord(record), {})) !== 'taken'
    },
    claim: async (topic, number, by) => {
      for (let next = number; ; next++) {
        const key = runNumberKey(prefix, topic, next)
        if ((await stage.put(key, Buffer.from(`${by} ${randomUUID()}\n`), {})) === 'stored') return next
      }
    },
    names: async (topic) => {
      const names: string[] = []
      for await (const { key } of stage.list(runsPrefix(prefix, topic), { shallow: true })) {
        const name = parseRunRecordKey(prefix, topic, key)
        if (name !== null) names.push(name)
      }
      return names
    },
    files: async (topic, name) => {
      const files: RunFile[] = []
      for await (const { key, size, lastModified } of stage.list(`${topicPrefix(prefix, topic)}run-${name}`)) {
        const found = parseLandingName(topic, key.slice(prefix.length))
        if (!found?.run || runNameOf(found.run) !== name) continue
        files.push({ ...found, key, bytes: size, storedAt: lastModified })
      }
      return files
    },
    note: (topic, name, object) => json(runObjectKey(prefix, topic, name, object)),
    putNote: async (topic, name, object, content) => {
      const key = runObjectKey(prefix, topic, name, object)
      await stage.put(key, Buffer.from(`${JSON.stringify(content, null, 2)}\n`), {})
    },
    holder: (topic, name) => holding.holder(topic, name),
    hold: (topic, name) => holding.hold(topic, name),
  }
}
