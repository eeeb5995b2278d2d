-- compatible: adds only
-- What the roles may do with what all tables share. The rights on an object of a topic or table stand beside it in its own script.
GRANT USAGE ON DATABASE {{database}} TO ROLE {{role_ingest}};
GRANT USAGE ON DATABASE {{database}} TO ROLE {{role_operator}};
GRANT USAGE ON DATABASE {{database}} TO ROLE {{role_reader}};
GRANT USAGE ON SCHEMA {{database}}.FIRN TO ROLE {{role_ingest}};
GRANT USAGE ON SCHEMA {{database}}.FIRN TO ROLE {{role_operator}};
GRANT USAGE ON SCHEMA {{database}}.FIRN TO ROLE {{role_reader}};

-- The ingester tells how far loading and merging have come, and whether the schema is the one that it needs.
GRANT SELECT ON TABLE {{ledger}} TO ROLE {{role_ingest}};
GRANT SELECT ON TABLE {{merged_files}} TO ROLE {{role_ingest}};
GRANT SELECT ON TABLE {{pipes}} TO ROLE {{role_ingest}};
GRANT USAGE ON STAGE {{stage}} TO ROLE {{role_ingest}};

-- The operator audits, loads what a pipe has missed, and raises floors.
GRANT SELECT ON TABLE {{ledger}} TO ROLE {{role_operator}};
GRANT SELECT ON TABLE {{merged_files}} TO ROLE {{role_operator}};
GRANT SELECT ON TABLE {{merge_rejects}} TO ROLE {{role_operator}};
GRANT SELECT, INSERT ON TABLE {{floors}} TO ROLE {{role_operator}};
GRANT SELECT, UPDATE ON TABLE {{pipes}} TO ROLE {{role_operator}};
GRANT USAGE ON STAGE {{stage}} TO ROLE {{role_operator}};
GRANT USAGE ON FILE FORMAT {{file_format}} TO ROLE {{role_operator}};
