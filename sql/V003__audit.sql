-- compatible: adds only
-- What retention, audit and repair keep beyond the first control tables.
ALTER TABLE {{database}}.FIRN.MERGED_FILES
  ADD COLUMN IF NOT EXISTS newest_ts NUMBER(19, 0) COMMENT 'ms since 1970, UTC; latest commit at the source among the rows, else the Kafka timestamp';

CREATE TABLE IF NOT EXISTS {{database}}.FIRN.FLOORS (
  target_table VARCHAR NOT NULL COMMENT 'schema and name of the target table',
  floor VARCHAR NOT NULL COMMENT 'tombstones below this position are pruned; a change below it never brings back a row that is not there',
  raised_at TIMESTAMP_NTZ NOT NULL COMMENT 'UTC',
  raised_by VARCHAR NOT NULL COMMENT 'who decided it'
)
  COMMENT = 'Floors of the target tables; the highest one of a table counts, and no row means that tombstones are kept for good';

CREATE TABLE IF NOT EXISTS {{database}}.FIRN.PIPES (
  pipe_name VARCHAR NOT NULL COMMENT 'bare name of the pipe',
  noted_at TIMESTAMP_NTZ NOT NULL COMMENT 'UTC; a pipe that was made later than this was made anew, and has lost its load history'
)
  COMMENT = 'The pipes that migrations have made';
