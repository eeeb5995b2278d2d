-- 0_account.sql

-- compatible: adds only
-- per: account
-- What only an account administrator may do; once, before all other scripts, and again where it has changed. Run it as
-- ACCOUNTADMIN, by hand or with: firn migrate --account
-- Users are not made here. Give each its role: GRANT ROLE FIRN_INGEST TO USER ...
CREATE ROLE IF NOT EXISTS FIRN_OWNER
  COMMENT = 'Firn: owns the database, applies migrations; its rights run the tasks and pipes';
CREATE ROLE IF NOT EXISTS FIRN_INGEST
  COMMENT = 'Firn: the running service; sees what was loaded and merged, changes nothing';
CREATE ROLE IF NOT EXISTS FIRN_OPERATOR
  COMMENT = 'Firn: deep audit, repair and plans of backfills; changes no target table';
CREATE ROLE IF NOT EXISTS FIRN_READER
  COMMENT = 'Firn: reads the target tables and their views';

GRANT CREATE DATABASE ON ACCOUNT TO ROLE FIRN_OWNER;
GRANT EXECUTE TASK ON ACCOUNT TO ROLE FIRN_OWNER;
GRANT USAGE ON WAREHOUSE FIRN_WH TO ROLE FIRN_OWNER;
GRANT USAGE ON WAREHOUSE FIRN_WH TO ROLE FIRN_INGEST;
GRANT USAGE ON WAREHOUSE FIRN_WH TO ROLE FIRN_OPERATOR;
GRANT USAGE ON WAREHOUSE FIRN_WH TO ROLE FIRN_READER;

-- Lets Snowflake read the bucket as this IAM role. The role's trust policy needs two values that DESC INTEGRATION shows.
CREATE STORAGE INTEGRATION IF NOT EXISTS FIRN_S3
  TYPE = EXTERNAL_STAGE
  STORAGE_PROVIDER = 'S3'
  ENABLED = TRUE
  STORAGE_AWS_ROLE_ARN = 'arn:aws:iam::123456789012:role/firn-snowflake'
  STORAGE_ALLOWED_LOCATIONS = ('s3://cdc/firn/')
  COMMENT = 'Firn: landing files';
GRANT USAGE ON INTEGRATION FIRN_S3 TO ROLE FIRN_OWNER;

-- V000__ledger.sql

-- compatible: adds only
-- The database, Firn's own schema, and the ledger of what was applied to it. Always the first thing to run.
CREATE DATABASE IF NOT EXISTS CDC
  COMMENT = 'Change data from Kafka, kept by Firn';

CREATE SCHEMA IF NOT EXISTS CDC.FIRN
  COMMENT = 'Landing tables, pipes, streams, tasks and control tables of Firn';

-- One row per applied script. A script whose checksum differs from its row was changed after it was applied.
CREATE TABLE IF NOT EXISTS CDC.FIRN.MIGRATIONS (
  script VARCHAR NOT NULL COMMENT 'name of the file, and the topic or table that it was rendered for',
  checksum VARCHAR NOT NULL COMMENT 'SHA-256 of the rendered text, hex',
  applied_at TIMESTAMP_NTZ NOT NULL COMMENT 'UTC',
  applied_by VARCHAR NOT NULL COMMENT 'Firn version and user'
)
  COMMENT = 'Ledger of firn migrate';

-- V001__stage.sql

-- compatible: adds only
-- Where landing files are read from. The trailing / matters: Snowflake matches prefixes, and `firn` also matches `firn_old`.
CREATE FILE FORMAT IF NOT EXISTS CDC.FIRN.LANDING_FORMAT
  TYPE = PARQUET
  COMPRESSION = AUTO
  BINARY_AS_TEXT = FALSE
  COMMENT = 'Landing files: strings and integers only';

CREATE STAGE IF NOT EXISTS CDC.FIRN.STAGE
  URL = 's3://cdc/firn/'
  STORAGE_INTEGRATION = FIRN_S3
  FILE_FORMAT = (FORMAT_NAME = 'CDC.FIRN.LANDING_FORMAT')
  COMMENT = 'Landing files, one batch of one partition each';

-- V002__control.sql

-- compatible: adds only
-- What the merge tasks leave behind for retention, audit and people.
CREATE TABLE IF NOT EXISTS CDC.FIRN.MERGED_FILES (
  target_table VARCHAR NOT NULL COMMENT 'schema and name of the target table',
  file_name VARCHAR NOT NULL COMMENT 'landing file, as METADATA$FILENAME gave it',
  kafka_topic VARCHAR NOT NULL COMMENT 'source of every row of the file',
  kafka_partition NUMBER(10, 0) NOT NULL COMMENT 'source of every row of the file',
  first_offset NUMBER(19, 0) NOT NULL COMMENT 'lowest Kafka offset among the rows',
  last_offset NUMBER(19, 0) NOT NULL COMMENT 'highest Kafka offset among the rows',
  row_count NUMBER(18, 0) NOT NULL COMMENT 'landing rows of this run, rejects among them',
  reject_count NUMBER(18, 0) NOT NULL COMMENT 'rows that were set aside',
  merged_at TIMESTAMP_NTZ NOT NULL COMMENT 'UTC; start of the merge statement'
)
  COMMENT = 'One row per landing file and merge that took rows from it';

CREATE TABLE IF NOT EXISTS CDC.FIRN.MERGE_REJECTS (
  target_table VARCHAR NOT NULL COMMENT 'schema and name of the target table',
  kafka_topic VARCHAR NOT NULL COMMENT 'where the message came from',
  kafka_partition NUMBER(10, 0) NOT NULL COMMENT 'where the message came from',
  kafka_offset NUMBER(19, 0) NOT NULL COMMENT 'where the message came from',
  row_index NUMBER(10, 0) NOT NULL COMMENT 'which change of the message',
  op VARCHAR NOT NULL COMMENT 'as landed',
  id VARCHAR COMMENT 'primary key as landed',
  position VARCHAR COMMENT 'as landed',
  before VARCHAR(134217728) COMMENT 'text as landed',
  after VARCHAR(134217728) COMMENT 'text as landed',
  error VARCHAR NOT NULL COMMENT 'failure code and reason',
  file_name VARCHAR NOT NULL COMMENT 'landing file',
  rejected_at TIMESTAMP_NTZ NOT NULL COMMENT 'UTC'
)
  COMMENT = 'Landing rows that the merge could not apply: the JSON does not parse, or the op is not known';

-- V003__audit.sql

-- compatible: adds only
-- What retention, audit and repair keep beyond the first control tables.
ALTER TABLE CDC.FIRN.MERGED_FILES
  ADD COLUMN IF NOT EXISTS newest_ts NUMBER(19, 0) COMMENT 'ms since 1970, UTC; latest commit at the source among the rows, else the Kafka timestamp';

CREATE TABLE IF NOT EXISTS CDC.FIRN.FLOORS (
  target_table VARCHAR NOT NULL COMMENT 'schema and name of the target table',
  floor VARCHAR NOT NULL COMMENT 'tombstones below this position are pruned; a change below it never brings back a row that is not there',
  raised_at TIMESTAMP_NTZ NOT NULL COMMENT 'UTC',
  raised_by VARCHAR NOT NULL COMMENT 'who decided it'
)
  COMMENT = 'Floors of the target tables; the highest one of a table counts, and no row means that tombstones are kept for good';

CREATE TABLE IF NOT EXISTS CDC.FIRN.PIPES (
  pipe_name VARCHAR NOT NULL COMMENT 'bare name of the pipe',
  noted_at TIMESTAMP_NTZ NOT NULL COMMENT 'UTC; a pipe that was made later than this was made anew, and has lost its load history'
)
  COMMENT = 'The pipes that migrations have made';

-- R__000_grants.sql

-- compatible: adds only
-- What the roles may do with what all tables share. The rights on an object of a topic or table stand beside it in its own script.
GRANT USAGE ON DATABASE CDC TO ROLE FIRN_INGEST;
GRANT USAGE ON DATABASE CDC TO ROLE FIRN_OPERATOR;
GRANT USAGE ON DATABASE CDC TO ROLE FIRN_READER;
GRANT USAGE ON SCHEMA CDC.FIRN TO ROLE FIRN_INGEST;
GRANT USAGE ON SCHEMA CDC.FIRN TO ROLE FIRN_OPERATOR;
GRANT USAGE ON SCHEMA CDC.FIRN TO ROLE FIRN_READER;

-- The ingester tells how far loading and merging have come, and whether the schema is the one that it needs.
GRANT SELECT ON TABLE CDC.FIRN.MIGRATIONS TO ROLE FIRN_INGEST;
GRANT SELECT ON TABLE CDC.FIRN.MERGED_FILES TO ROLE FIRN_INGEST;
GRANT SELECT ON TABLE CDC.FIRN.PIPES TO ROLE FIRN_INGEST;
GRANT USAGE ON STAGE CDC.FIRN.STAGE TO ROLE FIRN_INGEST;

-- The operator audits, loads what a pipe has missed, and raises floors.
GRANT SELECT ON TABLE CDC.FIRN.MIGRATIONS TO ROLE FIRN_OPERATOR;
GRANT SELECT ON TABLE CDC.FIRN.MERGED_FILES TO ROLE FIRN_OPERATOR;
GRANT SELECT ON TABLE CDC.FIRN.MERGE_REJECTS TO ROLE FIRN_OPERATOR;
GRANT SELECT, INSERT ON TABLE CDC.FIRN.FLOORS TO ROLE FIRN_OPERATOR;
GRANT SELECT, UPDATE ON TABLE CDC.FIRN.PIPES TO ROLE FIRN_OPERATOR;
GRANT USAGE ON STAGE CDC.FIRN.STAGE TO ROLE FIRN_OPERATOR;
GRANT USAGE ON FILE FORMAT CDC.FIRN.LANDING_FORMAT TO ROLE FIRN_OPERATOR;

-- R__SHOP_CUSTOMERS__10_landing.sql

-- compatible: adds only
-- per: topic
-- One row per change as it came off the stage, in the order of arrival. Never replaced: that would make its streams stale.
-- Text columns have the greatest length: the default of 16 MB would make a pipe skip a whole file for one long value.
CREATE TABLE IF NOT EXISTS CDC.FIRN.SHOP_CUSTOMERS_LANDING (
  kafka_topic VARCHAR NOT NULL,
  kafka_partition NUMBER(10, 0) NOT NULL,
  kafka_offset NUMBER(19, 0) NOT NULL,
  kafka_timestamp NUMBER(19, 0) COMMENT 'ms since 1970, UTC',
  row_index NUMBER(10, 0) NOT NULL COMMENT '0, 1, ... where one message carries several changes',
  kafka_key VARCHAR(134217728) COMMENT 'as received; base64 where it is not UTF-8',
  headers VARCHAR(134217728) COMMENT 'JSON text',
  op VARCHAR NOT NULL COMMENT 'c create, u update, d delete, r snapshot read, t truncate, x reject',
  source_table VARCHAR,
  id VARCHAR(134217728) COMMENT 'primary key: the value of one column, a JSON array of several',
  position VARCHAR COMMENT 'orders the changes of one row',
  source_ts NUMBER(19, 0) COMMENT 'commit at the source, ms since 1970, UTC',
  before VARCHAR(134217728) COMMENT 'JSON text, byte for byte as sent',
  after VARCHAR(134217728) COMMENT 'JSON text, byte for byte as sent',
  meta VARCHAR(134217728) COMMENT 'JSON text: whatever else the envelope held',
  error VARCHAR COMMENT 'rejects only: failure code and reason',
  raw VARCHAR(134217728) COMMENT 'rejects only: the original value, base64',
  file_name VARCHAR NOT NULL COMMENT 'METADATA$FILENAME',
  file_row_number NUMBER(19, 0) NOT NULL COMMENT 'METADATA$FILE_ROW_NUMBER',
  load_time TIMESTAMP_LTZ NOT NULL COMMENT 'METADATA$START_SCAN_TIME'
)
  COMMENT = 'Landing rows of topic shop.customers';

