-- compatible: replaces the view
-- per: table
-- Never by way of the stream: whoever copied this view into a table would advance it, and the merge would miss the rows.
-- What waits for the merge is told by MERGED_FILES instead. A merge takes all that was loaded before it began, so rows that
-- were loaded long before the last one are not looked at: two days are more than a load and a time zone take.
CREATE OR REPLACE VIEW {{live}}
  COMMENT = '{{target_name}} together with what is loaded and not merged yet'
AS
WITH merged AS (
  SELECT COALESCE(MAX(merged_at), TO_TIMESTAMP_NTZ(0, 3)) AS last_at
  FROM {{merged_files}}
  WHERE target_table = '{{target_name}}'
),
floors AS (
  SELECT COALESCE(MAX(floor), '') AS floor
  FROM {{floors}}
  WHERE target_table = '{{target_name}}'
),
waiting AS (
  SELECT
    c.id, c.op, c.position, c.before_json, c.after_json, c.changed_at
  FROM (
    SELECT
      l.id,
      l.op,
      l.position,
      TRY_PARSE_JSON(l.before, 'd') AS before_json,
      TRY_PARSE_JSON(l.after, 'd') AS after_json,
      TO_TIMESTAMP_NTZ(LEAST(GREATEST(COALESCE(l.source_ts, l.kafka_timestamp, 0), 0), 253402300799999), 3) AS changed_at
    FROM {{landing}} l
    CROSS JOIN merged m
    LEFT JOIN (
      SELECT DISTINCT file_name
      FROM {{merged_files}}
      WHERE target_table = '{{target_name}}'
    ) f ON f.file_name = l.file_name
    WHERE f.file_name IS NULL
      AND l.load_time > DATEADD('day', -2, m.last_at)
      AND l.op IN ('c', 'u', 'd', 'r')
      AND (l.before IS NULL OR TRY_PARSE_JSON(l.before, 'd') IS NOT NULL)
      AND (l.after IS NULL OR TRY_PARSE_JSON(l.after, 'd') IS NOT NULL)
  ) c
  LEFT JOIN {{tombstones}} k ON k.id = c.id
  WHERE k.position IS NULL OR c.position > k.position
  QUALIFY ROW_NUMBER() OVER (PARTITION BY c.id ORDER BY c.position DESC) = 1
)
SELECT
  t.ID,
  t.DATA,
  t.LAST_UPDATED,
  t._POSITION --[hard]
  t._POSITION, --[soft]
  t._DELETED --[soft]
FROM {{target}} t
LEFT JOIN waiting w ON w.id = t.ID
WHERE w.id IS NULL OR w.position <= t._POSITION
UNION ALL
SELECT
  w.id,
  OBJECT_CONSTRUCT_KEEP_NULL( --[message]
    'operation', CASE w.op WHEN 'u' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'INSERT' END, 'before', w.before_json, 'after', w.after_json --[message]
  ), --[message]
  COALESCE(w.after_json, w.before_json, TO_VARIANT(OBJECT_CONSTRUCT())), --[row]
  w.changed_at,
  w.position --[hard]
  w.position, --[soft]
  w.op = 'd' --[soft]
FROM waiting w
CROSS JOIN floors f
LEFT JOIN {{target}} t ON t.ID = w.id
WHERE (t.ID IS NULL OR w.position > t._POSITION)
  AND w.op <> 'd' --[hard]
  AND (t.ID IS NOT NULL OR w.position >= f.floor);

GRANT SELECT ON VIEW {{live}} TO ROLE {{role_operator}};
GRANT SELECT ON VIEW {{live}} TO ROLE {{role_reader}};
