-- compatible: replaces the task
-- per: table
-- repeatable
-- Applies what landed since the last run to the target, in one transaction that reads the stream more than once and advances it once.
-- Right in any order: per id the largest position wins, deletes are remembered, and rows that come again change nothing.
-- What cannot be applied is set aside before the newest change per id is chosen; otherwise the result would depend on how rows are grouped into runs.
CREATE OR REPLACE TASK {{task}}
  {{task_compute}}
  SCHEDULE = '{{schedule}}'
  SUSPEND_TASK_AFTER_NUM_FAILURES = 0
  COMMENT = 'Merges {{landing_name}} into {{target_name}}'
  WHEN SYSTEM$STREAM_HAS_DATA('{{stream}}')
AS
EXECUTE IMMEDIATE $$
BEGIN
  BEGIN TRANSACTION;

  MERGE INTO {{target}} t
  USING (
    SELECT
      c.id,
      c.op,
      c.position,
      c.before_json,
      c.after_json,
      c.changed_at
    FROM (
      SELECT
        id,
        op,
        position,
        TRY_PARSE_JSON(before, 'd') AS before_json,
        TRY_PARSE_JSON(after, 'd') AS after_json,
        -- Kafka takes messages with no time, or with any: 1970 stands for none, and 9999 is the last year.
        TO_TIMESTAMP_NTZ(LEAST(GREATEST(COALESCE(source_ts, kafka_timestamp, 0), 0), 253402300799999), 3) AS changed_at
      FROM {{stream}}
      WHERE op IN ('c', 'u', 'd', 'r')
        AND (before IS NULL OR TRY_PARSE_JSON(before, 'd') IS NOT NULL)
        AND (after IS NULL OR TRY_PARSE_JSON(after, 'd') IS NOT NULL)
    ) c
    LEFT JOIN {{tombstones}} k ON k.id = c.id
    WHERE k.position IS NULL OR c.position > k.position
    QUALIFY ROW_NUMBER() OVER (PARTITION BY c.id ORDER BY c.position DESC) = 1
  ) s
  ON t.ID = s.id
  WHEN MATCHED AND s.position > t._POSITION AND s.op = 'd' THEN DELETE
  WHEN MATCHED AND s.position > t._POSITION THEN UPDATE SET
    DATA = OBJECT_CONSTRUCT_KEEP_NULL(
      'operation', CASE s.op WHEN 'u' THEN 'UPDATE' ELSE 'INSERT' END, 'before', s.before_json, 'after', s.after_json
    ),
    LAST_UPDATED = s.changed_at,
    _POSITION = s.position
  WHEN NOT MATCHED AND s.op <> 'd' THEN INSERT (ID, DATA, LAST_UPDATED, _POSITION) VALUES (
    s.id,
    OBJECT_CONSTRUCT_KEEP_NULL(
      'operation', CASE s.op WHEN 'u' THEN 'UPDATE' ELSE 'INSERT' END, 'before', s.before_json, 'after', s.after_json
    ),
    s.changed_at,
    s.position
  );

  MERGE INTO {{tombstones}} k
  USING (
    SELECT id, MAX(position) AS newest
    FROM {{stream}}
    WHERE op = 'd'
      AND (before IS NULL OR TRY_PARSE_JSON(before, 'd') IS NOT NULL)
      AND (after IS NULL OR TRY_PARSE_JSON(after, 'd') IS NOT NULL)
    GROUP BY id
  ) s
  ON k.id = s.id
  WHEN MATCHED AND s.newest > k.position THEN UPDATE SET position = s.newest
  WHEN NOT MATCHED THEN INSERT (id, position) VALUES (s.id, s.newest);

  INSERT INTO {{merge_rejects}} (
    target_table, kafka_topic, kafka_partition, kafka_offset, row_index, op, id, position, before, after, error, file_name, rejected_at
  )
  SELECT
    '{{target_name}}',
    kafka_topic,
    kafka_partition,
    kafka_offset,
    row_index,
    op,
    id,
    position,
    before,
    after,
    CASE WHEN op IN ('c', 'u', 'd', 'r') THEN 'JSON_REFUSED: the warehouse cannot parse before or after' ELSE 'OP_UNKNOWN: the merge does not know this op' END,
    file_name,
    SYSDATE()
  FROM {{stream}}
  WHERE op <> 'x'
    AND (
      op NOT IN ('c', 'u', 'd', 'r')
      OR (before IS NOT NULL AND TRY_PARSE_JSON(before, 'd') IS NULL)
      OR (after IS NOT NULL AND TRY_PARSE_JSON(after, 'd') IS NULL)
    );

  INSERT INTO {{merged_files}} (
    target_table, file_name, kafka_topic, kafka_partition, first_offset, last_offset, row_count, reject_count, merged_at
  )
  SELECT
    '{{target_name}}',
    file_name,
    kafka_topic,
    kafka_partition,
    MIN(kafka_offset),
    MAX(kafka_offset),
    COUNT(*),
    SUM(CASE
      WHEN op NOT IN ('c', 'u', 'd', 'r')
        OR (before IS NOT NULL AND TRY_PARSE_JSON(before, 'd') IS NULL)
        OR (after IS NOT NULL AND TRY_PARSE_JSON(after, 'd') IS NULL)
      THEN 1 ELSE 0
    END),
    SYSDATE()
  FROM {{stream}}
  GROUP BY file_name, kafka_topic, kafka_partition;

  COMMIT;
EXCEPTION
  WHEN OTHER THEN
    ROLLBACK;
    RAISE;
END;
$$;

ALTER TASK {{task}} RESUME;
