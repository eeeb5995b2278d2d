-- 10_target.sql, hard deletes, data: message

WITH merged AS (
  SELECT DISTINCT file_name
  FROM CDC.FIRN.MERGED_FILES
  WHERE target_table = 'SHOP.CUSTOMERS'
),
floors AS (
  SELECT COALESCE(MAX(floor), '') AS floor
  FROM CDC.FIRN.FLOORS
  WHERE target_table = 'SHOP.CUSTOMERS'
),
-- What cannot be applied is set aside before the newest change per id is chosen, as in the merge.
newest AS (
  SELECT
    l.id,
    l.op,
    l.position,
    TRY_PARSE_JSON(l.before, 'd') AS before_json,
    TRY_PARSE_JSON(l.after, 'd') AS after_json,
    TO_TIMESTAMP_NTZ(LEAST(GREATEST(COALESCE(l.source_ts, l.kafka_timestamp, 0), 0), 253402300799999), 3) AS changed_at,
    l.file_name
  FROM CDC.FIRN.SHOP_CUSTOMERS_LANDING l
  INNER JOIN merged m ON m.file_name = l.file_name
  WHERE l.op IN ('c', 'u', 'd', 'r')
    AND (l.before IS NULL OR TRY_PARSE_JSON(l.before, 'd') IS NOT NULL)
    AND (l.after IS NULL OR TRY_PARSE_JSON(l.after, 'd') IS NOT NULL)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY l.id ORDER BY l.position DESC, l.file_name) = 1
),
compared AS (
  SELECT
    c.id,
    c.file_name,
    CASE
      -- A newer delete is remembered, or may have been: below the floor tombstones are pruned and nothing is inserted.
      WHEN t.ID IS NULL AND (k.position >= c.position OR c.position < f.floor) THEN NULL
      WHEN t.ID IS NULL AND c.op = 'd' THEN 'TOMBSTONE_MISSING'
      WHEN t.ID IS NULL THEN 'TARGET_ROW_MISSING'
      WHEN k.position >= c.position AND k.position >= t._POSITION THEN 'TARGET_ROW_KEPT'
      WHEN k.position >= c.position THEN NULL
      WHEN c.op = 'd' AND c.position >= t._POSITION THEN 'TARGET_ROW_KEPT'
      WHEN c.position > t._POSITION THEN 'TARGET_ROW_STALE'
      WHEN c.position = t._POSITION
        AND (
          t.LAST_UPDATED IS DISTINCT FROM c.changed_at
          OR t.DATA IS DISTINCT FROM TO_VARIANT(OBJECT_CONSTRUCT_KEEP_NULL(
            'operation', CASE c.op WHEN 'u' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'INSERT' END, 'before', c.before_json, 'after', c.after_json
          ))
        )
        THEN 'TARGET_ROW_WRONG'
    END AS code,
    -- Whether the merge would apply the same change if its file came again.
    (t.ID IS NULL OR c.position > t._POSITION) AND (k.position IS NULL OR c.position > k.position) AS mendable
  FROM newest c
  CROSS JOIN floors f
  LEFT JOIN CDC.SHOP.CUSTOMERS t ON t.ID = c.id
  LEFT JOIN CDC.FIRN.SHOP_CUSTOMERS_TOMBSTONES k ON k.id = c.id
)
SELECT
  code,
  id,
  file_name,
  mendable,
  COUNT(*) OVER (PARTITION BY code) AS total
FROM compared
WHERE code IS NOT NULL
QUALIFY ROW_NUMBER() OVER (PARTITION BY code ORDER BY id) <= 2
ORDER BY code, id;

-- 20_unordered.sql, hard deletes, data: message

WITH spread AS (
  SELECT id
  FROM CDC.FIRN.SHOP_CUSTOMERS_LANDING
  WHERE op IN ('c', 'u', 'd', 'r')
    AND STARTSWITH(position, '00001.')
  GROUP BY id
  HAVING COUNT(DISTINCT kafka_partition) > 1
)
SELECT
  id,
  COUNT(*) OVER () AS total
FROM spread
QUALIFY ROW_NUMBER() OVER (ORDER BY id) <= 2
ORDER BY id;

-- 30_versions.sql, hard deletes, data: message

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
  FROM CDC.FIRN.SHOP_CUSTOMERS_LANDING
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
      OR t.DATA IS DISTINCT FROM TO_VARIANT(OBJECT_CONSTRUCT_KEEP_NULL(
        'operation', CASE v.op WHEN 'u' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'INSERT' END, 'before', v.before_json, 'after', v.after_json
      ))
    ) AS altered,
  COUNT(*) OVER () AS total
