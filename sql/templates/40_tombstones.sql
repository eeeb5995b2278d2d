-- compatible: adds only
-- per: table
-- Positions of deleted rows. Without them a late, older update would bring a deleted row back.
CREATE TABLE IF NOT EXISTS {{tombstones}} (
  id VARCHAR(134217728) NOT NULL,
  position VARCHAR NOT NULL COMMENT 'position of the newest delete'
)
  COMMENT = 'Tombstones of {{target_name}}';

GRANT SELECT ON TABLE {{tombstones}} TO ROLE {{role_operator}};
