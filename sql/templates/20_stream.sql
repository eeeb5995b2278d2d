-- compatible: adds only
-- per: table
-- What the merge has not taken yet. Only the merge task may name it in a DML: any other one would advance it.
CREATE STREAM IF NOT EXISTS {{stream}} ON TABLE {{landing}}
  APPEND_ONLY = TRUE
  SHOW_INITIAL_ROWS = TRUE
  COMMENT = 'Landing rows not merged into {{target_name}} yet';

-- To see whether it is close to stale. Who may read it could advance it only with a table to write to.
GRANT SELECT ON STREAM {{stream}} TO ROLE {{role_ingest}};
GRANT SELECT ON STREAM {{stream}} TO ROLE {{role_operator}};
