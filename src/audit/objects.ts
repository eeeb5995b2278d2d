/**
 * Judges the objects of a topic and its tables in Snowflake: whether each is there, moves, and is still the one that it was.
 */
import type { PipeEvidence, Shown, TableEvidence, TaskEvidence, TopicEvidence } from '../evidence.ts'
import { type Finding, finding } from './finding.ts'

/** So long before a stream goes stale it is told. */
const nearStaleMs = 3 * 24 * 3600 * 1000

export function judgeObjects(evidence: TopicEvidence): readonly Finding[] {
  return [...judgePipe(evidence), ...evidence.tables.flatMap((table) => judgeTable(evidence, table))]
}

function judgePipe({ topic, pipe }: TopicEvidence): readonly Finding[] {
  const { name, found } = pipe
  if (found === null) return []
  if (found === 'missing') return [finding('PIPE_MISSING', { topic }, `there is no pipe ${name}`)]
  const resume = `ALTER PIPE ${name} SET PIPE_EXECUTION_PAUSED = FALSE`
  const findings: Finding[] = []
  if (found.state === 'PAUSED') findings.push(finding('PIPE_PAUSED', { topic }, `pipe ${name} is paused`))
  else if (found.state !== 'RUNNING' || found.error !== null) {
    const reason = found.error === null ? '' : `: ${found.error}`
    findings.push(finding('PIPE_STALLED', { topic }, `pipe ${name} is ${found.state}${reason}`, resume))
  }
  if (isRecreated(found)) {
    const times = `was made at ${found.createdAt.toISOString()}, after it was noted at ${found.notedAt.toISOString()}`
    findings.push(finding('PIPE_RECREATED', { topic }, `pipe ${name} ${times}: it has lost its load history`))
  }
  return findings
}

function isRecreated(pipe: PipeEvidence): pipe is PipeEvidence & { readonly notedAt: Date } {
  return pipe.notedAt !== null && pipe.createdAt > pipe.notedAt
}

function judgeTable({ topic, askedAt }: TopicEvidence, { table, stream, merge, retention }: TableEvidence) {
  const about = { topic, table }
  const findings: Finding[] = []
  const { name, found, remake } = stream
  if (found === 'missing') findings.push(finding('STREAM_MISSING', about, `there is no stream ${name}`, remake))
  else if (found?.isStale === true) findings.push(finding('STREAM_STALE', about, `stream ${name} is stale`, remake))
  else if (found?.staleAfter && found.staleAfter.getTime() - askedAt.getTime() < nearStaleMs) {
    const seen = `stream ${name} is stale after ${found.staleAfter.toISOString()} unless it is consumed`
    findings.push(finding('STREAM_NEAR_STALE', about, seen))
  }
  // A merge without its stream fails for that reason.
  const isReadable = found === null || (found !== 'missing' && !found.isStale)
  return [...findings, ...judgeTask(about, merge, isReadable), ...judgeTask(about, retention, true)]
}

function judgeTask(
  about: { readonly topic: string; readonly table: string },
  { name, found }: Shown<TaskEvidence>,
  failureCounts: boolean,
): readonly Finding[] {
  if (found === null) return []
  if (found === 'missing') return [finding('TASK_MISSING', about, `there is no task ${name}`)]
  const findings: Finding[] = []
  if (found.state !== 'started') findings.push(finding('TASK_SUSPENDED', about, `task ${name} is ${found.state}`))
  if (found.error !== null && failureCounts) {
    findings.push(finding('TASK_FAILING', about, `the newest run of task ${name} failed: ${found.error}`))
  }
  return findings
}
