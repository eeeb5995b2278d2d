-- compatible: adds only
-- Where landing files are read from. The trailing / matters: Snowflake matches prefixes, and `firn` also matches `firn_old`.
CREATE FILE FORMAT IF NOT EXISTS {{database}}.FIRN.LANDING_FORMAT
  TYPE = PARQUET
  COMPRESSION = AUTO
  BINARY_AS_TEXT = FALSE
  COMMENT = 'Landing files: strings and integers only';

CREATE STAGE IF NOT EXISTS {{database}}.FIRN.STAGE
  URL = '{{stage_url}}'
  STORAGE_INTEGRATION = {{storage_integration}}
  FILE_FORMAT = (FORMAT_NAME = '{{database}}.FIRN.LANDING_FORMAT')
  COMMENT = 'Landing files, one batch of one partition each';
