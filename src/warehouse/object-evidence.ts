/**
 * Reads how the pipe of a topic, and the stream and tasks of a table are: by SHOW, by the functions that tell more, and by
 * the history of the tasks. What a role may not see is told as missing, as Snowflake does.
 */
import type { TableConfig, WarehouseConfig } from '../config.ts'
import type { PipeEvidence, Shown, StreamEvidence, TaskEvidence } from '../evidence.ts'
import type { Row, Session } from '../snowflake/session.ts'
import { type ObjectName, sharedNames, streamRemake, tableNames, topicNames } from './names.ts'
import { masked } from './masked.ts'
import { needing } from './rights.ts'

/** @throws Failure as Session.query, RIGHT_MISSING */
export async function readPipe(
  session: Session,
  warehouse: WarehouseConfig,
  topic: string,
): Promise<Shown<PipeEvidence>> {
  const { pipe } = topicNames(warehouse, topic)
  const { pipes } = sharedNames(warehouse)
  const shown = await show(session, warehouse, 'PIPES', pipe)
  if (!shown) return { name: pipe.sql, found: 'missing' }
  const status = await needing(warehouse, `MONITOR ON PIPE ${pipe.sql}`, async () => {
    const [answer] = await session.query(`SELECT SYSTEM$PIPE_STATUS('${pipe.sql}') AS STATUS`)
    return JSON.parse(String(answer?.['STATUS'])) as { readonly executionState?: string; readonly error?: string }
  })
  const [noted] = await needing(warehouse, `SELECT ON TABLE ${pipes}`, () =>
    session.query(`SELECT MAX(noted_at) AS NOTED FROM ${pipes} WHERE pipe_name = ?`, [pipe.bare]),
  )
  const found = {
    state: status.executionState ?? 'unknown',
    error: status.error ?? null,
    createdAt: timeIn(shown, 'created_on') ?? new Date(0),
    notedAt: noted ? timeIn(noted, 'NOTED') : null,
  }
  return { name: pipe.sql, found }
}

/**
 * Whether it has rows is asked only where that is needed: a stream that is asked and has none stays fresh by that, and none
 * would be found near stale any more.
 *
 * @throws Failure as Session.query, RIGHT_MISSING
 */
export async function readStream(
  session: Session,
  warehouse: WarehouseConfig,
  table: TableConfig,
  { asksForRows }: { readonly asksForRows: boolean },
): Promise<Shown<StreamEvidence> & { readonly remake: string }> {
  const { stream } = tableNames(warehouse, table)
  const about = { name: stream.sql, remake: streamRemake(warehouse, table).join('; ') }
  const shown = await show(session, warehouse, 'STREAMS', stream)
  if (!shown) return { ...about, found: 'missing' }
  const isStale = String(shown['stale']).toLowerCase() === 'true'
  const staleAfter = timeIn(shown, 'stale_after')
  const createdAt = timeIn(shown, 'created_on') ?? new Date(0)
  if (isStale || !asksForRows) return { ...about, found: { createdAt, isStale, staleAfter, hasRows: null } }
  const hasRows = await needing(warehouse, `SELECT ON STREAM ${stream.sql}`, async () => {
    const [answer] = await session.query(`SELECT SYSTEM$STREAM_HAS_DATA('${stream.sql}') AS HAS_ROWS`)
    return answer?.['HAS_ROWS'] === true
  })
  return { ...about, found: { createdAt, isStale, staleAfter, hasRows } }
}

/** @throws Failure as Session.query */
export async function readTask(
  session: Session,
  warehouse: WarehouseConfig,
  task: ObjectName,
): Promise<Shown<TaskEvidence>> {
  const shown = await show(session, warehouse, 'TASKS', task)
  if (!shown) return { name: task.sql, found: 'missing' }
  // A run that was skipped, for there was nothing to do, has ended too, and well.
  const rows = await session.query(
    `SELECT state, error_code, error_message
     FROM TABLE(${sharedNames(warehouse).database}.INFORMATION_SCHEMA.TASK_HISTORY(TASK_NAME => '${task.bare}', RESULT_LIMIT => 1000))
     WHERE database_name = ? AND schema_name = 'FIRN' AND completed_time IS NOT NULL
     ORDER BY completed_time DESC, scheduled_time DESC LIMIT 1`,
    [warehouse.database],
  )
  const [newest] = rows
  const isFailed = newest !== undefined && String(newest['STATE']).startsWith('FAILED')
  const error = isFailed ? `${String(newest['ERROR_CODE'])} ${String(newest['ERROR_MESSAGE'])}` : null
  return { name: task.sql, found: { state: String(shown['state']), error: error && masked(oneLine(error)) } }
}

async function show(
  session: Session,
  warehouse: WarehouseConfig,
  kind: 'PIPES' | 'STREAMS' | 'TASKS',
  { bare }: ObjectName,
): Promise<Row | null> {
  // LIKE takes _ for any character, so the row is chosen by its whole name.
  const rows = await session.query(`SHOW ${kind} LIKE '${bare}' IN SCHEMA ${sharedNames(warehouse).schema}`)
  return rows.find((row) => row['name'] === bare) ?? null
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ').trim()
}

function timeIn(row: Row, column: string): Date | null {
  const cell = row[column]
  return cell instanceof Date ? cell : null
}
