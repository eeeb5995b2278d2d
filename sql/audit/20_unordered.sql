-- Ids of {{target_name}} whose changes come from several partitions, in the current epoch; changes nothing. Kafka orders only
-- what lies in one partition, so where the table names no order, which of these changes is the newest is chance.
WITH spread AS (
  SELECT id
  FROM {{landing}}
  WHERE op IN ('c', 'u', 'd', 'r')
    AND STARTSWITH(position, '{{epoch_start}}')
  GROUP BY id
  HAVING COUNT(DISTINCT kafka_partition) > 1
)
SELECT
  id,
  COUNT(*) OVER () AS total
FROM spread
QUALIFY ROW_NUMBER() OVER (ORDER BY id) <= {{limit}}
ORDER BY id;