-- Added after the first release; rows that were loaded before have none.
ALTER TABLE CDC.FIRN.SHOP_CUSTOMERS_LANDING
  ADD COLUMN IF NOT EXISTS staged_at TIMESTAMP_NTZ COMMENT 'METADATA$FILE_LAST_MODIFIED: when the file was stored, UTC';

GRANT SELECT ON TABLE CDC.FIRN.SHOP_CUSTOMERS_LANDING TO ROLE FIRN_INGEST;
GRANT SELECT, INSERT ON TABLE CDC.FIRN.SHOP_CUSTOMERS_LANDING TO ROLE FIRN_OPERATOR;

-- R__SHOP_CUSTOMERS__20_stream__SHOP_CUSTOMERS.sql

-- compatible: adds only
-- per: table
-- What the merge has not taken yet. Only the merge task may name it in a DML: any other one would advance it.
CREATE STREAM IF NOT EXISTS CDC.FIRN.SHOP_CUSTOMERS_STREAM ON TABLE CDC.FIRN.SHOP_CUSTOMERS_LANDING
  APPEND_ONLY = TRUE
  SHOW_INITIAL_ROWS = TRUE
  COMMENT = 'Landing rows not merged into SHOP.CUSTOMERS yet';

-- To see whether it is close to stale. Who may read it could advance it only with a table to write to.
GRANT SELECT ON STREAM CDC.FIRN.SHOP_CUSTOMERS_STREAM TO ROLE FIRN_INGEST;
GRANT SELECT ON STREAM CDC.FIRN.SHOP_CUSTOMERS_STREAM TO ROLE FIRN_OPERATOR;

-- R__SHOP_CUSTOMERS__30_target__SHOP_CUSTOMERS.sql

-- compatible: adds only
-- per: table
CREATE SCHEMA IF NOT EXISTS CDC.SHOP
  COMMENT = 'Tables that Firn keeps equal to their sources';

CREATE TABLE IF NOT EXISTS CDC.SHOP.CUSTOMERS (
  ID VARCHAR(134217728) NOT NULL COMMENT 'primary key: the value of one column, a JSON array of several',
  DATA VARIANT NOT NULL COMMENT 'the newest change: operation, before, after',
  LAST_UPDATED TIMESTAMP_NTZ NOT NULL COMMENT 'UTC; commit at the source, else the Kafka timestamp',
  _POSITION VARCHAR NOT NULL COMMENT 'position of the newest change; a change with a smaller one is not applied'
)
  COMMENT = 'Kept equal to its source by Firn, from topic shop.customers';


GRANT USAGE ON SCHEMA CDC.SHOP TO ROLE FIRN_OPERATOR;
GRANT USAGE ON SCHEMA CDC.SHOP TO ROLE FIRN_READER;
GRANT SELECT ON TABLE CDC.SHOP.CUSTOMERS TO ROLE FIRN_OPERATOR;
GRANT SELECT ON TABLE CDC.SHOP.CUSTOMERS TO ROLE FIRN_READER;

-- R__SHOP_CUSTOMERS__40_tombstones__SHOP_CUSTOMERS.sql

-- compatible: adds only
-- per: table
-- Positions of deleted rows. Without them a late, older update would bring a deleted row back.
CREATE TABLE IF NOT EXISTS CDC.FIRN.SHOP_CUSTOMERS_TOMBSTONES (
  id VARCHAR(134217728) NOT NULL,
  position VARCHAR NOT NULL COMMENT 'position of the newest delete'
)
  COMMENT = 'Tombstones of SHOP.CUSTOMERS';

GRANT SELECT ON TABLE CDC.FIRN.SHOP_CUSTOMERS_TOMBSTONES TO ROLE FIRN_OPERATOR;

-- R__SHOP_CUSTOMERS__50_merge__SHOP_CUSTOMERS.sql

-- compatible: replaces the task
-- per: table
-- Applies what landed since the last run to the target, in one transaction that reads the stream more than once and advances it once.
-- Right in any order: per id the largest position wins, deletes are remembered, and rows that come again change nothing.
-- What cannot be applied is set aside before the newest change per id is chosen; otherwise the result would depend on how rows are grouped into runs.
CREATE OR REPLACE TASK CDC.FIRN.SHOP_CUSTOMERS_MERGE
  WAREHOUSE = FIRN_WH
  SCHEDULE = '1 MINUTE'
  SUSPEND_TASK_AFTER_NUM_FAILURES = 0
  COMMENT = 'Merges SHOP_CUSTOMERS_LANDING into SHOP.CUSTOMERS'
  WHEN SYSTEM$STREAM_HAS_DATA('CDC.FIRN.SHOP_CUSTOMERS_STREAM')
AS
EXECUTE IMMEDIATE $$
BEGIN
  BEGIN TRANSACTION;

  MERGE INTO CDC.SHOP.CUSTOMERS t
  USING (
    SELECT
      c.id,
      c.op,
      c.position,
      c.before_json,
      c.after_json,
      c.changed_at,
      f.floor
    FROM (
      SELECT
        id,
        op,
        position,
        TRY_PARSE_JSON(before, 'd') AS before_json,
        TRY_PARSE_JSON(after, 'd') AS after_json,
        -- Kafka takes messages with no time, or with any: 1970 stands for none, and 9999 is the last year.
        TO_TIMESTAMP_NTZ(LEAST(GREATEST(COALESCE(source_ts, kafka_timestamp, 0), 0), 253402300799999), 3) AS changed_at
      FROM CDC.FIRN.SHOP_CUSTOMERS_STREAM
      WHERE op IN ('c', 'u', 'd', 'r')
        AND (before IS NULL OR TRY_PARSE_JSON(before, 'd') IS NOT NULL)
        AND (after IS NULL OR TRY_PARSE_JSON(after, 'd') IS NOT NULL)
    ) c
    CROSS JOIN (
      SELECT COALESCE(MAX(floor), '') AS floor
      FROM CDC.FIRN.FLOORS
      WHERE target_table = 'SHOP.CUSTOMERS'
    ) f
    LEFT JOIN CDC.FIRN.SHOP_CUSTOMERS_TOMBSTONES k ON k.id = c.id
    WHERE k.position IS NULL OR c.position > k.position
    QUALIFY ROW_NUMBER() OVER (PARTITION BY c.id ORDER BY c.position DESC) = 1
  ) s
  ON t.ID = s.id
  WHEN MATCHED AND s.position > t._POSITION AND s.op = 'd' THEN DELETE
  WHEN MATCHED AND s.position > t._POSITION THEN UPDATE SET
    DATA = OBJECT_CONSTRUCT_KEEP_NULL(
      'operation', CASE s.op WHEN 'u' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'INSERT' END, 'before', s.before_json, 'after', s.after_json
    ),
    LAST_UPDATED = s.changed_at,
    _POSITION = s.position
  -- Below the floor the tombstone of a row that is not there may have been pruned; the change is listed with the rejects.
  WHEN NOT MATCHED AND s.op <> 'd' AND s.position >= s.floor THEN INSERT (ID, DATA, LAST_UPDATED, _POSITION) VALUES (
    s.id,
    OBJECT_CONSTRUCT_KEEP_NULL(
      'operation', CASE s.op WHEN 'u' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'INSERT' END, 'before', s.before_json, 'after', s.after_json
    ),
    s.changed_at,
    s.position
  );

  MERGE INTO CDC.FIRN.SHOP_CUSTOMERS_TOMBSTONES k
  USING (
    SELECT id, MAX(position) AS newest
    FROM CDC.FIRN.SHOP_CUSTOMERS_STREAM
    WHERE op = 'd'
      AND (before IS NULL OR TRY_PARSE_JSON(before, 'd') IS NOT NULL)
      AND (after IS NULL OR TRY_PARSE_JSON(after, 'd') IS NOT NULL)
    GROUP BY id
  ) s
  ON k.id = s.id
  WHEN MATCHED AND s.newest > k.position THEN UPDATE SET position = s.newest
  WHEN NOT MATCHED THEN INSERT (id, position) VALUES (s.id, s.newest);

  INSERT INTO CDC.FIRN.MERGE_REJECTS (
    target_table, kafka_topic, kafka_partition, kafka_offset, row_index, op, id, position, before, after, error, file_name, rejected_at
  )
  SELECT
    'SHOP.CUSTOMERS',
    s.kafka_topic,
    s.kafka_partition,
    s.kafka_offset,
    s.row_index,
    s.op,
    -- For people to find it; the whole of a longer one would not fit, and the merge must not fail for it.
    SUBSTR(s.id, 1, 65536),
    s.position,
    s.before,
    s.after,
    CASE
      WHEN s.op NOT IN ('c', 'u', 'd', 'r') THEN 'OP_UNKNOWN: the merge does not know this op'
      WHEN (s.before IS NOT NULL AND TRY_PARSE_JSON(s.before, 'd') IS NULL)
        OR (s.after IS NOT NULL AND TRY_PARSE_JSON(s.after, 'd') IS NULL)
        THEN 'JSON_REFUSED: the warehouse cannot parse before or after'
      ELSE 'BELOW_FLOOR: the row is not there, and its tombstone may have been pruned'
    END,
    s.file_name,
    SYSDATE()
  FROM CDC.FIRN.SHOP_CUSTOMERS_STREAM s
  CROSS JOIN (
    SELECT COALESCE(MAX(floor), '') AS floor
    FROM CDC.FIRN.FLOORS
    WHERE target_table = 'SHOP.CUSTOMERS'
  ) f
  -- Both as this transaction leaves them.
  LEFT JOIN CDC.SHOP.CUSTOMERS t ON t.ID = s.id AND s.position < f.floor
  LEFT JOIN CDC.FIRN.SHOP_CUSTOMERS_TOMBSTONES k ON k.id = s.id AND s.position < f.floor
  WHERE s.op <> 'x'
    AND (
      s.op NOT IN ('c', 'u', 'd', 'r')
      OR (s.before IS NOT NULL AND TRY_PARSE_JSON(s.before, 'd') IS NULL)
      OR (s.after IS NOT NULL AND TRY_PARSE_JSON(s.after, 'd') IS NULL)
      OR (s.position < f.floor AND s.op <> 'd' AND t.ID IS NULL AND (k.position IS NULL OR k.position < s.position))
    );

  INSERT INTO CDC.FIRN.MERGED_FILES (
    target_table, file_name, kafka_topic, kafka_partition, first_offset, last_offset, row_count, reject_count, newest_ts, merged_at
  )
  SELECT
    'SHOP.CUSTOMERS',
    file_name,
    kafka_topic,
    kafka_partition,
    MIN(kafka_offset),
    MAX(kafka_offset),
    COUNT(*),
    SUM(CASE
      WHEN op NOT IN ('c', 'u', 'd', 'r')
        OR (before IS NOT NULL AND TRY_PARSE_JSON(before, 'd') IS NULL)
        OR (after IS NOT NULL AND TRY_PARSE_JSON(after, 'd') IS NULL)
      THEN 1 ELSE 0
    END),
    MAX(COALESCE(source_ts, kafka_timestamp)),
    SYSDATE()
  FROM CDC.FIRN.SHOP_CUSTOMERS_STREAM
  GROUP BY file_name, kafka_topic, kafka_partition;

  COMMIT;