FROM versions v
LEFT JOIN CDC.SHOP.CUSTOMERS t ON t.ID = v.id
QUALIFY ROW_NUMBER() OVER (ORDER BY v.position DESC NULLS LAST, v.load_time, v.file_name, v.file_row_number) <= 2
ORDER BY v.position DESC NULLS LAST, v.load_time, v.file_name, v.file_row_number;

-- 10_target.sql, soft deletes, data: row

WITH merged AS (
  SELECT DISTINCT file_name
  FROM CDC.FIRN.MERGED_FILES
  WHERE target_table = 'SHOP.CUSTOMERS'
),
floors AS (
  SELECT COALESCE(MAX(floor), '') AS floor
  FROM CDC.FIRN.FLOORS
  WHERE target_table = 'SHOP.CUSTOMERS'
),
-- What cannot be applied is set aside before the newest change per id is chosen, as in the merge.
newest AS (
  SELECT
    l.id,
    l.op,
    l.position,
    TRY_PARSE_JSON(l.before, 'd') AS before_json,
    TRY_PARSE_JSON(l.after, 'd') AS after_json,
    TO_TIMESTAMP_NTZ(LEAST(GREATEST(COALESCE(l.source_ts, l.kafka_timestamp, 0), 0), 253402300799999), 3) AS changed_at,
    l.file_name
  FROM CDC.FIRN.SHOP_CUSTOMERS_LANDING l
  INNER JOIN merged m ON m.file_name = l.file_name
  WHERE l.op IN ('c', 'u', 'd', 'r')
    AND (l.before IS NULL OR TRY_PARSE_JSON(l.before, 'd') IS NOT NULL)
    AND (l.after IS NULL OR TRY_PARSE_JSON(l.after, 'd') IS NOT NULL)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY l.id ORDER BY l.position DESC, l.file_name) = 1
),
compared AS (
  SELECT
    c.id,
    c.file_name,
    CASE
      -- A newer delete is remembered, or may have been: below the floor tombstones are pruned and nothing is inserted.
      WHEN t.ID IS NULL AND (k.position >= c.position OR c.position < f.floor) THEN NULL
      WHEN t.ID IS NULL THEN 'TARGET_ROW_MISSING'
      WHEN k.position >= c.position THEN NULL
      WHEN c.position > t._POSITION THEN 'TARGET_ROW_STALE'
      WHEN c.position = t._POSITION
        AND (
          t.LAST_UPDATED IS DISTINCT FROM c.changed_at
          OR COALESCE(t._DELETED, FALSE) <> (c.op = 'd')
          OR t.DATA IS DISTINCT FROM COALESCE(c.after_json, c.before_json, TO_VARIANT(OBJECT_CONSTRUCT()))
        )
        THEN 'TARGET_ROW_WRONG'
    END AS code,
    -- Whether the merge would apply the same change if its file came again.
    (t.ID IS NULL OR c.position > t._POSITION) AND (k.position IS NULL OR c.position > k.position) AS mendable
  FROM newest c
  CROSS JOIN floors f
  LEFT JOIN CDC.SHOP.CUSTOMERS t ON t.ID = c.id
  LEFT JOIN CDC.FIRN.SHOP_CUSTOMERS_TOMBSTONES k ON k.id = c.id
)
SELECT
  code,
  id,
  file_name,
  mendable,
  COUNT(*) OVER (PARTITION BY code) AS total
FROM compared
WHERE code IS NOT NULL
QUALIFY ROW_NUMBER() OVER (PARTITION BY code ORDER BY id) <= 2
ORDER BY code, id;

-- 20_unordered.sql, soft deletes, data: row

WITH spread AS (
  SELECT id
  FROM CDC.FIRN.SHOP_CUSTOMERS_LANDING
  WHERE op IN ('c', 'u', 'd', 'r')
    AND STARTSWITH(position, '00001.')
  GROUP BY id
  HAVING COUNT(DISTINCT kafka_partition) > 1
)
SELECT
  id,
  COUNT(*) OVER () AS total
FROM spread
QUALIFY ROW_NUMBER() OVER (ORDER BY id) <= 2
ORDER BY id;

-- 30_versions.sql, soft deletes, data: row

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
  FROM CDC.FIRN.SHOP_CUSTOMERS_LANDING
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
      OR COALESCE(t._DELETED, FALSE) <> (v.op = 'd')
      OR t.DATA IS DISTINCT FROM COALESCE(v.after_json, v.before_json, TO_VARIANT(OBJECT_CONSTRUCT()))
    ) AS altered,
  COUNT(*) OVER () AS total
FROM versions v
LEFT JOIN CDC.SHOP.CUSTOMERS t ON t.ID = v.id
QUALIFY ROW_NUMBER() OVER (ORDER BY v.position DESC NULLS LAST, v.load_time, v.file_name, v.file_row_number) <= 2
ORDER BY v.position DESC NULLS LAST, v.load_time, v.file_name, v.file_row_number;

