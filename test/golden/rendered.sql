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

-- 10_landing.sql shop.customers

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

-- 20_stream.sql SHOP.CUSTOMERS

-- compatible: adds only
-- per: table
-- What the merge has not taken yet. Only the merge task may name it in a DML: any other one would advance it.
CREATE STREAM IF NOT EXISTS CDC.FIRN.SHOP_CUSTOMERS_STREAM ON TABLE CDC.FIRN.SHOP_CUSTOMERS_LANDING
  APPEND_ONLY = TRUE
  SHOW_INITIAL_ROWS = TRUE
  COMMENT = 'Landing rows not merged into SHOP.CUSTOMERS yet';

-- 30_target.sql SHOP.CUSTOMERS

-- compatible: adds only
-- per: table
CREATE SCHEMA IF NOT EXISTS CDC.SHOP;

CREATE TABLE IF NOT EXISTS CDC.SHOP.CUSTOMERS (
  ID VARCHAR(134217728) NOT NULL COMMENT 'primary key: the value of one column, a JSON array of several',
  DATA VARIANT NOT NULL COMMENT 'the newest change: operation, before, after',
  LAST_UPDATED TIMESTAMP_NTZ NOT NULL COMMENT 'UTC; commit at the source, else the Kafka timestamp',
  _POSITION VARCHAR NOT NULL COMMENT 'position of the newest change; a change with a smaller one is not applied'
)
  COMMENT = 'Kept equal to its source by Firn, from topic shop.customers';

-- 40_tombstones.sql SHOP.CUSTOMERS

-- compatible: adds only
-- per: table
-- Positions of deleted rows. Without them a late, older update would bring a deleted row back.
CREATE TABLE IF NOT EXISTS CDC.FIRN.SHOP_CUSTOMERS_TOMBSTONES (
  id VARCHAR(134217728) NOT NULL,
  position VARCHAR NOT NULL COMMENT 'position of the newest delete'
)
  COMMENT = 'Tombstones of SHOP.CUSTOMERS';

-- 50_merge.sql SHOP.CUSTOMERS