EXCEPTION
  WHEN OTHER THEN
    ROLLBACK;
    RAISE;
END;
$$;

ALTER TASK CDC.FIRN.SHOP_CUSTOMERS_MERGE RESUME;

GRANT MONITOR ON TASK CDC.FIRN.SHOP_CUSTOMERS_MERGE TO ROLE FIRN_INGEST;
GRANT MONITOR, OPERATE ON TASK CDC.FIRN.SHOP_CUSTOMERS_MERGE TO ROLE FIRN_OPERATOR;

-- R__SHOP_CUSTOMERS__60_rejects__SHOP_CUSTOMERS.sql

-- compatible: replaces the view
-- per: table
-- Shows what is open. The place of a message is epoch, partition and offset, since offsets begin anew with each epoch. A reject
-- has no position, so its epoch is read from the name of its file: <topic>/e<epoch>/<partition>/<offsets>.parquet.
-- A message is either all changes or one reject: where changes of it have landed, its reject is resolved. A change that the
-- merge has refused is resolved where a later revision of it has landed. What was rejected several times is one row, the newest.
-- Retention goes by the same rules: whoever changes them here changes them in 65_retention.sql.
CREATE OR REPLACE VIEW CDC.FIRN.SHOP_CUSTOMERS_REJECTS
  COMMENT = 'Messages of topic shop.customers that did not become a row of SHOP.CUSTOMERS so far, and why'
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
    FROM CDC.FIRN.SHOP_CUSTOMERS_LANDING
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
  FROM CDC.FIRN.SHOP_CUSTOMERS_LANDING
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
    FROM CDC.FIRN.MERGE_REJECTS
    WHERE target_table = 'SHOP.CUSTOMERS'
  ) x
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY kafka_topic, epoch_folder, kafka_partition, kafka_offset, row_index
    ORDER BY position DESC NULLS LAST, rejected_at DESC, file_name DESC, error
  ) = 1
) r
LEFT JOIN (
  SELECT kafka_topic, SPLIT_PART(file_name, '/', -3) AS epoch_folder, kafka_partition, kafka_offset, row_index, position
  FROM CDC.FIRN.SHOP_CUSTOMERS_LANDING
) c
  ON c.kafka_topic = r.kafka_topic
  AND c.epoch_folder = r.epoch_folder
  AND c.kafka_partition = r.kafka_partition
  AND c.kafka_offset = r.kafka_offset
  AND c.row_index = r.row_index
  AND c.position > r.position
WHERE c.kafka_offset IS NULL;

GRANT SELECT ON VIEW CDC.FIRN.SHOP_CUSTOMERS_REJECTS TO ROLE FIRN_OPERATOR;
GRANT SELECT ON VIEW CDC.FIRN.SHOP_CUSTOMERS_REJECTS TO ROLE FIRN_READER;

-- R__SHOP_CUSTOMERS__61_history__SHOP_CUSTOMERS.sql

-- compatible: replaces the view
-- per: table
-- Reaches back as far as the landing table does. A delete ends the version before it and is none itself.
CREATE OR REPLACE VIEW CDC.SHOP.CUSTOMERS_HISTORY
  COMMENT = 'Every version of each row of SHOP.CUSTOMERS that the landing table still holds, and when it was valid'
AS
SELECT
  ID, OPERATION, DATA, VALID_FROM, VALID_TO, _POSITION
FROM (
  SELECT
    c.id AS ID,
    CASE c.op WHEN 'u' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'INSERT' END AS OPERATION,
    OBJECT_CONSTRUCT_KEEP_NULL(
      'operation', CASE c.op WHEN 'u' THEN 'UPDATE' ELSE 'INSERT' END, 'before', c.before_json, 'after', c.after_json
    ) AS DATA,
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
    FROM CDC.FIRN.SHOP_CUSTOMERS_LANDING
    WHERE op IN ('c', 'u', 'd', 'r')
      AND (before IS NULL OR TRY_PARSE_JSON(before, 'd') IS NOT NULL)
      AND (after IS NULL OR TRY_PARSE_JSON(after, 'd') IS NOT NULL)
    -- The same change may have landed more than once.
    QUALIFY ROW_NUMBER() OVER (PARTITION BY id, position ORDER BY load_time, file_name, file_row_number) = 1
  ) c
) v
WHERE OPERATION <> 'DELETE';

GRANT SELECT ON VIEW CDC.SHOP.CUSTOMERS_HISTORY TO ROLE FIRN_OPERATOR;
GRANT SELECT ON VIEW CDC.SHOP.CUSTOMERS_HISTORY TO ROLE FIRN_READER;

-- R__SHOP_CUSTOMERS__62_live__SHOP_CUSTOMERS.sql

-- compatible: replaces the view
-- per: table
-- Never by way of the stream: whoever copied this view into a table would advance it, and the merge would miss the rows.
-- What waits for the merge is told by MERGED_FILES instead. A merge takes all that was loaded before it began, so rows that
-- were loaded long before the last one are not looked at: two days are more than a load and a time zone take.
CREATE OR REPLACE VIEW CDC.SHOP.CUSTOMERS_LIVE
  COMMENT = 'SHOP.CUSTOMERS together with what is loaded and not merged yet'
AS
WITH merged AS (
  SELECT COALESCE(MAX(merged_at), TO_TIMESTAMP_NTZ(0, 3)) AS last_at
  FROM CDC.FIRN.MERGED_FILES
  WHERE target_table = 'SHOP.CUSTOMERS'
),
floors AS (
  SELECT COALESCE(MAX(floor), '') AS floor
  FROM CDC.FIRN.FLOORS
  WHERE target_table = 'SHOP.CUSTOMERS'
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
    FROM CDC.FIRN.SHOP_CUSTOMERS_LANDING l
    CROSS JOIN merged m
    LEFT JOIN (
      SELECT DISTINCT file_name
      FROM CDC.FIRN.MERGED_FILES
      WHERE target_table = 'SHOP.CUSTOMERS'
    ) f ON f.file_name = l.file_name
    WHERE f.file_name IS NULL
      AND l.load_time > DATEADD('day', -2, m.last_at)
      AND l.op IN ('c', 'u', 'd', 'r')
      AND (l.before IS NULL OR TRY_PARSE_JSON(l.before, 'd') IS NOT NULL)
      AND (l.after IS NULL OR TRY_PARSE_JSON(l.after, 'd') IS NOT NULL)
  ) c
  LEFT JOIN CDC.FIRN.SHOP_CUSTOMERS_TOMBSTONES k ON k.id = c.id
  WHERE k.position IS NULL OR c.position > k.position
  QUALIFY ROW_NUMBER() OVER (PARTITION BY c.id ORDER BY c.position DESC) = 1
)
SELECT
  t.ID,
  t.DATA,
  t.LAST_UPDATED,
  t._POSITION
FROM CDC.SHOP.CUSTOMERS t
LEFT JOIN waiting w ON w.id = t.ID
WHERE w.id IS NULL OR w.position <= t._POSITION
UNION ALL
SELECT
  w.id,
  OBJECT_CONSTRUCT_KEEP_NULL(
    'operation', CASE w.op WHEN 'u' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'INSERT' END, 'before', w.before_json, 'after', w.after_json
  ),
  w.changed_at,
  w.position
FROM waiting w
CROSS JOIN floors f
LEFT JOIN CDC.SHOP.CUSTOMERS t ON t.ID = w.id
WHERE (t.ID IS NULL OR w.position > t._POSITION)
  AND w.op <> 'd'
  AND (t.ID IS NOT NULL OR w.position >= f.floor);

GRANT SELECT ON VIEW CDC.SHOP.CUSTOMERS_LIVE TO ROLE FIRN_OPERATOR;
GRANT SELECT ON VIEW CDC.SHOP.CUSTOMERS_LIVE TO ROLE FIRN_READER;

-- R__SHOP_CUSTOMERS__65_retention__SHOP_CUSTOMERS.sql

-- compatible: replaces the task
-- per: table
-- Prunes what is no longer needed. Asks MERGED_FILES, never the stream, whether a landing row was merged: by every table of the topic.
-- Rejects stay, for they are nowhere else: somebody has yet to decide what becomes of them. Those that are resolved go, by the
-- rules of 60_rejects.sql, and always before what resolves them, or they would look open again.
-- Tombstones go only where an operator has raised the floor; every statement that misses one of them then sees the floor too.
CREATE OR REPLACE TASK CDC.FIRN.SHOP_CUSTOMERS_RETENTION
  WAREHOUSE = FIRN_WH
  SCHEDULE = 'USING CRON 17 3 * * * UTC'
  SUSPEND_TASK_AFTER_NUM_FAILURES = 0
  COMMENT = 'Prunes landing rows of topic shop.customers after 30 days, and tombstones of SHOP.CUSTOMERS below its floor'
