-- Every change of one id that the landing table still holds, the newest position first, and whether {{target_name}} holds it as
-- it came; changes nothing. The id is bound. The rules are those of templates/50_merge.sql, so that whoever changes them there
-- changes them here. What follows for each change is decided by who asks.
WITH versions AS (
  SELECT
    op,
    id,
    position,
    kafka_partition,
    kafka_offset,
    row_index,
    kafka_timestamp,
    source_ts,
    file_name,
    file_row_number,
    staged_at,
    load_time,
    TRY_PARSE_JSON(before, 'd') AS before_json,
    TRY_PARSE_JSON(after, 'd') AS after_json,
    TO_TIMESTAMP_NTZ(LEAST(GREATEST(COALESCE(source_ts, kafka_timestamp, 0), 0), 253402300799999), 3) AS changed_at,
    CASE
      WHEN op NOT IN ('c', 'u', 'd', 'r') THEN 'OP_UNKNOWN'
      WHEN (before IS NOT NULL AND TRY_PARSE_JSON(before, 'd') IS NULL)
        OR (after IS NOT NULL AND TRY_PARSE_JSON(after, 'd') IS NULL)
        THEN 'JSON_REFUSED'
    END AS refusal
  FROM {{landing}}
  WHERE id = ?
    AND op <> 'x'
)
SELECT
  v.op,
  v.position,
  v.kafka_partition,
  v.kafka_offset,
  v.row_index,
  v.kafka_timestamp,
  v.source_ts,
  v.file_name,
  v.file_row_number,
  v.staged_at,
  v.load_time,
  v.refusal,
  v.refusal IS NULL
    AND t.LAST_UPDATED IS NOT NULL
    AND v.position = t._POSITION
    AND (
      t.LAST_UPDATED IS DISTINCT FROM v.changed_at
      OR COALESCE(t._DELETED, FALSE) <> (v.op = 'd') --[soft]
      OR t.DATA IS DISTINCT FROM TO_VARIANT(OBJECT_CONSTRUCT_KEEP_NULL( --[message]
        'operation', CASE v.op WHEN 'u' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'INSERT' END, 'before', v.before_json, 'after', v.after_json --[message]
      )) --[message]
      OR t.DATA IS DISTINCT FROM COALESCE(v.after_json, v.before_json, TO_VARIANT(OBJECT_CONSTRUCT())) --[row]
    ) AS altered,
  COUNT(*) OVER () AS total
FROM versions v
LEFT JOIN {{target}} t ON t.ID = v.id
QUALIFY ROW_NUMBER() OVER (ORDER BY v.position DESC NULLS LAST, v.load_time, v.file_name, v.file_row_number) <= {{limit}}
ORDER BY v.position DESC NULLS LAST, v.load_time, v.file_name, v.file_row_number;
