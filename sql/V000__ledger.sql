-- compatible: adds only
-- The database, Firn's own schema, and the ledger of what was applied to it. Always the first thing to run.
CREATE DATABASE IF NOT EXISTS {{database}}
  COMMENT = 'Change data from Kafka, kept by Firn';

CREATE SCHEMA IF NOT EXISTS {{database}}.FIRN
  COMMENT = 'Landing tables, pipes, streams, tasks and control tables of Firn';

-- One row per applied script. A script whose checksum differs from its row was changed after it was applied.
CREATE TABLE IF NOT EXISTS {{database}}.FIRN.MIGRATIONS (
  script VARCHAR NOT NULL COMMENT 'name of the file, and the topic or table that it was rendered for',
  checksum VARCHAR NOT NULL COMMENT 'SHA-256 of the rendered text, hex',
  applied_at TIMESTAMP_NTZ NOT NULL COMMENT 'UTC',
  applied_by VARCHAR NOT NULL COMMENT 'Firn version and user'
)
  COMMENT = 'Ledger of firn migrate';
