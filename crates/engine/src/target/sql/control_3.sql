-- Control tables, version 3: a rejected row lies here whole, every value with its storage class and its bytes.
ALTER TABLE lite2pg.rejected_row
    ADD COLUMN chunk integer,
    ADD COLUMN row_number bigint,
    ADD COLUMN names text[] NOT NULL DEFAULT '{}',
    ADD COLUMN classes text[] NOT NULL DEFAULT '{}',
    ADD COLUMN raws bytea[] NOT NULL DEFAULT '{}',
    ADD COLUMN rejected_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD CONSTRAINT rejected_row_once UNIQUE (run, table_name, row_number);
UPDATE lite2pg.control_version SET version = 3;
