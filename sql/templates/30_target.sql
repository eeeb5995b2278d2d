-- compatible: adds only
-- per: table
CREATE SCHEMA IF NOT EXISTS {{target_schema}}
  COMMENT = 'Tables that Firn keeps equal to their sources';

CREATE TABLE IF NOT EXISTS {{target}} (
  ID VARCHAR(134217728) NOT NULL COMMENT 'primary key: the value of one column, a JSON array of several',
  DATA VARIANT NOT NULL COMMENT 'the newest change: operation, before, after', --[message]
  DATA VARIANT NOT NULL COMMENT 'the row after its newest change', --[row]
  LAST_UPDATED TIMESTAMP_NTZ NOT NULL COMMENT 'UTC; commit at the source, else the Kafka timestamp',
  _POSITION VARCHAR NOT NULL COMMENT 'position of the newest change; a change with a smaller one is not applied'
)
  COMMENT = 'Kept equal to its source by Firn, from topic {{topic}}';

-- Also where the table was made for hard deletes before. --[soft]
ALTER TABLE {{target}} --[soft]
  ADD COLUMN IF NOT EXISTS _DELETED BOOLEAN COMMENT 'TRUE where the newest change is a delete'; --[soft]

GRANT USAGE ON SCHEMA {{target_schema}} TO ROLE {{role_operator}};
GRANT USAGE ON SCHEMA {{target_schema}} TO ROLE {{role_reader}};
GRANT SELECT ON TABLE {{target}} TO ROLE {{role_operator}};
GRANT SELECT ON TABLE {{target}} TO ROLE {{role_reader}};
