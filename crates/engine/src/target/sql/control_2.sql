-- Control tables, version 2: a run is gone on with only by a lite2pg that makes the same statements of its plan.
ALTER TABLE lite2pg.migration_history ADD COLUMN steps_hash text;
UPDATE lite2pg.control_version SET version = 2;
