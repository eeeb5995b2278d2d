-- compatible: replaces the task
-- per: table
-- Applies what landed since the last run to the target, in one transaction that reads the stream more than once and advances it once.
-- Right in any order: per id the largest position wins, deletes are remembered, and rows that come again change nothing.
-- What cannot be applied is set aside before the newest change per id is chosen; otherwise the result would depend on how rows are grouped into runs.
CREATE OR REPLACE TASK {{task}}
  {{task_compute}}
  SCHEDULE = '{{schedule}}' --[scheduled]
  TARGET_COMPLETION_INTERVAL = '1 MINUTES' --[triggered, serverless]
  USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS = 10 --[triggered]
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
      c.changed_at,
      f.floor
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
    CROSS JOIN (
      SELECT COALESCE(MAX(floor), '') AS floor
      FROM {{floors}}
      WHERE target_table = '{{target_name}}'
    ) f
    LEFT JOIN {{tombstones}} k ON k.id = c.id
    WHERE k.position IS NULL OR c.position > k.position
    QUALIFY ROW_NUMBER() OVER (PARTITION BY c.id ORDER BY c.position DESC) = 1
  ) s
  ON t.ID = s.id
  WHEN MATCHED AND s.position > t._POSITION AND s.op = 'd' THEN DELETE --[hard]
  WHEN MATCHED AND s.position > t._POSITION THEN UPDATE SET
    DATA = OBJECT_CONSTRUCT_KEEP_NULL( --[message]
      'operation', CASE s.op WHEN 'u' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'INSERT' END, 'before', s.before_json, 'after', s.after_json --[message]
    ), --[message]
    DATA = COALESCE(s.after_json, s.before_json, TO_VARIANT(OBJECT_CONSTRUCT())), --[row]
    LAST_UPDATED = s.changed_at,
    _DELETED = s.op = 'd', --[soft]
    _POSITION = s.position
  -- Below the floor the tombstone of a row that is not there may have been pruned; the change is listed with the rejects.
  WHEN NOT MATCHED AND s.op <> 'd' AND s.position >= s.floor THEN INSERT (ID, DATA, LAST_UPDATED, _POSITION) VALUES ( --[hard]
  WHEN NOT MATCHED AND s.position >= s.floor THEN INSERT (ID, DATA, LAST_UPDATED, _DELETED, _POSITION) VALUES ( --[soft]
    s.id,
    OBJECT_CONSTRUCT_KEEP_NULL( --[message]
      'operation', CASE s.op WHEN 'u' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'INSERT' END, 'before', s.before_json, 'after', s.after_json --[message]
    ), --[message]
    COALESCE(s.after_json, s.before_json, TO_VARIANT(OBJECT_CONSTRUCT())), --[row]
    s.changed_at,
    s.op = 'd', --[soft]
    s.position
  );

  MERGE INTO {{tombstones}} k --[hard]
  USING ( --[hard]
    SELECT id, MAX(position) AS newest --[hard]
    FROM {{stream}} --[hard]
    WHERE op = 'd' --[hard]
      AND (before IS NULL OR TRY_PARSE_JSON(before, 'd') IS NOT NULL) --[hard]
      AND (after IS NULL OR TRY_PARSE_JSON(after, 'd') IS NOT NULL) --[hard]
    GROUP BY id --[hard]
  ) s --[hard]
  ON k.id = s.id --[hard]
  WHEN MATCHED AND s.newest > k.position THEN UPDATE SET position = s.newest --[hard]
  WHEN NOT MATCHED THEN INSERT (id, position) VALUES (s.id, s.newest); --[hard]

  INSERT INTO {{merge_rejects}} (
    target_table, kafka_topic, kafka_partition, kafka_offset, row_index, op, id, position, before, after, error, file_name, rejected_at
  )
  SELECT
    '{{target_name}}',
    s.kafka_topic,
    s.kafka_partition,
    s.kafka_offset,
    s.row_index,
    s.op,
    -- For people to find it; the whole of a longer one would not fit, and the merge must not fail for it.
    SUBSTR(s.id, 1, 65536),
    s.position,
    s.before,
    s.after,
    CASE
      WHEN s.op NOT IN ('c', 'u', 'd', 'r') THEN 'OP_UNKNOWN: the merge does not know this op'
      WHEN (s.before IS NOT NULL AND TRY_PARSE_JSON(s.before, 'd') IS NULL)
        OR (s.after IS NOT NULL AND TRY_PARSE_JSON(s.after, 'd') IS NULL)
        THEN 'JSON_REFUSED: the warehouse cannot parse before or after'
      ELSE 'BELOW_FLOOR: the row is not there, and its tombstone may have been pruned'
    END,
    s.file_name,
    SYSDATE()
  FROM {{stream}} s
  CROSS JOIN (
    SELECT COALESCE(MAX(floor), '') AS floor
    FROM {{floors}}
    WHERE target_table = '{{target_name}}'
  ) f
  -- Both as this transaction leaves them.
  LEFT JOIN {{target}} t ON t.ID = s.id AND s.position < f.floor
  LEFT JOIN {{tombstones}} k ON k.id = s.id AND s.position < f.floor
  WHERE s.op <> 'x'
    AND (
      s.op NOT IN ('c', 'u', 'd', 'r')
      OR (s.before IS NOT NULL AND TRY_PARSE_JSON(s.before, 'd') IS NULL)
      OR (s.after IS NOT NULL AND TRY_PARSE_JSON(s.after, 'd') IS NULL)
      OR (s.position < f.floor AND s.op <> 'd' AND t.ID IS NULL AND (k.position IS NULL OR k.position < s.position)) --[hard]
      OR (s.position < f.floor AND t.ID IS NULL) --[soft]
    );

  INSERT INTO {{merged_files}} (
    target_table, file_name, kafka_topic, kafka_partition, first_offset, last_offset, row_count, reject_count, newest_ts, merged_at
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
    MAX(COALESCE(source_ts, kafka_timestamp)),
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

GRANT MONITOR ON TASK {{task}} TO ROLE {{role_ingest}};
GRANT MONITOR, OPERATE ON TASK {{task}} TO ROLE {{role_operator}};
