-- Compares {{target_name}} with what its landing rows say that it must hold; changes nothing. Counts what the merge has taken:
-- rows whose file is in MERGED_FILES. The rules are those of templates/50_merge.sql, so that whoever changes them there
-- changes them here. Per id the newest change that can be applied must be in the target or a newer one, or a tombstone.
WITH merged AS (
  SELECT DISTINCT file_name
  FROM {{merged_files}}
  WHERE target_table = '{{target_name}}'
),
floors AS (
  SELECT COALESCE(MAX(floor), '') AS floor
  FROM {{floors}}
  WHERE target_table = '{{target_name}}'
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
  FROM {{landing}} l
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
      WHEN t.ID IS NULL AND c.op = 'd' THEN 'TOMBSTONE_MISSING' --[hard]
      WHEN t.ID IS NULL THEN 'TARGET_ROW_MISSING'
      WHEN k.position >= c.position AND k.position >= t._POSITION THEN 'TARGET_ROW_KEPT' --[hard]
      WHEN k.position >= c.position THEN NULL
      WHEN c.op = 'd' AND c.position >= t._POSITION THEN 'TARGET_ROW_KEPT' --[hard]
      WHEN c.position > t._POSITION THEN 'TARGET_ROW_STALE'
      WHEN c.position = t._POSITION
        AND (
          t.LAST_UPDATED IS DISTINCT FROM c.changed_at
          OR COALESCE(t._DELETED, FALSE) <> (c.op = 'd') --[soft]
          OR t.DATA IS DISTINCT FROM TO_VARIANT(OBJECT_CONSTRUCT_KEEP_NULL( --[message]
            'operation', CASE c.op WHEN 'u' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'INSERT' END, 'before', c.before_json, 'after', c.after_json --[message]
          )) --[message]
          OR t.DATA IS DISTINCT FROM COALESCE(c.after_json, c.before_json, TO_VARIANT(OBJECT_CONSTRUCT())) --[row]
        )
        THEN 'TARGET_ROW_WRONG'
    END AS code,
    -- Whether the merge would apply the same change if its file came again.
    (t.ID IS NULL OR c.position > t._POSITION) AND (k.position IS NULL OR c.position > k.position) AS mendable
  FROM newest c
  CROSS JOIN floors f
  LEFT JOIN {{target}} t ON t.ID = c.id
  LEFT JOIN {{tombstones}} k ON k.id = c.id
)
SELECT
  code,
  id,
  file_name,
  mendable,
  COUNT(*) OVER (PARTITION BY code) AS total
FROM compared
WHERE code IS NOT NULL
QUALIFY ROW_NUMBER() OVER (PARTITION BY code ORDER BY id) <= {{limit}}
ORDER BY code, id;
