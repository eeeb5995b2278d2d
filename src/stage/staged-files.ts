/**
 * Lists the landing files of a topic on the stage, with what their metadata say: all epochs, and the runs of backfills.
 */
import type { StagedFile } from '../evidence.ts'
import { fixed } from '../change.ts'
import { type LandingName, parseLandingName, partitionPrefix } from '../landing.ts'
import type { Stage, StagedHead, StagedObject } from './stage.ts'

/** Looked at at once. */
const headsAtOnce = 16

/**
 * `progress` is told after each file that was looked at. One that goes away meanwhile is left out.
 *
 * @throws Failure STAGE_UNREACHABLE, STAGE_DENIED, BUCKET_MISSING, STAGE_FAILED
 */
export async function readStagedFiles(
  stage: Stage,
  prefix: string,
  topic: string,
  progress: (done: number, total: number) => void = () => undefined,
): Promise<readonly StagedFile[]> {
  const objects: StagedObject[] = []
  for await (const object of stage.list(`${prefix}${topic}/`)) objects.push(object)
  const found: StagedFile[] = []
  let [next, done] = [0, 0]
  const look = async (): Promise<void> => {
    for (let object = objects[next++]; object; object = objects[next++]) {
      const file = await stagedFile(stage, prefix, topic, object)
      if (file) found.push(file)
      progress(++done, objects.length)
    }
  }
  await Promise.all(Array.from({ length: headsAtOnce }, look))
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Landing files of one partition from an offset on, in order. What their metadata say is not asked: `rows` is null. @throws as above */
export async function listStagedFrom(
  stage: Stage,
  prefix: string,
  { topic, epoch, partition }: { readonly topic: string; readonly epoch: number; readonly partition: number },
  from: bigint,
): Promise<readonly StagedFile[]> {
  const folder = partitionPrefix(prefix, topic, epoch, partition)
  const startAfter = `${folder}${fixed(from, 20)}`
  const files: StagedFile[] = []
  for await (const { key, size, lastModified } of stage.list(folder, { startAfter })) {
    const name = parseLandingName(topic, key.slice(prefix.length))
    if (name) files.push({ ...name, storedAt: lastModified, bytes: size, rows: null })
  }
  return files
}

/** How many rows a file says that it has; null where it does not tell, or is gone. @throws as above */
export async function readRows(stage: Stage, prefix: string, { name }: LandingName): Promise<number | null> {
  return rowsIn(await stage.head(`${prefix}${name}`))
}

async function stagedFile(
  stage: Stage,
  prefix: string,
  topic: string,
  { key, size, lastModified }: StagedObject,
): Promise<StagedFile | null> {
  const name = parseLandingName(topic, key.slice(prefix.length))
  const head = name && (await stage.head(key))
  if (!head) return null
  return { ...name, storedAt: lastModified, bytes: size, rows: rowsIn(head) }
}

function rowsIn(head: StagedHead | null): number | null {
  const rows = head?.metadata['rows']
  return rows !== undefined && /^\d{1,15}$/.test(rows) ? Number(rows) : null
}
