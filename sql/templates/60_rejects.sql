-- compatible: replaces the view
-- per: table
CREATE OR REPLACE VIEW {{rejects}}
  COMMENT = 'Messages of topic {{topic}} that did not become a row of {{target_name}}, and why'
AS
SELECT DISTINCT
  kafka_topic, kafka_partition, kafka_offset, row_index, error, raw, before, after
FROM {{landing}}
WHERE op = 'x'
UNION ALL
SELECT DISTINCT
  kafka_topic, kafka_partition, kafka_offset, row_index, error, NULL AS raw, before, after
FROM {{merge_rejects}}
WHERE target_table = '{{target_name}}';

GRANT SELECT ON VIEW {{rejects}} TO ROLE {{role_operator}};
GRANT SELECT ON VIEW {{rejects}} TO ROLE {{role_reader}};