AS
EXECUTE IMMEDIATE $$
BEGIN
  MERGE INTO CDC.FIRN.MERGE_REJECTS m
  USING (
    SELECT DISTINCT
      r.target_table, r.kafka_topic, r.kafka_partition, r.kafka_offset, r.row_index, r.position, r.file_name
    FROM CDC.FIRN.MERGE_REJECTS r
    INNER JOIN CDC.FIRN.SHOP_CUSTOMERS_LANDING c
      ON c.kafka_topic = r.kafka_topic
      AND SPLIT_PART(c.file_name, '/', -3) = SPLIT_PART(r.file_name, '/', -3)
      AND c.kafka_partition = r.kafka_partition
      AND c.kafka_offset = r.kafka_offset
      AND c.row_index = r.row_index
      AND c.position > r.position
    WHERE r.target_table IN ('SHOP.CUSTOMERS')
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
  MERGE INTO CDC.FIRN.SHOP_CUSTOMERS_LANDING l
  USING (
    SELECT DISTINCT r.kafka_partition, r.kafka_offset, r.file_name
    FROM CDC.FIRN.SHOP_CUSTOMERS_LANDING r
    INNER JOIN CDC.FIRN.SHOP_CUSTOMERS_LANDING c
      ON c.op <> 'x'
      AND SPLIT_PART(c.file_name, '/', -3) = SPLIT_PART(r.file_name, '/', -3)
      AND c.kafka_partition = r.kafka_partition
      AND c.kafka_offset = r.kafka_offset
    WHERE r.op = 'x'
      AND r.load_time < DATEADD('day', -30, CURRENT_TIMESTAMP())
      AND r.file_name IN (
        SELECT file_name
        FROM CDC.FIRN.MERGED_FILES
        WHERE target_table IN ('SHOP.CUSTOMERS')
        GROUP BY file_name
        HAVING COUNT(DISTINCT target_table) = 1
      )
  ) s
  ON l.op = 'x'
    AND l.load_time < DATEADD('day', -30, CURRENT_TIMESTAMP())
    AND l.kafka_partition = s.kafka_partition
    AND l.kafka_offset = s.kafka_offset
    AND l.file_name = s.file_name
  WHEN MATCHED THEN DELETE;

  DELETE FROM CDC.FIRN.SHOP_CUSTOMERS_LANDING
  WHERE load_time < DATEADD('day', -30, CURRENT_TIMESTAMP())
    AND op <> 'x'
    AND file_name IN (
      SELECT file_name
      FROM CDC.FIRN.MERGED_FILES
      WHERE target_table IN ('SHOP.CUSTOMERS')
      GROUP BY file_name
      HAVING COUNT(DISTINCT target_table) = 1
    )
    -- What resolves a reject that is still there (its file was loaded again) stays as long as that.
    AND SPLIT_PART(file_name, '/', -3) || ' ' || kafka_partition || ' ' || kafka_offset NOT IN (
      SELECT SPLIT_PART(file_name, '/', -3) || ' ' || kafka_partition || ' ' || kafka_offset
      FROM CDC.FIRN.SHOP_CUSTOMERS_LANDING
      WHERE op = 'x'
    );

  DELETE FROM CDC.FIRN.SHOP_CUSTOMERS_TOMBSTONES
  WHERE position < (
    SELECT COALESCE(MAX(floor), '')
    FROM CDC.FIRN.FLOORS
    WHERE target_table = 'SHOP.CUSTOMERS'
  );
END;
$$;

ALTER TASK CDC.FIRN.SHOP_CUSTOMERS_RETENTION RESUME;

GRANT MONITOR ON TASK CDC.FIRN.SHOP_CUSTOMERS_RETENTION TO ROLE FIRN_INGEST;
GRANT MONITOR, OPERATE ON TASK CDC.FIRN.SHOP_CUSTOMERS_RETENTION TO ROLE FIRN_OPERATOR;

-- R__SHOP_CUSTOMERS__70_pipe.sql

-- compatible: replaces the pipe
-- per: topic
-- After the streams: no file may load before its stream exists. Never replaced: that would lose its load history. A pipe's COPY cannot be
-- altered, so a changed one is a successor under the next number: it is there before the former one goes, and REFRESH gives it
-- the files that waited at that one. Files that come twice change nothing.
-- Casts only, no JSON parsing: one bad row in a pipe's COPY drops the whole file silently.
CREATE PIPE IF NOT EXISTS CDC.FIRN.SHOP_CUSTOMERS_PIPE_2
  AUTO_INGEST = TRUE
  COMMENT = 'Loads landing files of topic shop.customers'
AS
COPY INTO CDC.FIRN.SHOP_CUSTOMERS_LANDING (
  kafka_topic, kafka_partition, kafka_offset, kafka_timestamp, row_index, kafka_key, headers, op, source_table, id, position,
  source_ts, before, after, meta, error, raw, file_name, file_row_number, load_time,
  staged_at
)
FROM (
  SELECT
    $1:kafka_topic::VARCHAR,
    $1:kafka_partition::NUMBER(10, 0),
    $1:kafka_offset::NUMBER(19, 0),
    $1:kafka_timestamp::NUMBER(19, 0),
    $1:row_index::NUMBER(10, 0),
    $1:kafka_key::VARCHAR(134217728),
    $1:headers::VARCHAR(134217728),
    $1:op::VARCHAR,
    $1:source_table::VARCHAR,
    $1:id::VARCHAR(134217728),
    $1:position::VARCHAR,
    $1:source_ts::NUMBER(19, 0),
    $1:before::VARCHAR(134217728),
    $1:after::VARCHAR(134217728),
    $1:meta::VARCHAR(134217728),
    $1:error::VARCHAR,
    $1:raw::VARCHAR(134217728),
    METADATA$FILENAME,
    METADATA$FILE_ROW_NUMBER,
    METADATA$START_SCAN_TIME,
    METADATA$FILE_LAST_MODIFIED
  FROM @CDC.FIRN.STAGE/shop.customers/
)
FILE_FORMAT = (FORMAT_NAME = 'CDC.FIRN.LANDING_FORMAT');

INSERT INTO CDC.FIRN.PIPES (pipe_name, noted_at)
SELECT 'SHOP_CUSTOMERS_PIPE_2', SYSDATE()
WHERE NOT EXISTS (SELECT 1 FROM CDC.FIRN.PIPES WHERE pipe_name = 'SHOP_CUSTOMERS_PIPE_2');

DROP PIPE IF EXISTS CDC.FIRN.SHOP_CUSTOMERS_PIPE;

-- Files that were staged before the pipe had its notifications.
ALTER PIPE CDC.FIRN.SHOP_CUSTOMERS_PIPE_2 REFRESH;

GRANT MONITOR ON PIPE CDC.FIRN.SHOP_CUSTOMERS_PIPE_2 TO ROLE FIRN_INGEST;
GRANT MONITOR, OPERATE ON PIPE CDC.FIRN.SHOP_CUSTOMERS_PIPE_2 TO ROLE FIRN_OPERATOR;

-- R__SHOP_ORDERS__10_landing.sql

-- compatible: adds only
-- per: topic
-- One row per change as it came off the stage, in the order of arrival. Never replaced: that would make its streams stale.
-- Text columns have the greatest length: the default of 16 MB would make a pipe skip a whole file for one long value.
CREATE TABLE IF NOT EXISTS CDC.FIRN.SHOP_ORDERS_LANDING (
  kafka_topic VARCHAR NOT NULL,
  kafka_partition NUMBER(10, 0) NOT NULL,
  kafka_offset NUMBER(19, 0) NOT NULL,
  kafka_timestamp NUMBER(19, 0) COMMENT 'ms since 1970, UTC',
  row_index NUMBER(10, 0) NOT NULL COMMENT '0, 1, ... where one message carries several changes',
  kafka_key VARCHAR(134217728) COMMENT 'as received; base64 where it is not UTF-8',
  headers VARCHAR(134217728) COMMENT 'JSON text',
  op VARCHAR NOT NULL COMMENT 'c create, u update, d delete, r snapshot read, t truncate, x reject',
  source_table VARCHAR,
  id VARCHAR(134217728) COMMENT 'primary key: the value of one column, a JSON array of several',
  position VARCHAR COMMENT 'orders the changes of one row',
  source_ts NUMBER(19, 0) COMMENT 'commit at the source, ms since 1970, UTC',
  before VARCHAR(134217728) COMMENT 'JSON text, byte for byte as sent',
  after VARCHAR(134217728) COMMENT 'JSON text, byte for byte as sent',
  meta VARCHAR(134217728) COMMENT 'JSON text: whatever else the envelope held',
  error VARCHAR COMMENT 'rejects only: failure code and reason',
  raw VARCHAR(134217728) COMMENT 'rejects only: the original value, base64',
  file_name VARCHAR NOT NULL COMMENT 'METADATA$FILENAME',
  file_row_number NUMBER(19, 0) NOT NULL COMMENT 'METADATA$FILE_ROW_NUMBER',
  load_time TIMESTAMP_LTZ NOT NULL COMMENT 'METADATA$START_SCAN_TIME'
)
  COMMENT = 'Landing rows of topic shop.orders';

-- Added after the first release; rows that were loaded before have none.
ALTER TABLE CDC.FIRN.SHOP_ORDERS_LANDING
  ADD COLUMN IF NOT EXISTS staged_at TIMESTAMP_NTZ COMMENT 'METADATA$FILE_LAST_MODIFIED: when the file was stored, UTC';

GRANT SELECT ON TABLE CDC.FIRN.SHOP_ORDERS_LANDING TO ROLE FIRN_INGEST;
GRANT SELECT, INSERT ON TABLE CDC.FIRN.SHOP_ORDERS_LANDING TO ROLE FIRN_OPERATOR;

-- R__SHOP_ORDERS__20_stream__SHOP_ORDER.sql

-- compatible: adds only
-- per: table
-- What the merge has not taken yet. Only the merge task may name it in a DML: any other one would advance it.
CREATE STREAM IF NOT EXISTS CDC.FIRN.SHOP_ORDER_STREAM ON TABLE CDC.FIRN.SHOP_ORDERS_LANDING
  APPEND_ONLY = TRUE
  SHOW_INITIAL_ROWS = TRUE
  COMMENT = 'Landing rows not merged into Shop.order yet';

-- To see whether it is close to stale. Who may read it could advance it only with a table to write to.
GRANT SELECT ON STREAM CDC.FIRN.SHOP_ORDER_STREAM TO ROLE FIRN_INGEST;
GRANT SELECT ON STREAM CDC.FIRN.SHOP_ORDER_STREAM TO ROLE FIRN_OPERATOR;

-- R__SHOP_ORDERS__20_stream__SHOP_MIXED_CASE.sql

-- compatible: adds only
-- per: table
-- What the merge has not taken yet. Only the merge task may name it in a DML: any other one would advance it.
CREATE STREAM IF NOT EXISTS CDC.FIRN.SHOP_MIXED_CASE_STREAM ON TABLE CDC.FIRN.SHOP_ORDERS_LANDING
  APPEND_ONLY = TRUE
  SHOW_INITIAL_ROWS = TRUE
  COMMENT = 'Landing rows not merged into Shop.Mixed Case yet';

-- To see whether it is close to stale. Who may read it could advance it only with a table to write to.
GRANT SELECT ON STREAM CDC.FIRN.SHOP_MIXED_CASE_STREAM TO ROLE FIRN_INGEST;
GRANT SELECT ON STREAM CDC.FIRN.SHOP_MIXED_CASE_STREAM TO ROLE FIRN_OPERATOR;

-- R__SHOP_ORDERS__30_target__SHOP_ORDER.sql

-- compatible: adds only
-- per: table
CREATE SCHEMA IF NOT EXISTS CDC."Shop"
  COMMENT = 'Tables that Firn keeps equal to their sources';

CREATE TABLE IF NOT EXISTS CDC."Shop"."order" (
  ID VARCHAR(134217728) NOT NULL COMMENT 'primary key: the value of one column, a JSON array of several',
  DATA VARIANT NOT NULL COMMENT 'the row after its newest change',
  LAST_UPDATED TIMESTAMP_NTZ NOT NULL COMMENT 'UTC; commit at the source, else the Kafka timestamp',
  _POSITION VARCHAR NOT NULL COMMENT 'position of the newest change; a change with a smaller one is not applied'
)
  COMMENT = 'Kept equal to its source by Firn, from topic shop.orders';

-- Also where the table was made for hard deletes before.
ALTER TABLE CDC."Shop"."order"
  ADD COLUMN IF NOT EXISTS _DELETED BOOLEAN COMMENT 'TRUE where the newest change is a delete';

GRANT USAGE ON SCHEMA CDC."Shop" TO ROLE FIRN_OPERATOR;
GRANT USAGE ON SCHEMA CDC."Shop" TO ROLE FIRN_READER;
GRANT SELECT ON TABLE CDC."Shop"."order" TO ROLE FIRN_OPERATOR;
GRANT SELECT ON TABLE CDC."Shop"."order" TO ROLE FIRN_READER;

-- R__SHOP_ORDERS__30_target__SHOP_MIXED_CASE.sql

-- compatible: adds only
-- per: table
CREATE SCHEMA IF NOT EXISTS CDC."Shop"
  COMMENT = 'Tables that Firn keeps equal to their sources';

CREATE TABLE IF NOT EXISTS CDC."Shop"."Mixed Case" (
  ID VARCHAR(134217728) NOT NULL COMMENT 'primary key: the value of one column, a JSON array of several',
  DATA VARIANT NOT NULL COMMENT 'the newest change: operation, before, after',
  LAST_UPDATED TIMESTAMP_NTZ NOT NULL COMMENT 'UTC; commit at the source, else the Kafka timestamp',
  _POSITION VARCHAR NOT NULL COMMENT 'position of the newest change; a change with a smaller one is not applied'
)
  COMMENT = 'Kept equal to its source by Firn, from topic shop.orders';


GRANT USAGE ON SCHEMA CDC."Shop" TO ROLE FIRN_OPERATOR;
GRANT USAGE ON SCHEMA CDC."Shop" TO ROLE FIRN_READER;
GRANT SELECT ON TABLE CDC."Shop"."Mixed Case" TO ROLE FIRN_OPERATOR;
GRANT SELECT ON TABLE CDC."Shop"."Mixed Case" TO ROLE FIRN_READER;

-- R__SHOP_ORDERS__40_tombstones__SHOP_ORDER.sql

-- compatible: adds only
-- per: table
-- Positions of deleted rows. Without them a late, older update would bring a deleted row back.
CREATE TABLE IF NOT EXISTS CDC.FIRN.SHOP_ORDER_TOMBSTONES (
  id VARCHAR(134217728) NOT NULL,
  position VARCHAR NOT NULL COMMENT 'position of the newest delete'
)
  COMMENT = 'Tombstones of Shop.order';

GRANT SELECT ON TABLE CDC.FIRN.SHOP_ORDER_TOMBSTONES TO ROLE FIRN_OPERATOR;

-- R__SHOP_ORDERS__40_tombstones__SHOP_MIXED_CASE.sql

-- compatible: adds only
-- per: table
-- Positions of deleted rows. Without them a late, older update would bring a deleted row back.
CREATE TABLE IF NOT EXISTS CDC.FIRN.SHOP_MIXED_CASE_TOMBSTONES (
  id VARCHAR(134217728) NOT NULL,
  position VARCHAR NOT NULL COMMENT 'position of the newest delete'
)
  COMMENT = 'Tombstones of Shop.Mixed Case';

GRANT SELECT ON TABLE CDC.FIRN.SHOP_MIXED_CASE_TOMBSTONES TO ROLE FIRN_OPERATOR;

-- R__SHOP_ORDERS__50_merge__SHOP_ORDER.sql

-- compatible: replaces the task
-- per: table
-- Applies what landed since the last run to the target, in one transaction that reads the stream more than once and advances it once.
-- Right in any order: per id the largest position wins, deletes are remembered, and rows that come again change nothing.
-- What cannot be applied is set aside before the newest change per id is chosen; otherwise the result would depend on how rows are grouped into runs.
CREATE OR REPLACE TASK CDC.FIRN.SHOP_ORDER_MERGE
  WAREHOUSE = FIRN_WH
  SCHEDULE = '1 MINUTE'
  SUSPEND_TASK_AFTER_NUM_FAILURES = 0
  COMMENT = 'Merges SHOP_ORDERS_LANDING into Shop.order'
  WHEN SYSTEM$STREAM_HAS_DATA('CDC.FIRN.SHOP_ORDER_STREAM')
AS
EXECUTE IMMEDIATE $$
BEGIN
  BEGIN TRANSACTION;

  MERGE INTO CDC."Shop"."order" t
  USING (
    SELECT
      c.id,
      c.op,
      c.position,
      c.before_json,
      c.after_json,
      c.changed_at,
      f.floor
    FROM (
      SELECT
        id,
        op,
        position,
        TRY_PARSE_JSON(before, 'd') AS before_json,
        TRY_PARSE_JSON(after, 'd') AS after_json,
        -- Kafka takes messages with no time, or with any: 1970 stands for none, and 9999 is the last year.
        TO_TIMESTAMP_NTZ(LEAST(GREATEST(COALESCE(source_ts, kafka_timestamp, 0), 0), 253402300799999), 3) AS changed_at
      FROM CDC.FIRN.SHOP_ORDER_STREAM
      WHERE op IN ('c', 'u', 'd', 'r')
        AND (before IS NULL OR TRY_PARSE_JSON(before, 'd') IS NOT NULL)
        AND (after IS NULL OR TRY_PARSE_JSON(after, 'd') IS NOT NULL)
    ) c
    CROSS JOIN (
      SELECT COALESCE(MAX(floor), '') AS floor
      FROM CDC.FIRN.FLOORS
      WHERE target_table = 'Shop.order'
    ) f
    LEFT JOIN CDC.FIRN.SHOP_ORDER_TOMBSTONES k ON k.id = c.id
    WHERE k.position IS NULL OR c.position > k.position
    QUALIFY ROW_NUMBER() OVER (PARTITION BY c.id ORDER BY c.position DESC) = 1
  ) s
  ON t.ID = s.id
  WHEN MATCHED AND s.position > t._POSITION THEN UPDATE SET
    DATA = COALESCE(s.after_json, s.before_json, TO_VARIANT(OBJECT_CONSTRUCT())),
    LAST_UPDATED = s.changed_at,
    _DELETED = s.op = 'd',
    _POSITION = s.position
  -- Below the floor the tombstone of a row that is not there may have been pruned; the change is listed with the rejects.
  WHEN NOT MATCHED AND s.position >= s.floor THEN INSERT (ID, DATA, LAST_UPDATED, _DELETED, _POSITION) VALUES (
    s.id,
    COALESCE(s.after_json, s.before_json, TO_VARIANT(OBJECT_CONSTRUCT())),
    s.changed_at,
    s.op = 'd',
    s.position
  );


  INSERT INTO CDC.FIRN.MERGE_REJECTS (
    target_table, kafka_topic, kafka_partition, kafka_offset, row_index, op, id, position, before, after, error, file_name, rejected_at
  )
  SELECT
    'Shop.order',
    s.kafka_topic,
    s.kafka_partition,
    s.kafka_offset,
    s.row_index,
    s.op,
    -- For people to find it; the whole of a longer one would not fit, and the merge must not fail for it.
    SUBSTR(s.id, 1, 65536),
    s.position,
    s.before,
    s.after,
    CASE
      WHEN s.op NOT IN ('c', 'u', 'd', 'r') THEN 'OP_UNKNOWN: the merge does not know this op'
      WHEN (s.before IS NOT NULL AND TRY_PARSE_JSON(s.before, 'd') IS NULL)
        OR (s.after IS NOT NULL AND TRY_PARSE_JSON(s.after, 'd') IS NULL)
        THEN 'JSON_REFUSED: the warehouse cannot parse before or after'
      ELSE 'BELOW_FLOOR: the row is not there, and its tombstone may have been pruned'
    END,
    s.file_name,
    SYSDATE()
  FROM CDC.FIRN.SHOP_ORDER_STREAM s
  CROSS JOIN (
    SELECT COALESCE(MAX(floor), '') AS floor
    FROM CDC.FIRN.FLOORS
    WHERE target_table = 'Shop.order'
  ) f
  -- Both as this transaction leaves them.
  LEFT JOIN CDC."Shop"."order" t ON t.ID = s.id AND s.position < f.floor
  LEFT JOIN CDC.FIRN.SHOP_ORDER_TOMBSTONES k ON k.id = s.id AND s.position < f.floor
  WHERE s.op <> 'x'
    AND (
      s.op NOT IN ('c', 'u', 'd', 'r')
      OR (s.before IS NOT NULL AND TRY_PARSE_JSON(s.before, 'd') IS NULL)
      OR (s.after IS NOT NULL AND TRY_PARSE_JSON(s.after, 'd') IS NULL)
      OR (s.position < f.floor AND t.ID IS NULL)
    );

  INSERT INTO CDC.FIRN.MERGED_FILES (
    target_table, file_name, kafka_topic, kafka_partition, first_offset, last_offset, row_count, reject_count, newest_ts, merged_at
  )
  SELECT
    'Shop.order',
    file_name,
    kafka_topic,
    kafka_partition,
    MIN(kafka_offset),
    MAX(kafka_offset),
    COUNT(*),
    SUM(CASE
      WHEN op NOT IN ('c', 'u', 'd', 'r')
        OR (before IS NOT NULL AND TRY_PARSE_JSON(before, 'd') IS NULL)
        OR (after IS NOT NULL AND TRY_PARSE_JSON(after, 'd') IS NULL)
      THEN 1 ELSE 0
    END),
    MAX(COALESCE(source_ts, kafka_timestamp)),
    SYSDATE()
  FROM CDC.FIRN.SHOP_ORDER_STREAM
  GROUP BY file_name, kafka_topic, kafka_partition;

  COMMIT;
EXCEPTION
  WHEN OTHER THEN
    ROLLBACK;
    RAISE;
END;
$$;

ALTER TASK CDC.FIRN.SHOP_ORDER_MERGE RESUME;

GRANT MONITOR ON TASK CDC.FIRN.SHOP_ORDER_MERGE TO ROLE FIRN_INGEST;
GRANT MONITOR, OPERATE ON TASK CDC.FIRN.SHOP_ORDER_MERGE TO ROLE FIRN_OPERATOR;

-- R__SHOP_ORDERS__50_merge__SHOP_MIXED_CASE.sql

-- compatible: replaces the task
-- per: table
-- Applies what landed since the last run to the target, in one transaction that reads the stream more than once and advances it once.
-- Right in any order: per id the largest position wins, deletes are remembered, and rows that come again change nothing.
-- What cannot be applied is set aside before the newest change per id is chosen; otherwise the result would depend on how rows are grouped into runs.
CREATE OR REPLACE TASK CDC.FIRN.SHOP_MIXED_CASE_MERGE
  WAREHOUSE = FIRN_WH
  SCHEDULE = '1 MINUTE'
  SUSPEND_TASK_AFTER_NUM_FAILURES = 0
  COMMENT = 'Merges SHOP_ORDERS_LANDING into Shop.Mixed Case'
  WHEN SYSTEM$STREAM_HAS_DATA('CDC.FIRN.SHOP_MIXED_CASE_STREAM')
AS
EXECUTE IMMEDIATE $$
BEGIN
  BEGIN TRANSACTION;

  MERGE INTO CDC."Shop"."Mixed Case" t
  USING (
    SELECT
      c.id,
      c.op,
      c.position,
      c.before_json,
      c.after_json,
      c.changed_at,
      f.floor
    FROM (
      SELECT
        id,
        op,
        position,
        TRY_PARSE_JSON(before, 'd') AS before_json,
        TRY_PARSE_JSON(after, 'd') AS after_json,
        -- Kafka takes messages with no time, or with any: 1970 stands for none, and 9999 is the last year.
        TO_TIMESTAMP_NTZ(LEAST(GREATEST(COALESCE(source_ts, kafka_timestamp, 0), 0), 253402300799999), 3) AS changed_at
      FROM CDC.FIRN.SHOP_MIXED_CASE_STREAM
      WHERE op IN ('c', 'u', 'd', 'r')
        AND (before IS NULL OR TRY_PARSE_JSON(before, 'd') IS NOT NULL)
        AND (after IS NULL OR TRY_PARSE_JSON(after, 'd') IS NOT NULL)
    ) c
    CROSS JOIN (
      SELECT COALESCE(MAX(floor), '') AS floor
      FROM CDC.FIRN.FLOORS
      WHERE target_table = 'Shop.Mixed Case'
    ) f
    LEFT JOIN CDC.FIRN.SHOP_MIXED_CASE_TOMBSTONES k ON k.id = c.id
    WHERE k.position IS NULL OR c.position > k.position
    QUALIFY ROW_NUMBER() OVER (PARTITION BY c.id ORDER BY c.position DESC) = 1
  ) s
  ON t.ID = s.id
  WHEN MATCHED AND s.position > t._POSITION AND s.op = 'd' THEN DELETE
  WHEN MATCHED AND s.position > t._POSITION THEN UPDATE SET
    DATA = OBJECT_CONSTRUCT_KEEP_NULL(
      'operation', CASE s.op WHEN 'u' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'INSERT' END, 'before', s.before_json, 'after', s.after_json
    ),
    LAST_UPDATED = s.changed_at,
    _POSITION = s.position
  -- Below the floor the tombstone of a row that is not there may have been pruned; the change is listed with the rejects.
  WHEN NOT MATCHED AND s.op <> 'd' AND s.position >= s.floor THEN INSERT (ID, DATA, LAST_UPDATED, _POSITION) VALUES (
    s.id,
    OBJECT_CONSTRUCT_KEEP_NULL(
      'operation', CASE s.op WHEN 'u' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'INSERT' END, 'before', s.before_json, 'after', s.after_json
    ),
    s.changed_at,
    s.position
  );

  MERGE INTO CDC.FIRN.SHOP_MIXED_CASE_TOMBSTONES k
  USING (
    SELECT id, MAX(position) AS newest
    FROM CDC.FIRN.SHOP_MIXED_CASE_STREAM
    WHERE op = 'd'
      AND (before IS NULL OR TRY_PARSE_JSON(before, 'd') IS NOT NULL)
      AND (after IS NULL OR TRY_PARSE_JSON(after, 'd') IS NOT NULL)
    GROUP BY id
  ) s
  ON k.id = s.id
  WHEN MATCHED AND s.newest > k.position THEN UPDATE SET position = s.newest
  WHEN NOT MATCHED THEN INSERT (id, position) VALUES (s.id, s.newest);

  INSERT INTO CDC.FIRN.MERGE_REJECTS (
    target_table, kafka_topic, kafka_partition, kafka_offset, row_index, op, id, position, before, after, error, file_name, rejected_at
  )
  SELECT
    'Shop.Mixed Case',
    s.kafka_topic,
    s.kafka_partition,
    s.kafka_offset,
    s.row_index,
    s.op,
    -- For people to find it; the whole of a longer one would not fit, and the merge must not fail for it.
    SUBSTR(s.id, 1, 65536),
    s.position,
    s.before,
    s.after,
    CASE
      WHEN s.op NOT IN ('c', 'u', 'd', 'r') THEN 'OP_UNKNOWN: the merge does not know this op'
      WHEN (s.before IS NOT NULL AND TRY_PARSE_JSON(s.before, 'd') IS NULL)
        OR (s.after IS NOT NULL AND TRY_PARSE_JSON(s.after, 'd') IS NULL)
        THEN 'JSON_REFUSED: the warehouse cannot parse before or after'
      ELSE 'BELOW_FLOOR: the row is not there, and its tombstone may have been pruned'
    END,
    s.file_name,
    SYSDATE()
  FROM CDC.FIRN.SHOP_MIXED_CASE_STREAM s
  CROSS JOIN (
    SELECT COALESCE(MAX(floor), '') AS floor
    FROM CDC.FIRN.FLOORS
    WHERE target_table = 'Shop.Mixed Case'
  ) f
  -- Both as this transaction leaves them.
  LEFT JOIN CDC."Shop"."Mixed Case" t ON t.ID = s.id AND s.position < f.floor
  LEFT JOIN CDC.FIRN.SHOP_MIXED_CASE_TOMBSTONES k ON k.id = s.id AND s.position < f.floor
  WHERE s.op <> 'x'
    AND (
      s.op NOT IN ('c', 'u', 'd', 'r')
      OR (s.before IS NOT NULL AND TRY_PARSE_JSON(s.before, 'd') IS NULL)
      OR (s.after IS NOT NULL AND TRY_PARSE_JSON(s.after, 'd') IS NULL)
      OR (s.position < f.floor AND s.op <> 'd' AND t.ID IS NULL AND (k.position IS NULL OR k.position < s.position))
    );

  INSERT INTO CDC.FIRN.MERGED_FILES (
    target_table, file_name, kafka_topic, kafka_partition, first_offset, last_offset, row_count, reject_count, newest_ts, merged_at
  )
  SELECT
    'Shop.Mixed Case',
    file_name,
    kafka_topic,
    kafka_partition,
    MIN(kafka_offset),
    MAX(kafka_offset),
    COUNT(*),
    SUM(CASE
      WHEN op NOT IN ('c', 'u', 'd', 'r')
        OR (before IS NOT NULL AND TRY_PARSE_JSON(before, 'd') IS NULL)
        OR (after IS NOT NULL AND TRY_PARSE_JSON(after, 'd') IS NULL)
      THEN 1 ELSE 0
    END),
    MAX(COALESCE(source_ts, kafka_timestamp)),
    SYSDATE()
  FROM CDC.FIRN.SHOP_MIXED_CASE_STREAM
  GROUP BY file_name, kafka_topic, kafka_partition;

  COMMIT;
EXCEPTION
  WHEN OTHER THEN
    ROLLBACK;
    RAISE;
END;
$$;

ALTER TASK CDC.FIRN.SHOP_MIXED_CASE_MERGE RESUME;

GRANT MONITOR ON TASK CDC.FIRN.SHOP_MIXED_CASE_MERGE TO ROLE FIRN_INGEST;
GRANT MONITOR, OPERATE ON TASK CDC.FIRN.SHOP_MIXED_CASE_MERGE TO ROLE FIRN_OPERATOR;

-- R__SHOP_ORDERS__60_rejects__SHOP_ORDER.sql

-- compatible: replaces the view
-- per: table
-- Shows what is open. The place of a message is epoch, partition and offset, since offsets begin anew with each epoch. A reject
-- has no position, so its epoch is read from the name of its file: <topic>/e<epoch>/<partition>/<offsets>.parquet.
-- A message is either all changes or one reject: where changes of it have landed, its reject is resolved. A change that the
-- merge has refused is resolved where a later revision of it has landed. What was rejected several times is one row, the newest.
-- Retention goes by the same rules: whoever changes them here changes them in 65_retention.sql.
CREATE OR REPLACE VIEW CDC.FIRN.SHOP_ORDER_REJECTS
  COMMENT = 'Messages of topic shop.orders that did not become a row of Shop.order so far, and why'
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
    FROM CDC.FIRN.SHOP_ORDERS_LANDING
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
  FROM CDC.FIRN.SHOP_ORDERS_LANDING
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
    FROM CDC.FIRN.MERGE_REJECTS
    WHERE target_table = 'Shop.order'
  ) x
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY kafka_topic, epoch_folder, kafka_partition, kafka_offset, row_index
    ORDER BY position DESC NULLS LAST, rejected_at DESC, file_name DESC, error
  ) = 1
) r
LEFT JOIN (
  SELECT kafka_topic, SPLIT_PART(file_name, '/', -3) AS epoch_folder, kafka_partition, kafka_offset, row_index, position
  FROM CDC.FIRN.SHOP_ORDERS_LANDING
) c
  ON c.kafka_topic = r.kafka_topic
  AND c.epoch_folder = r.epoch_folder
  AND c.kafka_partition = r.kafka_partition
  AND c.kafka_offset = r.kafka_offset
  AND c.row_index = r.row_index
  AND c.position > r.position
