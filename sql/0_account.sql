-- compatible: adds only
-- per: account
-- What only an account administrator may do; once, before all other scripts, and again where it has changed. Run it as
-- ACCOUNTADMIN, by hand or with: firn migrate --account
-- Users are not made here. Give each its role: GRANT ROLE {{role_ingest}} TO USER ...
CREATE ROLE IF NOT EXISTS {{role_owner}}
  COMMENT = 'Firn: owns the database, applies migrations; its rights run the tasks and pipes';
CREATE ROLE IF NOT EXISTS {{role_ingest}}
  COMMENT = 'Firn: the running service; sees what was loaded and merged, changes nothing';
CREATE ROLE IF NOT EXISTS {{role_operator}}
  COMMENT = 'Firn: deep audit, repair and plans of backfills; changes no target table';
CREATE ROLE IF NOT EXISTS {{role_reader}}
  COMMENT = 'Firn: reads the target tables and their views';

GRANT CREATE DATABASE ON ACCOUNT TO ROLE {{role_owner}};
GRANT EXECUTE TASK ON ACCOUNT TO ROLE {{role_owner}};
GRANT EXECUTE MANAGED TASK ON ACCOUNT TO ROLE {{role_owner}}; --[serverless]
GRANT USAGE ON WAREHOUSE {{warehouse}} TO ROLE {{role_owner}}; --[warehouse]
GRANT USAGE ON WAREHOUSE {{warehouse}} TO ROLE {{role_ingest}}; --[warehouse]
GRANT USAGE ON WAREHOUSE {{warehouse}} TO ROLE {{role_operator}}; --[warehouse]
GRANT USAGE ON WAREHOUSE {{warehouse}} TO ROLE {{role_reader}}; --[warehouse]

-- Lets Snowflake read the bucket as this IAM role. The role's trust policy needs two values that DESC INTEGRATION shows. --[awsRole]
CREATE STORAGE INTEGRATION IF NOT EXISTS {{storage_integration}} --[awsRole]
  TYPE = EXTERNAL_STAGE --[awsRole]
  STORAGE_PROVIDER = 'S3' --[awsRole]
  ENABLED = TRUE --[awsRole]
  STORAGE_AWS_ROLE_ARN = '{{aws_role_arn}}' --[awsRole]
  STORAGE_ALLOWED_LOCATIONS = ('{{stage_url}}') --[awsRole]
  COMMENT = 'Firn: landing files'; --[awsRole]
GRANT USAGE ON INTEGRATION {{storage_integration}} TO ROLE {{role_owner}};
