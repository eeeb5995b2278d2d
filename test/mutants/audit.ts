/**
 * Mutants of the audit: each makes it blind for a fault or sees one that is none, and names the test that tells.
 */
import type { Mutant } from './mutant.ts'

const query = 'sql/audit/10_target.sql'
const gaps = 'src/audit/gaps.ts'
const files = 'src/audit/files.ts'
const queries = (test: string) => ({ file: 'test/warehouse/audit-queries.test.ts', test })
const judge = (test: string) => ({ file: 'test/audit/judge.test.ts', test })
const system = (test: string, of = 'files') => ({ file: `test/audit/audit-${of}.e2e.test.ts`, test })

export const auditMutants: readonly Mutant[] = [
  {
    name: 'the comparison does not ask for tombstones',
    file: query,
    find: `(k.position >= c.position OR c.position < f.floor)`,
    replace: `c.position < f.floor`,
    caughtBy: queries('with hard deletes each way in which a target can differ is told'),
  },
  {
    name: 'the comparison does not ask for the floor',
    file: query,
    find: `(k.position >= c.position OR c.position < f.floor)`,
    replace: `k.position >= c.position`,
    caughtBy: queries(
      'below the floor nothing is expected of a row that is not there, and as much as ever of one that is',
    ),
  },
  {
    name: 'the comparison counts what does not parse',
    file: query,
    find: `    AND (l.after IS NULL OR TRY_PARSE_JSON(l.after, 'd') IS NOT NULL)\n`,
    replace: ``,
    caughtBy: queries('with hard deletes each way in which a target can differ is told'),
  },
  {
    name: 'the comparison counts what the merge has not taken',
    file: query,
    find: `  INNER JOIN merged m ON m.file_name = l.file_name\n`,
    replace: ``,
    caughtBy: queries('what is loaded and not merged yet is not looked at'),
  },
  {
    name: 'the comparison takes any content at the right position',
    file: query,
    find: `t.LAST_UPDATED IS DISTINCT FROM c.changed_at`,
    replace: `FALSE`,
    caughtBy: queries('with hard deletes each way in which a target can differ is told'),
  },
  {
    name: 'a mark of deletion is not compared',
    file: query,
    find: `          OR COALESCE(t._DELETED, FALSE) <> (c.op = 'd') --[soft]\n`,
    replace: ``,
    caughtBy: queries('with soft deletes a deleted row must be there, and be marked'),
  },
  {
    name: 'a backfill widens its epoch',
    file: gaps,
    find: `  const hull = hullOf(live)\n`,
    replace: `  const hull = hullOf([...live, ...fills])\n`,
    caughtBy: judge('what was given up is no gap, nor is what a backfill staged again; neither widens the epoch'),
  },
  {
    name: 'the anchor of an open batch is looked for in files',
    file: gaps,
    find: `if (!anchor || (open && anchor.offset >= first)) return null`,
    replace: `if (!anchor) return null`,
    caughtBy: judge('an open batch has no file yet, nor has its anchor'),
  },
  {
    name: 'nobody asks the commit for the last file',
    file: gaps,
    find: `  const behind = staged(commit, all, hull)\n`,
    replace: `  const behind = staged(null, all, hull)\n`,
    caughtBy: system('finds a file that was deleted before it was loaded, at the end of its partition'),
  },
  {
    name: 'files that only the merges know are holes',
    file: gaps,
    find: `[...files, ...landed, ...merged].map`,
    replace: `[...files, ...landed].map`,
    caughtBy: judge('a file that the lifecycle rule has removed counts where it was loaded or merged'),
  },
  {
    name: 'what was just staged is missing',
    file: files,
    find: `    if (!staged || staged.storedAt.getTime() > times.settledMs) return []\n`,
    replace: `    if (!staged) return []\n`,
    caughtBy: judge('that was staged and nothing more is not loaded, once it is older than patience'),
  },
  {
    name: 'what retention has pruned is missing',
    file: files,
    find: `    if (wanted === null || least >= wanted) return []\n`,
    replace: ``,
    caughtBy: judge('that retention has pruned was merged, and is no finding'),
  },
  {
    name: 'the age of a file is that of its object alone',
    file: files,
    find: `landed?.firstLoadedAt.getTime() ?? 0, ...loaded)`,
    replace: `0)`,
    caughtBy: judge('that retention has pruned was merged, and is no finding'),
  },
  {
    name: 'the stage is listed before Snowflake is asked',
    file: 'src/commands/audit-evidence.ts',
    find: `      const warehouse = session && (await readWarehouse(session, options, { topic, tables, ask }))
      const onStage = await readStage(stage, options, { topic, ask })
`,
    replace: `      const onStage = await readStage(stage, options, { topic, ask })
      const warehouse = session && (await readWarehouse(session, options, { topic, tables, ask }))
`,
    caughtBy: system('what is staged, committed and loaded there is no gap'),
  },
  {
    name: 'an audit keeps every stream fresh',
    file: 'src/warehouse/object-evidence.ts',
    find: `if (isStale || !asksForRows) return`,
    replace: `if (isStale) return`,
    caughtBy: system('a stream that is close to stale is found, and kept fresh by a run of its task', 'objects'),
  },
  {
    name: 'COPY skips what was loaded before',
    file: 'src/warehouse/repairs.ts',
    find: `\\nFORCE = TRUE`,
    replace: ``,
    caughtBy: system('finds rows that are gone from the landing table, and loads their file again'),
  },
  {
    name: 'a pipe is refreshed with a path from the stage on',
    file: 'src/audit/repair-plan.ts',
    find: `files.map((file) => file.slice(topic.length + 1))`,
    replace: `files.map((file) => file)`,
    caughtBy: system('finds a file whose notification was lost, and lets the pipe take it'),
  },
]
