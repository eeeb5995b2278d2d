-- compatible: adds only
-- per: topic
-- One row per change as it came off the stage, in the order of arrival. Never replaced: that would make its streams stale.
-- Text columns have the greatest length: the default of 16 MB would make a pipe skip a whole file for one long value.
CREATE TABLE IF NOT EXISTS {{landing}} (
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
  COMMENT = 'Landing rows of topic {{topic}}';

-- Added after the first release; rows that were loaded before have none.
ALTER TABLE {{landing}}
  ADD COLUMN IF NOT EXISTS staged_at TIMESTAMP_NTZ COMMENT 'METADATA$FILE_LAST_MODIFIED: when the file was stored, UTC';

GRANT SELECT ON TABLE {{landing}} TO ROLE {{role_ingest}};
GRANT SELECT, INSERT ON TABLE {{landing}} TO ROLE {{role_operator}};
