-- compatible: replaces the task
-- per: table
-- Prunes what is no longer needed. Asks MERGED_FILES, never the stream, whether a landing row was merged: by every table of the topic.
-- Rejects stay, for they are nowhere else: somebody has yet to decide what becomes of them.
-- Tombstones go only where an operator has raised the floor; every statement that misses one of them then sees the floor too.
CREATE OR REPLACE TASK {{retention}}
  {{task_compute}}
  SCHEDULE = 'USING CRON 17 3 * * * UTC'
  SUSPEND_TASK_AFTER_NUM_FAILURES = 0
  COMMENT = 'Prunes landing rows of topic {{topic}} after {{landing_days}} days, and tombstones of {{target_name}} below its floor'
AS
EXECUTE IMMEDIATE $$
BEGIN
  DELETE FROM {{landing}}
  WHERE load_time < DATEADD('day', -{{landing_days}}, CURRENT_TIMESTAMP())
    AND op <> 'x'
    AND file_name IN (
      SELECT file_name
      FROM {{merged_files}}
      WHERE target_table IN ({{topic_targets}})
      GROUP BY file_name
      HAVING COUNT(DISTINCT target_table) = {{topic_target_count}}
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
