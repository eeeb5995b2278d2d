-- compatible: adds only
-- What the merge tasks leave behind for retention, audit and people.
CREATE TABLE IF NOT EXISTS {{database}}.FIRN.MERGED_FILES (
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

CREATE TABLE IF NOT EXISTS {{database}}.FIRN.MERGE_REJECTS (
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