WHERE c.kafka_offset IS NULL;

GRANT SELECT ON VIEW CDC.FIRN.SHOP_ORDER_REJECTS TO ROLE FIRN_OPERATOR;
GRANT SELECT ON VIEW CDC.FIRN.SHOP_ORDER_REJECTS TO ROLE FIRN_READER;

-- R__SHOP_ORDERS__60_rejects__SHOP_MIXED_CASE.sql

-- compatible: replaces the view
-- per: table
-- Shows what is open. The place of a message is epoch, partition and offset, since offsets begin anew with each epoch. A reject
-- has no position, so its epoch is read from the name of its file: <topic>/e<epoch>/<partition>/<offsets>.parquet.
-- A message is either all changes or one reject: where changes of it have landed, its reject is resolved. A change that the
-- merge has refused is resolved where a later revision of it has landed. What was rejected several times is one row, the newest.
-- Retention goes by the same rules: whoever changes them here changes them in 65_retention.sql.
CREATE OR REPLACE VIEW CDC.FIRN.SHOP_MIXED_CASE_REJECTS
  COMMENT = 'Messages of topic shop.orders that did not become a row of Shop.Mixed Case so far, and why'
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
    FROM CDC.FIRN.SHOP_ORDERS_LANDING
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
  FROM CDC.FIRN.SHOP_ORDERS_LANDING
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
    FROM CDC.FIRN.MERGE_REJECTS
    WHERE target_table = 'Shop.Mixed Case'
  ) x
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY kafka_topic, epoch_folder, kafka_partition, kafka_offset, row_index
    ORDER BY position DESC NULLS LAST, rejected_at DESC, file_name DESC, error
  ) = 1
) r
LEFT JOIN (
  SELECT kafka_topic, SPLIT_PART(file_name, '/', -3) AS epoch_folder, kafka_partition, kafka_offset, row_index, position
  FROM CDC.FIRN.SHOP_ORDERS_LANDING
) c
  ON c.kafka_topic = r.kafka_topic
  AND c.epoch_folder = r.epoch_folder
  AND c.kafka_partition = r.kafka_partition
  AND c.kafka_offset = r.kafka_offset
  AND c.row_index = r.row_index
  AND c.position > r.position
