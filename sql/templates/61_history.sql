-- compatible: replaces the view
-- per: table
-- Reaches back as far as the landing table does. A delete ends the version before it and is none itself.
CREATE OR REPLACE VIEW {{history}}
  COMMENT = 'Every version of each row of {{target_name}} that the landing table still holds, and when it was valid'
AS
SELECT
  ID, OPERATION, DATA, VALID_FROM, VALID_TO, _POSITION
FROM (
  SELECT
    c.id AS ID,
    CASE c.op WHEN 'u' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'INSERT' END AS OPERATION,
    OBJECT_CONSTRUCT_KEEP_NULL( --[message]
      'operation', CASE c.op WHEN 'u' THEN 'UPDATE' ELSE 'INSERT' END, 'before', c.before_json, 'after', c.after_json --[message]
    ) AS DATA, --[message]
    COALESCE(c.after_json, c.before_json, TO_VARIANT(OBJECT_CONSTRUCT())) AS DATA, --[row]
    c.changed_at AS VALID_FROM,
    LEAD(c.changed_at) OVER (PARTITION BY c.id ORDER BY c.position) AS VALID_TO,
    c.position AS _POSITION
  FROM (
    SELECT
      id,
      op,
      position,
      TRY_PARSE_JSON(before, 'd') AS before_json,
      TRY_PARSE_JSON(after, 'd') AS after_json,
      TO_TIMESTAMP_NTZ(LEAST(GREATEST(COALESCE(source_ts, kafka_timestamp, 0), 0), 253402300799999), 3) AS changed_at
    FROM {{landing}}
    WHERE op IN ('c', 'u', 'd', 'r')
      AND (before IS NULL OR TRY_PARSE_JSON(before, 'd') IS NOT NULL)
      AND (after IS NULL OR TRY_PARSE_JSON(after, 'd') IS NOT NULL)
    -- The same change may have landed more than once.
    QUALIFY ROW_NUMBER() OVER (PARTITION BY id, position ORDER BY load_time, file_name, file_row_number) = 1
  ) c
) v
WHERE OPERATION <> 'DELETE';

GRANT SELECT ON VIEW {{history}} TO ROLE {{role_operator}};
GRANT SELECT ON VIEW {{history}} TO ROLE {{role_reader}};