-- compatible: replaces the task
-- per: table
-- repeatable
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
      c.changed_at
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
    LEFT JOIN CDC.FIRN.SHOP_CUSTOMERS_TOMBSTONES k ON k.id = c.id
    WHERE k.position IS NULL OR c.position > k.position
    QUALIFY ROW_NUMBER() OVER (PARTITION BY c.id ORDER BY c.position DESC) = 1
  ) s
  ON t.ID = s.id
  WHEN MATCHED AND s.position > t._POSITION AND s.op = 'd' THEN DELETE
  WHEN MATCHED AND s.position > t._POSITION THEN UPDATE SET
    DATA = OBJECT_CONSTRUCT_KEEP_NULL(
      'operation', CASE s.op WHEN 'u' THEN 'UPDATE' ELSE 'INSERT' END, 'before', s.before_json, 'after', s.after_json
    ),
    LAST_UPDATED = s.changed_at,
    _POSITION = s.position
  WHEN NOT MATCHED AND s.op <> 'd' THEN INSERT (ID, DATA, LAST_UPDATED, _POSITION) VALUES (
    s.id,
    OBJECT_CONSTRUCT_KEEP_NULL(
      'operation', CASE s.op WHEN 'u' THEN 'UPDATE' ELSE 'INSERT' END, 'before', s.before_json, 'after', s.after_json
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
    kafka_topic,
    kafka_partition,
    kafka_offset,
    row_index,
    op,
    id,
    position,
    before,
    after,
    CASE WHEN op IN ('c', 'u', 'd', 'r') THEN 'JSON_REFUSED: the warehouse cannot parse before or after' ELSE 'OP_UNKNOWN: the merge does not know this op' END,
    file_name,
    SYSDATE()
  FROM CDC.FIRN.SHOP_CUSTOMERS_STREAM
  WHERE op <> 'x'
    AND (
      op NOT IN ('c', 'u', 'd', 'r')
      OR (before IS NOT NULL AND TRY_PARSE_JSON(before, 'd') IS NULL)
      OR (after IS NOT NULL AND TRY_PARSE_JSON(after, 'd') IS NULL)
    );

  INSERT INTO CDC.FIRN.MERGED_FILES (
    target_table, file_name, kafka_topic, kafka_partition, first_offset, last_offset, row_count, reject_count, merged_at
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

-- 60_rejects.sql SHOP.CUSTOMERS

-- compatible: replaces the view
-- per: table
-- repeatable
CREATE OR REPLACE VIEW CDC.FIRN.SHOP_CUSTOMERS_REJECTS
  COMMENT = 'Messages of topic shop.customers that did not become a row of SHOP.CUSTOMERS, and why'
AS
SELECT DISTINCT
  kafka_topic, kafka_partition, kafka_offset, row_index, error, raw, before, after
FROM CDC.FIRN.SHOP_CUSTOMERS_LANDING
WHERE op = 'x'
UNION ALL
SELECT DISTINCT
  kafka_topic, kafka_partition, kafka_offset, row_index, error, NULL AS raw, before, after
FROM CDC.FIRN.MERGE_REJECTS
WHERE target_table = 'SHOP.CUSTOMERS';

-- 70_pipe.sql shop.customers

-- compatible: adds only
-- per: topic
-- After the streams: no file may load before its stream exists. Never replaced: that would lose its load history.
-- Casts only, no JSON parsing: one bad row in a pipe's COPY drops the whole file silently.
CREATE PIPE IF NOT EXISTS CDC.FIRN.SHOP_CUSTOMERS_PIPE
  AUTO_INGEST = TRUE
  COMMENT = 'Loads landing files of topic shop.customers'
AS
COPY INTO CDC.FIRN.SHOP_CUSTOMERS_LANDING (
  kafka_topic, kafka_partition, kafka_offset, kafka_timestamp, row_index, kafka_key, headers, op, source_table, id, position,
  source_ts, before, after, meta, error, raw, file_name, file_row_number, load_time
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
    METADATA$START_SCAN_TIME
  FROM @CDC.FIRN.STAGE/shop.customers/
)
FILE_FORMAT = (FORMAT_NAME = 'CDC.FIRN.LANDING_FORMAT');

-- Files that were staged before the pipe had its notifications.
ALTER PIPE CDC.FIRN.SHOP_CUSTOMERS_PIPE REFRESH;

-- 10_landing.sql shop.orders

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

-- 20_stream.sql SHOP.ORDERS

-- compatible: adds only
-- per: table
-- What the merge has not taken yet. Only the merge task may name it in a DML: any other one would advance it.
CREATE STREAM IF NOT EXISTS CDC.FIRN.SHOP_ORDERS_STREAM ON TABLE CDC.FIRN.SHOP_ORDERS_LANDING
  APPEND_ONLY = TRUE
  SHOW_INITIAL_ROWS = TRUE
  COMMENT = 'Landing rows not merged into SHOP.ORDERS yet';

-- 30_target.sql SHOP.ORDERS

-- compatible: adds only
-- per: table
CREATE SCHEMA IF NOT EXISTS CDC.SHOP;

CREATE TABLE IF NOT EXISTS CDC.SHOP.ORDERS (
  ID VARCHAR(134217728) NOT NULL COMMENT 'primary key: the value of one column, a JSON array of several',
  DATA VARIANT NOT NULL COMMENT 'the newest change: operation, before, after',
  LAST_UPDATED TIMESTAMP_NTZ NOT NULL COMMENT 'UTC; commit at the source, else the Kafka timestamp',
  _POSITION VARCHAR NOT NULL COMMENT 'position of the newest change; a change with a smaller one is not applied'
)
  COMMENT = 'Kept equal to its source by Firn, from topic shop.orders';

-- 40_tombstones.sql SHOP.ORDERS

-- compatible: adds only
-- per: table
-- Positions of deleted rows. Without them a late, older update would bring a deleted row back.
CREATE TABLE IF NOT EXISTS CDC.FIRN.SHOP_ORDERS_TOMBSTONES (
  id VARCHAR(134217728) NOT NULL,
  position VARCHAR NOT NULL COMMENT 'position of the newest delete'
)
  COMMENT = 'Tombstones of SHOP.ORDERS';

-- 50_merge.sql SHOP.ORDERS

-- compatible: replaces the task
-- per: table
-- repeatable
-- Applies what landed since the last run to the target, in one transaction that reads the stream more than once and advances it once.
-- Right in any order: per id the largest position wins, deletes are remembered, and rows that come again change nothing.
-- What cannot be applied is set aside before the newest change per id is chosen; otherwise the result would depend on how rows are grouped into runs.
CREATE OR REPLACE TASK CDC.FIRN.SHOP_ORDERS_MERGE
  WAREHOUSE = FIRN_WH
  SCHEDULE = '1 MINUTE'
  SUSPEND_TASK_AFTER_NUM_FAILURES = 0
  COMMENT = 'Merges SHOP_ORDERS_LANDING into SHOP.ORDERS'
  WHEN SYSTEM$STREAM_HAS_DATA('CDC.FIRN.SHOP_ORDERS_STREAM')
AS
EXECUTE IMMEDIATE $$
BEGIN
  BEGIN TRANSACTION;

  MERGE INTO CDC.SHOP.ORDERS t
  USING (
    SELECT
      c.id,
      c.op,
      c.position,
      c.before_json,
      c.after_json,
      c.changed_at
    FROM (
      SELECT
        id,
        op,
        position,
        TRY_PARSE_JSON(before, 'd') AS before_json,
        TRY_PARSE_JSON(after, 'd') AS after_json,
        -- Kafka takes messages with no time, or with any: 1970 stands for none, and 9999 is the last year.
        TO_TIMESTAMP_NTZ(LEAST(GREATEST(COALESCE(source_ts, kafka_timestamp, 0), 0), 253402300799999), 3) AS changed_at
      FROM CDC.FIRN.SHOP_ORDERS_STREAM
      WHERE op IN ('c', 'u', 'd', 'r')
        AND (before IS NULL OR TRY_PARSE_JSON(before, 'd') IS NOT NULL)
        AND (after IS NULL OR TRY_PARSE_JSON(after, 'd') IS NOT NULL)
    ) c
    LEFT JOIN CDC.FIRN.SHOP_ORDERS_TOMBSTONES k ON k.id = c.id
    WHERE k.position IS NULL OR c.position > k.position
    QUALIFY ROW_NUMBER() OVER (PARTITION BY c.id ORDER BY c.position DESC) = 1
  ) s
  ON t.ID = s.id
  WHEN MATCHED AND s.position > t._POSITION AND s.op = 'd' THEN DELETE
  WHEN MATCHED AND s.position > t._POSITION THEN UPDATE SET
    DATA = OBJECT_CONSTRUCT_KEEP_NULL(
      'operation', CASE s.op WHEN 'u' THEN 'UPDATE' ELSE 'INSERT' END, 'before', s.before_json, 'after', s.after_json
    ),
    LAST_UPDATED = s.changed_at,
    _POSITION = s.position
  WHEN NOT MATCHED AND s.op <> 'd' THEN INSERT (ID, DATA, LAST_UPDATED, _POSITION) VALUES (
    s.id,
    OBJECT_CONSTRUCT_KEEP_NULL(
      'operation', CASE s.op WHEN 'u' THEN 'UPDATE' ELSE 'INSERT' END, 'before', s.before_json, 'after', s.after_json
    ),
    s.changed_at,
    s.position
  );

  MERGE INTO CDC.FIRN.SHOP_ORDERS_TOMBSTONES k
  USING (
    SELECT id, MAX(position) AS newest
    FROM CDC.FIRN.SHOP_ORDERS_STREAM
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
    'SHOP.ORDERS',
    kafka_topic,
    kafka_partition,
    kafka_offset,
    row_index,
    op,
    id,
    position,
    before,
    after,
    CASE WHEN op IN ('c', 'u', 'd', 'r') THEN 'JSON_REFUSED: the warehouse cannot parse before or after' ELSE 'OP_UNKNOWN: the merge does not know this op' END,
    file_name,
    SYSDATE()
  FROM CDC.FIRN.SHOP_ORDERS_STREAM
  WHERE op <> 'x'
    AND (
      op NOT IN ('c', 'u', 'd', 'r')
      OR (before IS NOT NULL AND TRY_PARSE_JSON(before, 'd') IS NULL)
      OR (after IS NOT NULL AND TRY_PARSE_JSON(after, 'd') IS NULL)
    );

  INSERT INTO CDC.FIRN.MERGED_FILES (
    target_table, file_name, kafka_topic, kafka_partition, first_offset, last_offset, row_count, reject_count, merged_at
  )
  SELECT
    'SHOP.ORDERS',
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
    SYSDATE()
  FROM CDC.FIRN.SHOP_ORDERS_STREAM
  GROUP BY file_name, kafka_topic, kafka_partition;

  COMMIT;
EXCEPTION
  WHEN OTHER THEN
    ROLLBACK;
    RAISE;
END;
$$;

ALTER TASK CDC.FIRN.SHOP_ORDERS_MERGE RESUME;

-- 60_rejects.sql SHOP.ORDERS

-- compatible: replaces the view
-- per: table
-- repeatable
CREATE OR REPLACE VIEW CDC.FIRN.SHOP_ORDERS_REJECTS
  COMMENT = 'Messages of topic shop.orders that did not become a row of SHOP.ORDERS, and why'
AS
SELECT DISTINCT
  kafka_topic, kafka_partition, kafka_offset, row_index, error, raw, before, after
FROM CDC.FIRN.SHOP_ORDERS_LANDING
WHERE op = 'x'
UNION ALL
SELECT DISTINCT
  kafka_topic, kafka_partition, kafka_offset, row_index, error, NULL AS raw, before, after
FROM CDC.FIRN.MERGE_REJECTS
WHERE target_table = 'SHOP.ORDERS';

-- 70_pipe.sql shop.orders

-- compatible: adds only
-- per: topic
-- After the streams: no file may load before its stream exists. Never replaced: that would lose its load history.
-- Casts only, no JSON parsing: one bad row in a pipe's COPY drops the whole file silently.
CREATE PIPE IF NOT EXISTS CDC.FIRN.SHOP_ORDERS_PIPE
  AUTO_INGEST = TRUE
  COMMENT = 'Loads landing files of topic shop.orders'
AS
COPY INTO CDC.FIRN.SHOP_ORDERS_LANDING (
  kafka_topic, kafka_partition, kafka_offset, kafka_timestamp, row_index, kafka_key, headers, op, source_table, id, position,
  source_ts, before, after, meta, error, raw, file_name, file_row_number, load_time
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
    METADATA$START_SCAN_TIME
  FROM @CDC.FIRN.STAGE/shop.orders/
)
FILE_FORMAT = (FORMAT_NAME = 'CDC.FIRN.LANDING_FORMAT');

-- Files that were staged before the pipe had its notifications.
ALTER PIPE CDC.FIRN.SHOP_ORDERS_PIPE REFRESH;