WHERE c.kafka_offset IS NULL;

GRANT SELECT ON VIEW CDC.FIRN.SHOP_MIXED_CASE_REJECTS TO ROLE FIRN_OPERATOR;
GRANT SELECT ON VIEW CDC.FIRN.SHOP_MIXED_CASE_REJECTS TO ROLE FIRN_READER;

-- R__SHOP_ORDERS__61_history__SHOP_ORDER.sql

-- compatible: replaces the view
-- per: table
-- Reaches back as far as the landing table does. A delete ends the version before it and is none itself.
CREATE OR REPLACE VIEW CDC."Shop"."order_HISTORY"
  COMMENT = 'Every version of each row of Shop.order that the landing table still holds, and when it was valid'
AS
SELECT
  ID, OPERATION, DATA, VALID_FROM, VALID_TO, _POSITION
FROM (
  SELECT
    c.id AS ID,
    CASE c.op WHEN 'u' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'INSERT' END AS OPERATION,
    COALESCE(c.after_json, c.before_json, TO_VARIANT(OBJECT_CONSTRUCT())) AS DATA,
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
    FROM CDC.FIRN.SHOP_ORDERS_LANDING
    WHERE op IN ('c', 'u', 'd', 'r')
      AND (before IS NULL OR TRY_PARSE_JSON(before, 'd') IS NOT NULL)
      AND (after IS NULL OR TRY_PARSE_JSON(after, 'd') IS NOT NULL)
    -- The same change may have landed more than once.
    QUALIFY ROW_NUMBER() OVER (PARTITION BY id, position ORDER BY load_time, file_name, file_row_number) = 1
  ) c
) v
WHERE OPERATION <> 'DELETE';

