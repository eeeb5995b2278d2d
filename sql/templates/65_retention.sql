-- compatible: replaces the task
-- per: table
-- Prunes what is no longer needed. Asks MERGED_FILES, never the stream, whether a landing row was merged: by every table of the topic.
-- Rejects stay, for they are nowhere else: somebody has yet to decide what becomes of them. Those that are resolved go, by the
-- rules of 60_rejects.sql, and always before what resolves them, or they would look open again.
-- Tombstones go only where an operator has raised the floor; every statement that misses one of them then sees the floor too.
CREATE OR REPLACE TASK {{retention}}
  {{task_compute}}
  SCHEDULE = 'USING CRON 17 3 * * * UTC'
  SUSPEND_TASK_AFTER_NUM_FAILURES = 0
  COMMENT = 'Prunes landing rows of topic {{topic}} after {{landing_days}} days, and tombstones of {{target_name}} below its floor'
AS
EXECUTE IMMEDIATE $$
BEGIN
  MERGE INTO {{merge_rejects}} m
  USING (
    SELECT DISTINCT
      r.target_table, r.kafka_topic, r.kafka_partition, r.kafka_offset, r.row_index, r.position, r.file_name
    FROM {{merge_rejects}} r
    INNER JOIN {{landing}} c
      ON c.kafka_topic = r.kafka_topic
      AND SPLIT_PART(c.file_name, '/', -3) = SPLIT_PART(r.file_name, '/', -3)
      AND c.kafka_partition = r.kafka_partition
      AND c.kafka_offset = r.kafka_offset
      AND c.row_index = r.row_index
      AND c.position > r.position
    WHERE r.target_table IN ({{topic_targets}})
  ) s
  ON m.target_table = s.target_table
    AND m.kafka_topic = s.kafka_topic
    AND m.kafka_partition = s.kafka_partition
    AND m.kafka_offset = s.kafka_offset
    AND m.row_index = s.row_index
    AND m.position = s.position
    AND m.file_name = s.file_name
  WHEN MATCHED THEN DELETE;

  -- A young one stays: an audit counts the rows of its file.
  MERGE INTO {{landing}} l
  USING (
    SELECT DISTINCT r.kafka_partition, r.kafka_offset, r.file_name
    FROM {{landing}} r
    INNER JOIN {{landing}} c
      ON c.op <> 'x'
      AND SPLIT_PART(c.file_name, '/', -3) = SPLIT_PART(r.file_name, '/', -3)
      AND c.kafka_partition = r.kafka_partition
      AND c.kafka_offset = r.kafka_offset
    WHERE r.op = 'x'
      AND r.load_time < DATEADD('day', -{{landing_days}}, CURRENT_TIMESTAMP())
      AND r.file_name IN (
        SELECT file_name
        FROM {{merged_files}}
        WHERE target_table IN ({{topic_targets}})
        GROUP BY file_name
        HAVING COUNT(DISTINCT target_table) = {{topic_target_count}}
      )
  ) s
  ON l.op = 'x'
    AND l.load_time < DATEADD('day', -{{landing_days}}, CURRENT_TIMESTAMP())
    AND l.kafka_partition = s.kafka_partition
    AND l.kafka_offset = s.kafka_offset
    AND l.file_name = s.file_name
  WHEN MATCHED THEN DELETE;

  DELETE FROM {{landing}}
  WHERE load_time < DATEADD('day', -{{landing_days}}, CURRENT_TIMESTAMP())
    AND op <> 'x'
    AND file_name IN (
      SELECT file_name
      FROM {{merged_files}}
      WHERE target_table IN ({{topic_targets}})
      GROUP BY file_name
      HAVING COUNT(DISTINCT target_table) = {{topic_target_count}}
    )
    -- What resolves a reject that is still there (its file was loaded again) stays as long as that.
    AND SPLIT_PART(file_name, '/', -3) || ' ' || kafka_partition || ' ' || kafka_offset NOT IN (
      SELECT SPLIT_PART(file_name, '/', -3) || ' ' || kafka_partition || ' ' || kafka_offset
      FROM {{landing}}
      WHERE op = 'x'
    );

  DELETE FROM {{tombstones}}
  WHERE position < (
    SELECT COALESCE(MAX(floor), '')
    FROM {{floors}}
    WHERE target_table = '{{target_name}}'
  );
END;
$$;

ALTER TASK {{retention}} RESUME;

GRANT MONITOR ON TASK {{retention}} TO ROLE {{role_ingest}};
GRANT MONITOR, OPERATE ON TASK {{retention}} TO ROLE {{role_operator}};
