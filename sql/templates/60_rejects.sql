-- compatible: replaces the view
-- per: table
-- Shows what is open. The place of a message is epoch, partition and offset, since offsets begin anew with each epoch. A reject
-- has no position, so its epoch is read from the name of its file: <topic>/e<epoch>/<partition>/<offsets>.parquet.
-- A message is either all changes or one reject: where changes of it have landed, its reject is resolved. A change that the
-- merge has refused is resolved where a later revision of it has landed. What was rejected several times is one row, the newest.
-- Retention goes by the same rules: whoever changes them here changes them in 65_retention.sql.
CREATE OR REPLACE VIEW {{rejects}}
  COMMENT = 'Messages of topic {{topic}} that did not become a row of {{target_name}} so far, and why'
AS
SELECT
  r.kafka_topic,
  TRY_CAST(SUBSTR(r.epoch_folder, 2) AS NUMBER(10, 0)) AS epoch,
  r.kafka_partition,
  r.kafka_offset,
  r.row_index,
  r.op,
  r.error,
  r.raw,
  r.before,
  r.after,
  CONVERT_TIMEZONE('UTC', r.first_loaded)::TIMESTAMP_NTZ AS first_seen
FROM (
  SELECT
    kafka_topic, epoch_folder, kafka_partition, kafka_offset, row_index, op, error, raw, before, after,
    MIN(load_time) OVER (PARTITION BY epoch_folder, kafka_partition, kafka_offset) AS first_loaded
  FROM (
    SELECT
      kafka_topic,
      SPLIT_PART(file_name, '/', -3) AS epoch_folder,
      kafka_partition,
      kafka_offset,
      row_index,
      op,
      error,
      raw,
      before,
      after,
      staged_at,
      load_time,
      file_name,
      file_row_number
    FROM {{landing}}
    WHERE op = 'x'
  ) x
  -- By when its file was stored: an older one may be loaded again.
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY epoch_folder, kafka_partition, kafka_offset
    ORDER BY staged_at DESC NULLS LAST, load_time DESC, file_name DESC, file_row_number
  ) = 1
) r
LEFT JOIN (
  SELECT SPLIT_PART(file_name, '/', -3) AS epoch_folder, kafka_partition, kafka_offset
  FROM {{landing}}
  WHERE op <> 'x'
) c
  ON c.epoch_folder = r.epoch_folder
  AND c.kafka_partition = r.kafka_partition
  AND c.kafka_offset = r.kafka_offset
WHERE c.kafka_offset IS NULL
UNION ALL
SELECT
  r.kafka_topic,
  TRY_CAST(SUBSTR(r.epoch_folder, 2) AS NUMBER(10, 0)) AS epoch,
  r.kafka_partition,
  r.kafka_offset,
  r.row_index,
  r.op,
  r.error,
  NULL AS raw,
  r.before,
  r.after,
  r.first_rejected AS first_seen
FROM (
  SELECT
    kafka_topic, epoch_folder, kafka_partition, kafka_offset, row_index, op, position, error, before, after,
    MIN(rejected_at) OVER (
      PARTITION BY kafka_topic, epoch_folder, kafka_partition, kafka_offset, row_index
    ) AS first_rejected
  FROM (
    SELECT
      kafka_topic,
      SPLIT_PART(file_name, '/', -3) AS epoch_folder,
      kafka_partition,
      kafka_offset,
      row_index,
      op,
      position,
      error,
      before,
      after,
      file_name,
      rejected_at
    FROM {{merge_rejects}}
    WHERE target_table = '{{target_name}}'
  ) x
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY kafka_topic, epoch_folder, kafka_partition, kafka_offset, row_index
    ORDER BY position DESC NULLS LAST, rejected_at DESC, file_name DESC, error
  ) = 1
) r
LEFT JOIN (
  SELECT kafka_topic, SPLIT_PART(file_name, '/', -3) AS epoch_folder, kafka_partition, kafka_offset, row_index, position
  FROM {{landing}}
) c
  ON c.kafka_topic = r.kafka_topic
  AND c.epoch_folder = r.epoch_folder
  AND c.kafka_partition = r.kafka_partition
  AND c.kafka_offset = r.kafka_offset
  AND c.row_index = r.row_index
  AND c.position > r.position
WHERE c.kafka_offset IS NULL;

GRANT SELECT ON VIEW {{rejects}} TO ROLE {{role_operator}};
GRANT SELECT ON VIEW {{rejects}} TO ROLE {{role_reader}};