GRANT SELECT ON VIEW CDC."Shop"."order_HISTORY" TO ROLE FIRN_OPERATOR;
GRANT SELECT ON VIEW CDC."Shop"."order_HISTORY" TO ROLE FIRN_READER;

-- R__SHOP_ORDERS__61_history__SHOP_MIXED_CASE.sql

-- compatible: replaces the view
-- per: table
-- Reaches back as far as the landing table does. A delete ends the version before it and is none itself.
CREATE OR REPLACE VIEW CDC."Shop"."Mixed Case_HISTORY"
  COMMENT = 'Every version of each row of Shop.Mixed Case that the landing table still holds, and when it was valid'
AS
SELECT
  ID, OPERATION, DATA, VALID_FROM, VALID_TO, _POSITION
FROM (
  SELECT
    c.id AS ID,
    CASE c.op WHEN 'u' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'INSERT' END AS OPERATION,
    OBJECT_CONSTRUCT_KEEP_NULL(
      'operation', CASE c.op WHEN 'u' THEN 'UPDATE' ELSE 'INSERT' END, 'before', c.before_json, 'after', c.after_json
    ) AS DATA,
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
    FROM CDC.FIRN.SHOP_ORDERS_LANDING
    WHERE op IN ('c', 'u', 'd', 'r')
      AND (before IS NULL OR TRY_PARSE_JSON(before, 'd') IS NOT NULL)
      AND (after IS NULL OR TRY_PARSE_JSON(after, 'd') IS NOT NULL)
    -- The same change may have landed more than once.
    QUALIFY ROW_NUMBER() OVER (PARTITION BY id, position ORDER BY load_time, file_name, file_row_number) = 1
  ) c
) v
WHERE OPERATION <> 'DELETE';

GRANT SELECT ON VIEW CDC."Shop"."Mixed Case_HISTORY" TO ROLE FIRN_OPERATOR;
GRANT SELECT ON VIEW CDC."Shop"."Mixed Case_HISTORY" TO ROLE FIRN_READER;

-- R__SHOP_ORDERS__62_live__SHOP_ORDER.sql

-- compatible: replaces the view
-- per: table
-- Never by way of the stream: whoever copied this view into a table would advance it, and the merge would miss the rows.
-- What waits for the merge is told by MERGED_FILES instead. A merge takes all that was loaded before it began, so rows that
-- were loaded long before the last one are not looked at: two days are more than a load and a time zone take.
CREATE OR REPLACE VIEW CDC."Shop"."order_LIVE"
  COMMENT = 'Shop.order together with what is loaded and not merged yet'
AS
WITH merged AS (
  SELECT COALESCE(MAX(merged_at), TO_TIMESTAMP_NTZ(0, 3)) AS last_at
  FROM CDC.FIRN.MERGED_FILES
  WHERE target_table = 'Shop.order'
),
floors AS (
  SELECT COALESCE(MAX(floor), '') AS floor
  FROM CDC.FIRN.FLOORS
  WHERE target_table = 'Shop.order'
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
    FROM CDC.FIRN.SHOP_ORDERS_LANDING l
    CROSS JOIN merged m
    LEFT JOIN (
      SELECT DISTINCT file_name
      FROM CDC.FIRN.MERGED_FILES
      WHERE target_table = 'Shop.order'
    ) f ON f.file_name = l.file_name
    WHERE f.file_name IS NULL
      AND l.load_time > DATEADD('day', -2, m.last_at)
      AND l.op IN ('c', 'u', 'd', 'r')
      AND (l.before IS NULL OR TRY_PARSE_JSON(l.before, 'd') IS NOT NULL)
      AND (l.after IS NULL OR TRY_PARSE_JSON(l.after, 'd') IS NOT NULL)
  ) c
  LEFT JOIN CDC.FIRN.SHOP_ORDER_TOMBSTONES k ON k.id = c.id
  WHERE k.position IS NULL OR c.position > k.position
  QUALIFY ROW_NUMBER() OVER (PARTITION BY c.id ORDER BY c.position DESC) = 1
)
SELECT
  t.ID,
  t.DATA,
  t.LAST_UPDATED,
  t._POSITION,
  t._DELETED
FROM CDC."Shop"."order" t
LEFT JOIN waiting w ON w.id = t.ID
WHERE w.id IS NULL OR w.position <= t._POSITION
UNION ALL
SELECT
  w.id,
  COALESCE(w.after_json, w.before_json, TO_VARIANT(OBJECT_CONSTRUCT())),
  w.changed_at,
  w.position,
  w.op = 'd'
FROM waiting w
CROSS JOIN floors f
LEFT JOIN CDC."Shop"."order" t ON t.ID = w.id
WHERE (t.ID IS NULL OR w.position > t._POSITION)
  AND (t.ID IS NOT NULL OR w.position >= f.floor);

GRANT SELECT ON VIEW CDC."Shop"."order_LIVE" TO ROLE FIRN_OPERATOR;
GRANT SELECT ON VIEW CDC."Shop"."order_LIVE" TO ROLE FIRN_READER;

-- R__SHOP_ORDERS__62_live__SHOP_MIXED_CASE.sql

-- compatible: replaces the view
-- per: table
-- Never by way of the stream: whoever copied this view into a table would advance it, and the merge would miss the rows.
-- What waits for the merge is told by MERGED_FILES instead. A merge takes all that was loaded before it began, so rows that
-- were loaded long before the last one are not looked at: two days are more than a load and a time zone take.
CREATE OR REPLACE VIEW CDC."Shop"."Mixed Case_LIVE"
  COMMENT = 'Shop.Mixed Case together with what is loaded and not merged yet'
AS
WITH merged AS (
  SELECT COALESCE(MAX(merged_at), TO_TIMESTAMP_NTZ(0, 3)) AS last_at
  FROM CDC.FIRN.MERGED_FILES
  WHERE target_table = 'Shop.Mixed Case'
),
floors AS (
  SELECT COALESCE(MAX(floor), '') AS floor
  FROM CDC.FIRN.FLOORS
  WHERE target_table = 'Shop.Mixed Case'
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
    FROM CDC.FIRN.SHOP_ORDERS_LANDING l
    CROSS JOIN merged m
    LEFT JOIN (
      SELECT DISTINCT file_name
      FROM CDC.FIRN.MERGED_FILES
      WHERE target_table = 'Shop.Mixed Case'
    ) f ON f.file_name = l.file_name
    WHERE f.file_name IS NULL
      AND l.load_time > DATEADD('day', -2, m.last_at)
      AND l.op IN ('c', 'u', 'd', 'r')
      AND (l.before IS NULL OR TRY_PARSE_JSON(l.before, 'd') IS NOT NULL)
      AND (l.after IS NULL OR TRY_PARSE_JSON(l.after, 'd') IS NOT NULL)
  ) c
  LEFT JOIN CDC.FIRN.SHOP_MIXED_CASE_TOMBSTONES k ON k.id = c.id
  WHERE k.position IS NULL OR c.position > k.position
  QUALIFY ROW_NUMBER() OVER (PARTITION BY c.id ORDER BY c.position DESC) = 1
)
SELECT
  t.ID,
  t.DATA,
  t.LAST_UPDATED,
  t._POSITION
FROM CDC."Shop"."Mixed Case" t
LEFT JOIN waiting w ON w.id = t.ID
WHERE w.id IS NULL OR w.position <= t._POSITION
UNION ALL
SELECT
  w.id,
  OBJECT_CONSTRUCT_KEEP_NULL(
    'operation', CASE w.op WHEN 'u' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'INSERT' END, 'before', w.before_json, 'after', w.after_json
  ),
  w.changed_at,
  w.position
FROM waiting w
CROSS JOIN floors f
LEFT JOIN CDC."Shop"."Mixed Case" t ON t.ID = w.id
WHERE (t.ID IS NULL OR w.position > t._POSITION)
  AND w.op <> 'd'
  AND (t.ID IS NOT NULL OR w.position >= f.floor);

GRANT SELECT ON VIEW CDC."Shop"."Mixed Case_LIVE" TO ROLE FIRN_OPERATOR;
GRANT SELECT ON VIEW CDC."Shop"."Mixed Case_LIVE" TO ROLE FIRN_READER;

-- R__SHOP_ORDERS__65_retention__SHOP_ORDER.sql

-- compatible: replaces the task
-- per: table
-- Prunes what is no longer needed. Asks MERGED_FILES, never the stream, whether a landing row was merged: by every table of the topic.
-- Rejects stay, for they are nowhere else: somebody has yet to decide what becomes of them. Those that are resolved go, by the
-- rules of 60_rejects.sql, and always before what resolves them, or they would look open again.
-- Tombstones go only where an operator has raised the floor; every statement that misses one of them then sees the floor too.
CREATE OR REPLACE TASK CDC.FIRN.SHOP_ORDER_RETENTION
  WAREHOUSE = FIRN_WH
  SCHEDULE = 'USING CRON 17 3 * * * UTC'
  SUSPEND_TASK_AFTER_NUM_FAILURES = 0
  COMMENT = 'Prunes landing rows of topic shop.orders after 30 days, and tombstones of Shop.order below its floor'
