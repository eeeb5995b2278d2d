-- compatible: replaces the pipe
-- per: topic
-- After the streams: no file may load before its stream exists. Never replaced: that would lose its load history. A pipe's COPY cannot be
-- altered, so a changed one is a successor under the next number: it is there before the former one goes, and REFRESH gives it
-- the files that waited at that one. Files that come twice change nothing.
-- Casts only, no JSON parsing: one bad row in a pipe's COPY drops the whole file silently.
CREATE PIPE IF NOT EXISTS {{pipe}}
  AUTO_INGEST = TRUE
  COMMENT = 'Loads landing files of topic {{topic}}'
AS
COPY INTO {{landing}} (
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
  FROM {{topic_location}}
)
FILE_FORMAT = (FORMAT_NAME = '{{file_format}}');

INSERT INTO {{pipes}} (pipe_name, noted_at)
SELECT '{{pipe_name}}', SYSDATE()
WHERE NOT EXISTS (SELECT 1 FROM {{pipes}} WHERE pipe_name = '{{pipe_name}}');

DROP PIPE IF EXISTS {{former_pipe}};

-- Files that were staged before the pipe had its notifications.
ALTER PIPE {{pipe}} REFRESH;

GRANT MONITOR ON PIPE {{pipe}} TO ROLE {{role_ingest}};
GRANT MONITOR, OPERATE ON PIPE {{pipe}} TO ROLE {{role_operator}};
