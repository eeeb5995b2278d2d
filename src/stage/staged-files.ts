/**
 * Lists the landing files of a topic on the stage, with what their metadata say: all epochs, and the runs of backfills.
 */
import type { StagedFile } from '../evidence.ts'
import { parseLandingName } from '../landing.ts'
import type { Stage, StagedObject } from './stage.ts'

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

async function stagedFile(
  stage: Stage,
  prefix: string,
  topic: string,
  { key, size, lastModified }: StagedObject,
): Promise<StagedFile | null> {
  const name = parseLandingName(topic, key.slice(prefix.length))
  const head = name && (await stage.head(key))
  if (!head) return null
  const rows = head.metadata['rows']
  const isCount = rows !== undefined && /^\d{1,15}$/.test(rows)
  return { ...name, storedAt: lastModified, bytes: size, rows: isCount ? Number(rows) : null }
}
