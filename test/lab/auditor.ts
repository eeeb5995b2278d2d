/**
 * Compares what a topic holds with what landed, by other code than the ingester's: Kafka's own console consumer reads the
 * topic, DuckDB the files where the S3 server keeps them. What the consumer does not deliver is a proven hole: an aborted
 * message, a marker, or nothing.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { writeCommitted } from '../support/java-kafka.ts'

export type Evidence = {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly epoch: number
  /** holds `<topic>/e<epoch>/<partition>/<first>-<last>.parquet` */
  readonly folder: string
}

export type AuditReport = {
  readonly messages: number
  readonly files: number
  readonly rows: number
  /** messages without a row */
  readonly missing: readonly string[]
  /** rows that differ from their message */
  readonly wrong: readonly string[]
  /** rows of offsets that no reader sees */
  readonly strangers: readonly string[]
  /** rows outside of the range or partition that their file's name says */
  readonly outside: readonly string[]
  /** files that lack a message of their range */
  readonly incomplete: readonly string[]
  /** rows that are there more than once: harmless, and counted */
  readonly overlaps: number
}

/** How many examples of each are kept. */
const examples = 5

/** Messages as the laboratory sends them: an envelope without spaces, or what is no JSON. */
const setup = (evidence: Evidence, lines: string) => `
  CREATE TABLE messages AS
    SELECT CAST(substr(p, 11) AS INT) AS part, CAST(substr(o, 8) AS BIGINT) AS off, CAST(split_part(t, ':', 2) AS BIGINT) AS ts,
           k AS key, v AS value
    FROM read_csv('${lines}', delim = '\\t', quote = '', escape = '', header = false, max_line_size = 50000000,
                  columns = {'t': 'VARCHAR', 'p': 'VARCHAR', 'o': 'VARCHAR', 'k': 'VARCHAR', 'v': 'VARCHAR'});
  CREATE TABLE landed AS
    SELECT kafka_partition AS part, kafka_offset AS off, row_index, kafka_timestamp AS ts, kafka_key AS key, op, before, after, raw,
           filename AS file,
           CAST(regexp_extract(filename, '/(\\d{5})/(\\d{20})-(\\d{20})\\.parquet$', 1) AS INT) AS file_part,
           CAST(regexp_extract(filename, '/(\\d{5})/(\\d{20})-(\\d{20})\\.parquet$', 2) AS BIGINT) AS first,
           CAST(regexp_extract(filename, '/(\\d{5})/(\\d{20})-(\\d{20})\\.parquet$', 3) AS BIGINT) AS last
    FROM read_parquet('${evidence.folder}/${evidence.topic}/e${evidence.epoch}/*/*.parquet', filename = true);
  CREATE TABLE files AS SELECT DISTINCT file, file_part AS part, first, last FROM landed;`

const findings = {
  missing: `SELECT part, off FROM messages m ANTI JOIN landed l ON m.part = l.part AND m.off = l.off`,
  wrong: `
    SELECT part, off, file FROM (
      SELECT l.part, l.off, l.file, l.ts IS DISTINCT FROM m.ts OR coalesce(l.key, 'null') <> m.key OR m.value <>
        CASE l.op WHEN 'x' THEN decode(from_base64(l.raw))
          ELSE '{"operation":"' || CASE l.op WHEN 'c' THEN 'INSERT' WHEN 'u' THEN 'UPDATE' ELSE 'DELETE' END ||
               '","before":' || coalesce(l.before, 'null') || ',"after":' || coalesce(l.after, 'null') || '}' END AS differs
      FROM landed l JOIN messages m ON m.part = l.part AND m.off = l.off)
    WHERE differs`,
  strangers: `SELECT part, off, file FROM landed l ANTI JOIN messages m ON m.part = l.part AND m.off = l.off`,
  outside: `SELECT part, off, file FROM landed WHERE part <> file_part OR off < first OR off > last`,
  incomplete: `
    SELECT f.part, m.off, f.file FROM files f JOIN messages m ON m.part = f.part AND m.off BETWEEN f.first AND f.last
    ANTI JOIN landed l ON l.file = f.file AND l.off = m.off`,
}

export async function audit(evidence: Evidence): Promise<AuditReport> {
  const scratch = await mkdtemp(join(tmpdir(), 'firn-audit-'))
  const lines = join(scratch, 'messages.tsv')
  await writeCommitted(evidence.brokers, evidence.topic, lines)
  const connection = await (await DuckDBInstance.create()).connect()
  try {
    await connection.run(setup(evidence, lines))
    const found: Record<string, readonly string[]> = {}
    for (const [name, sql] of Object.entries(findings)) found[name] = await textsOf(connection, sql)
    return {
      messages: await count(connection, 'SELECT count(*) FROM messages'),
      files: await count(connection, 'SELECT count(*) FROM files'),
      rows: await count(connection, 'SELECT count(*) FROM landed'),
      overlaps: await count(connection, 'SELECT count(*) - count(DISTINCT (part, off, row_index)) FROM landed'),
      ...(found as Pick<AuditReport, keyof typeof findings>),
    }
  } finally {
    connection.closeSync()
    await rm(scratch, { recursive: true })
  }
}

/** @throws Error with examples of what is wrong, and how much there was */
export function assertClean({ missing, wrong, strangers, outside, incomplete, ...counts }: AuditReport): void {
  const found = Object.entries({ missing, wrong, strangers, outside, incomplete })
  const lines = found.flatMap(([name, examples]) => examples.map((example) => `  ${name}: ${example}`))
  if (lines.length > 0) throw new Error(`${JSON.stringify(counts)}\n${lines.join('\n')}`)
}

async function textsOf(connection: DuckDBConnection, sql: string): Promise<readonly string[]> {
  const reader = await connection.runAndReadAll(`SELECT * FROM (${sql}) ORDER BY ALL LIMIT ${examples}`)
  return reader.getRowsJS().map((row) => row.map(String).join(' '))
}

async function count(connection: DuckDBConnection, sql: string): Promise<number> {
  const [row] = (await connection.runAndReadAll(sql)).getRowsJS()
  return Number(row?.[0])
}