AS
EXECUTE IMMEDIATE $$
BEGIN
  MERGE INTO CDC.FIRN.MERGE_REJECTS m
  USING (
    SELECT DISTINCT
      r.target_table, r.kafka_topic, r.kafka_partition, r.kafka_offset, r.row_index, r.position, r.file_name
    FROM CDC.FIRN.MERGE_REJECTS r
    INNER JOIN CDC.FIRN.SHOP_ORDERS_LANDING c
      ON c.kafka_topic = r.kafka_topic
      AND SPLIT_PART(c.file_name, '/', -3) = SPLIT_PART(r.file_name, '/', -3)
      AND c.kafka_partition = r.kafka_partition
      AND c.kafka_offset = r.kafka_offset
      AND c.row_index = r.row_index
      AND c.position > r.position
    WHERE r.target_table IN ('Shop.order', 'Shop.Mixed Case')
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
  MERGE INTO CDC.FIRN.SHOP_ORDERS_LANDING l
  USING (
    SELECT DISTINCT r.kafka_partition, r.kafka_offset, r.file_name
    FROM CDC.FIRN.SHOP_ORDERS_LANDING r
    INNER JOIN CDC.FIRN.SHOP_ORDERS_LANDING c
      ON c.op <> 'x'
      AND SPLIT_PART(c.file_name, '/', -3) = SPLIT_PART(r.file_name, '/', -3)
      AND c.kafka_partition = r.kafka_partition
      AND c.kafka_offset = r.kafka_offset
    WHERE r.op = 'x'
      AND r.load_time < DATEADD('day', -30, CURRENT_TIMESTAMP())
      AND r.file_name IN (
        SELECT file_name
        FROM CDC.FIRN.MERGED_FILES
        WHERE target_table IN ('Shop.order', 'Shop.Mixed Case')
        GROUP BY file_name
        HAVING COUNT(DISTINCT target_table) = 2
      )
  ) s
  ON l.op = 'x'
    AND l.load_time < DATEADD('day', -30, CURRENT_TIMESTAMP())
    AND l.kafka_partition = s.kafka_partition
    AND l.kafka_offset = s.kafka_offset
    AND l.file_name = s.file_name
  WHEN MATCHED THEN DELETE;

  DELETE FROM CDC.FIRN.SHOP_ORDERS_LANDING
  WHERE load_time < DATEADD('day', -30, CURRENT_TIMESTAMP())
    AND op <> 'x'
    AND file_name IN (
      SELECT file_name
      FROM CDC.FIRN.MERGED_FILES
      WHERE target_table IN ('Shop.order', 'Shop.Mixed Case')
      GROUP BY file_name
      HAVING COUNT(DISTINCT target_table) = 2
    )
    -- What resolves a reject that is still there (its file was loaded again) stays as long as that.
    AND SPLIT_PART(file_name, '/', -3) || ' ' || kafka_partition || ' ' || kafka_offset NOT IN (
      SELECT SPLIT_PART(file_name, '/', -3) || ' ' || kafka_partition || ' ' || kafka_offset
      FROM CDC.FIRN.SHOP_ORDERS_LANDING
      WHERE op = 'x'
    );

  DELETE FROM CDC.FIRN.SHOP_ORDER_TOMBSTONES
  WHERE position < (
    SELECT COALESCE(MAX(floor), '')
    FROM CDC.FIRN.FLOORS
    WHERE target_table = 'Shop.order'
  );
END;
$$;

ALTER TASK CDC.FIRN.SHOP_ORDER_RETENTION RESUME;

GRANT MONITOR ON TASK CDC.FIRN.SHOP_ORDER_RETENTION TO ROLE FIRN_INGEST;
GRANT MONITOR, OPERATE ON TASK CDC.FIRN.SHOP_ORDER_RETENTION TO ROLE FIRN_OPERATOR;

-- R__SHOP_ORDERS__65_retention__SHOP_MIXED_CASE.sql

-- compatible: replaces the task
-- per: table
-- Prunes what is no longer needed. Asks MERGED_FILES, never the stream, whether a landing row was merged: by every table of the topic.
-- Rejects stay, for they are nowhere else: somebody has yet to decide what becomes of them. Those that are resolved go, by the
-- rules of 60_rejects.sql, and always before what resolves them, or they would look open again.
-- Tombstones go only where an operator has raised the floor; every statement that misses one of them then sees the floor too.
CREATE OR REPLACE TASK CDC.FIRN.SHOP_MIXED_CASE_RETENTION
  WAREHOUSE = FIRN_WH
  SCHEDULE = 'USING CRON 17 3 * * * UTC'
  SUSPEND_TASK_AFTER_NUM_FAILURES = 0
  COMMENT = 'Prunes landing rows of topic shop.orders after 30 days, and tombstones of Shop.Mixed Case below its floor'
AS
EXECUTE IMMEDIATE $$
BEGIN
  MERGE INTO CDC.FIRN.MERGE_REJECTS m
  USING (
    SELECT DISTINCT
      r.target_table, r.kafka_topic, r.kafka_partition, r.kafka_offset, r.row_index, r.position, r.file_name
    FROM CDC.FIRN.MERGE_REJECTS r
    INNER JOIN CDC.FIRN.SHOP_ORDERS_LANDING c
      ON c.kafka_topic = r.kafka_topic
      AND SPLIT_PART(c.file_name, '/', -3) = SPLIT_PART(r.file_name, '/', -3)
      AND c.kafka_partition = r.kafka_partition
      AND c.kafka_offset = r.kafka_offset
      AND c.row_index = r.row_index
      AND c.position > r.position
    WHERE r.target_table IN ('Shop.order', 'Shop.Mixed Case')
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
  MERGE INTO CDC.FIRN.SHOP_ORDERS_LANDING l
  USING (
    SELECT DISTINCT r.kafka_partition, r.kafka_offset, r.file_name
    FROM CDC.FIRN.SHOP_ORDERS_LANDING r
    INNER JOIN CDC.FIRN.SHOP_ORDERS_LANDING c
      ON c.op <> 'x'
      AND SPLIT_PART(c.file_name, '/', -3) = SPLIT_PART(r.file_name, '/', -3)
      AND c.kafka_partition = r.kafka_partition
      AND c.kafka_offset = r.kafka_offset
    WHERE r.op = 'x'
      AND r.load_time < DATEADD('day', -30, CURRENT_TIMESTAMP())
      AND r.file_name IN (
        SELECT file_name
        FROM CDC.FIRN.MERGED_FILES
        WHERE target_table IN ('Shop.order', 'Shop.Mixed Case')
        GROUP BY file_name
        HAVING COUNT(DISTINCT target_table) = 2
      )
  ) s
  ON l.op = 'x'
    AND l.load_time < DATEADD('day', -30, CURRENT_TIMESTAMP())
    AND l.kafka_partition = s.kafka_partition
    AND l.kafka_offset = s.kafka_offset
    AND l.file_name = s.file_name
  WHEN MATCHED THEN DELETE;

  DELETE FROM CDC.FIRN.SHOP_ORDERS_LANDING
  WHERE load_time < DATEADD('day', -30, CURRENT_TIMESTAMP())
    AND op <> 'x'
    AND file_name IN (
      SELECT file_name
      FROM CDC.FIRN.MERGED_FILES
      WHERE target_table IN ('Shop.order', 'Shop.Mixed Case')
      GROUP BY file_name
      HAVING COUNT(DISTINCT target_table) = 2
    )
    -- What resolves a reject that is still there (its file was loaded again) stays as long as that.
    AND SPLIT_PART(file_name, '/', -3) || ' ' || kafka_partition || ' ' || kafka_offset NOT IN (
      SELECT SPLIT_PART(file_name, '/', -3) || ' ' || kafka_partition || ' ' || kafka_offset
      FROM CDC.FIRN.SHOP_ORDERS_LANDING
      WHERE op = 'x'
    );

  DELETE FROM CDC.FIRN.SHOP_MIXED_CASE_TOMBSTONES
  WHERE position < (
    SELECT COALESCE(MAX(floor), '')
    FROM CDC.FIRN.FLOORS
    WHERE target_table = 'Shop.Mixed Case'
  );
END;
$$;

ALTER TASK CDC.FIRN.SHOP_MIXED_CASE_RETENTION RESUME;

GRANT MONITOR ON TASK CDC.FIRN.SHOP_MIXED_CASE_RETENTION TO ROLE FIRN_INGEST;
GRANT MONITOR, OPERATE ON TASK CDC.FIRN.SHOP_MIXED_CASE_RETENTION TO ROLE FIRN_OPERATOR;

-- R__SHOP_ORDERS__70_pipe.sql

-- compatible: replaces the pipe
-- per: topic
-- After the streams: no file may load before its stream exists. Never replaced: that would lose its load history. A pipe's COPY cannot be
-- altered, so a changed one is a successor under the next number: it is there before the former one goes, and REFRESH gives it
-- the files that waited at that one. Files that come twice change nothing.
-- Casts only, no JSON parsing: one bad row in a pipe's COPY drops the whole file silently.
CREATE PIPE IF NOT EXISTS CDC.FIRN.SHOP_ORDERS_PIPE_2
  AUTO_INGEST = TRUE
  COMMENT = 'Loads landing files of topic shop.orders'
AS
COPY INTO CDC.FIRN.SHOP_ORDERS_LANDING (
  kafka_topic, kafka_partition, kafka_offset, kafka_timestamp, row_index, kafka_key, headers, op, source_table, id, position,
  source_ts, before, after, meta, error, raw, file_name, file_row_number, load_time,
  staged_at
)
FROM (
  SELECT
    $1:kafka_topic::VARCHAR,
    $1:kafka_partition::NUMBER(10, 0),
    $1:kafka_offset::NUMBER(19, 0),
    $1:kafka_timestamp::NUMBER(19, 0),
    $1:row_index::NUMBER(10, 0),
    $1:kafka_key::VARCHAR(134217728),
    $1:headers::VARCHAR(134217728),
    $1:op::VARCHAR,
    $1:source_table::VARCHAR,
    $1:id::VARCHAR(134217728),
    $1:position::VARCHAR,
    $1:source_ts::NUMBER(19, 0),
    $1:before::VARCHAR(134217728),
    $1:after::VARCHAR(134217728),
    $1:meta::VARCHAR(134217728),
    $1:error::VARCHAR,
    $1:raw::VARCHAR(134217728),
    METADATA$FILENAME,
    METADATA$FILE_ROW_NUMBER,
    METADATA$START_SCAN_TIME,
    METADATA$FILE_LAST_MODIFIED
  FROM @CDC.FIRN.STAGE/shop.orders/
)
FILE_FORMAT = (FORMAT_NAME = 'CDC.FIRN.LANDING_FORMAT');

INSERT INTO CDC.FIRN.PIPES (pipe_name, noted_at)
SELECT 'SHOP_ORDERS_PIPE_2', SYSDATE()
WHERE NOT EXISTS (SELECT 1 FROM CDC.FIRN.PIPES WHERE pipe_name = 'SHOP_ORDERS_PIPE_2');

DROP PIPE IF EXISTS CDC.FIRN.SHOP_ORDERS_PIPE;

-- Files that were staged before the pipe had its notifications.
ALTER PIPE CDC.FIRN.SHOP_ORDERS_PIPE_2 REFRESH;

GRANT MONITOR ON PIPE CDC.FIRN.SHOP_ORDERS_PIPE_2 TO ROLE FIRN_INGEST;
GRANT MONITOR, OPERATE ON PIPE CDC.FIRN.SHOP_ORDERS_PIPE_2 TO ROLE FIRN_OPERATOR;

