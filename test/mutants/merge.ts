/**
 * Mutants of the merge: each breaks one rule of the SQL, and names the test that sees it. `make mutants` plants them.
 */
import type { Mutant } from './mutant.ts'

const merge = 'sql/templates/50_merge.sql'
const live = 'sql/templates/62_live.sql'
const hard = { file: 'test/convergence/convergence.e2e.test.ts', test: 'with hard deletes and DATA as message' }
const soft = { file: 'test/convergence/convergence.e2e.test.ts', test: 'with soft deletes and DATA as row' }
const resolved = {
  file: 'test/warehouse/rejects.test.ts',
  test: 'retention removes what is resolved before what resolves it, for every table of the topic',
}

export const mergeMutants: readonly Mutant[] = [
  {
    name: 'update whatever the position',
    file: merge,
    find: `  WHEN MATCHED AND s.position > t._POSITION THEN UPDATE SET\n`,
    replace: `  WHEN MATCHED THEN UPDATE SET\n`,
    caughtBy: hard,
  },
  {
    name: 'delete whatever the position',
    file: merge,
    find: `  WHEN MATCHED AND s.position > t._POSITION AND s.op = 'd' THEN DELETE --[hard]\n`,
    replace: `  WHEN MATCHED AND s.op = 'd' THEN DELETE --[hard]\n`,
    caughtBy: hard,
  },
  {
    name: 'forget deletes: no tombstone is asked',
    file: merge,
    find: `    WHERE k.position IS NULL OR c.position > k.position\n`,
    replace: ``,
    caughtBy: hard,
  },
  {
    name: 'forget deletes: no tombstone is written',
    file: merge,
    find: `  WHEN NOT MATCHED THEN INSERT (id, position) VALUES (s.id, s.newest); --[hard]\n`,
    replace: `  ; --[hard]\n`,
    caughtBy: hard,
  },
  {
    name: 'a tombstone may become older',
    file: merge,
    find: `  WHEN MATCHED AND s.newest > k.position THEN UPDATE SET position = s.newest --[hard]\n`,
    replace: `  WHEN MATCHED THEN UPDATE SET position = s.newest --[hard]\n`,
    caughtBy: hard,
  },
  {
    name: 'every change of an id, not the newest alone',
    file: merge,
    find: `    QUALIFY ROW_NUMBER() OVER (PARTITION BY c.id ORDER BY c.position DESC) = 1\n`,
    replace: ``,
    caughtBy: hard,
  },
  {
    name: 'the oldest change of an id',
    file: merge,
    find: `    QUALIFY ROW_NUMBER() OVER (PARTITION BY c.id ORDER BY c.position DESC) = 1\n`,
    replace: `    QUALIFY ROW_NUMBER() OVER (PARTITION BY c.id ORDER BY c.position) = 1\n`,
    caughtBy: soft,
  },
  {
    name: 'the change that was loaded last',
    file: merge,
    find: `        position,
        TRY_PARSE_JSON(before, 'd') AS before_json,\n`,
    replace: `        TO_VARCHAR(load_time) || position AS position,
        TRY_PARSE_JSON(before, 'd') AS before_json,\n`,
    caughtBy: hard,
  },
  {
    name: 'the stream is read twice without a transaction',
    file: merge,
    find: `  BEGIN TRANSACTION;\n`,
    replace: ``,
    caughtBy: hard,
  },
  {
    name: 'tombstones are pruned whatever the floor',
    file: 'sql/templates/65_retention.sql',
    find: `    SELECT COALESCE(MAX(floor), '')\n`,
    replace: `    SELECT COALESCE(MAX(floor), '~')\n`,
    caughtBy: hard,
  },
  {
    name: 'retention prunes what resolves a reject that stays',
    file: 'sql/templates/65_retention.sql',
    find: `      FROM {{landing}}
      WHERE op = 'x'
    );`,
    replace: `      FROM {{landing}}
      WHERE op = 'y'
    );`,
    caughtBy: resolved,
  },
  {
    name: 'retention forgets to remove resolved rejects of the merge',
    file: 'sql/templates/65_retention.sql',
    find: `    WHERE r.target_table IN ({{topic_targets}})\n`,
    replace: `    WHERE r.target_table IN ('')\n`,
    caughtBy: resolved,
  },
  {
    name: 'changes of another epoch resolve a reject',
    file: 'sql/templates/60_rejects.sql',
    find: `  ON c.epoch_folder = r.epoch_folder
  AND c.kafka_partition`,
    replace: `  ON c.kafka_partition`,
    caughtBy: {
      file: 'test/warehouse/rejects.test.ts',
      test: 'a reject is open until changes of the same epoch, partition and offset have landed',
    },
  },
  {
    name: 'a change below the floor brings a row back',
    file: merge,
    find: `  WHEN NOT MATCHED AND s.op <> 'd' AND s.position >= s.floor THEN INSERT (`,
    replace: `  WHEN NOT MATCHED AND s.op <> 'd' THEN INSERT (`,
    caughtBy: hard,
  },
  {
    name: 'JSON that does not parse takes part',
    file: merge,
    find: `      WHERE op IN ('c', 'u', 'd', 'r')
        AND (before IS NULL OR TRY_PARSE_JSON(before, 'd') IS NOT NULL)
        AND (after IS NULL OR TRY_PARSE_JSON(after, 'd') IS NOT NULL)
    ) c
    CROSS JOIN`,
    replace: `      WHERE op IN ('c', 'u', 'd', 'r')
    ) c
    CROSS JOIN`,
    caughtBy: hard,
  },
  {
    name: 'a soft delete leaves its flag',
    file: merge,
    find: `    _DELETED = s.op = 'd', --[soft]\n`,
    replace: ``,
    caughtBy: soft,
  },
  {
    name: 'the live view forgets deletes',
    file: live,
    find: `  WHERE k.position IS NULL OR c.position > k.position\n`,
    replace: ``,
    caughtBy: hard,
  },
  {
    name: 'the live view shows what is older than the target',
    file: live,
    find: `WHERE (t.ID IS NULL OR w.position > t._POSITION)\n`,
    replace: `WHERE (t.ID IS NULL OR w.position IS NOT NULL)\n`,
    caughtBy: hard,
  },
]
