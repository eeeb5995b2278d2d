-- compatible: adds only
-- per: table
CREATE SCHEMA IF NOT EXISTS {{target_schema}};

CREATE TABLE IF NOT EXISTS {{target}} (
  ID VARCHAR(134217728) NOT NULL COMMENT 'primary key: the value of one column, a JSON array of several',
  DATA VARIANT NOT NULL COMMENT 'the newest change: operation, before, after',
  LAST_UPDATED TIMESTAMP_NTZ NOT NULL COMMENT 'UTC; commit at the source, else the Kafka timestamp',
  _POSITION VARCHAR NOT NULL COMMENT 'position of the newest change; a change with a smaller one is not applied'
)
  COMMENT = 'Kept equal to its source by Firn, from topic {{topic}}';
