-- Control tables, version 1. Everything lite2pg remembers about its runs; nothing of the application's.
CREATE TABLE lite2pg.control_version (version integer NOT NULL);
INSERT INTO lite2pg.control_version VALUES (1);

CREATE TABLE lite2pg.migration_history (
    run text PRIMARY KEY,
    target_schema text NOT NULL,
    staging_schema text NOT NULL,
    status text NOT NULL CHECK (status IN ('running', 'done', 'rolled-back')),
    mode text NOT NULL,
    source_path text NOT NULL,
    source_fingerprint jsonb NOT NULL,
    snapshot_copy text,
    options_hash text NOT NULL,
    plan_hash text NOT NULL,
    plan jsonb NOT NULL,
    schema_made boolean NOT NULL DEFAULT false,
    verified boolean NOT NULL DEFAULT false,
    report jsonb,
    operator text NOT NULL,
    host text NOT NULL,
    tool_version text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz
);

CREATE TABLE lite2pg.migration_step (
    run text NOT NULL REFERENCES lite2pg.migration_history ON DELETE CASCADE,
    step integer NOT NULL,
    stage text NOT NULL,
    object text NOT NULL,
    done_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run, step)
);

CREATE TABLE lite2pg.migration_chunk (
    run text NOT NULL REFERENCES lite2pg.migration_history ON DELETE CASCADE,
    table_name text NOT NULL,
    chunk integer NOT NULL,
    after_key bigint,
    last_key bigint,
    done boolean NOT NULL DEFAULT false,
    rows bigint,
    bytes bigint,
    sha256 text,
    done_at timestamptz,
    PRIMARY KEY (run, table_name, chunk)
);

CREATE TABLE lite2pg.checksum_verification (
    run text NOT NULL REFERENCES lite2pg.migration_history ON DELETE CASCADE,
    table_name text NOT NULL,
    source_rows bigint NOT NULL,
    source_sha256 text NOT NULL,
    target_rows bigint NOT NULL,
    target_sha256 text NOT NULL,
    verified boolean NOT NULL,
    verified_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run, table_name)
);

CREATE TABLE lite2pg.rejected_row (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run text NOT NULL REFERENCES lite2pg.migration_history ON DELETE CASCADE,
    table_name text NOT NULL,
    key text NOT NULL,
    column_name text NOT NULL,
    storage_class text NOT NULL,
    raw bytea,
    reason text NOT NULL
);

CREATE TABLE lite2pg.normalisation (
    run text NOT NULL REFERENCES lite2pg.migration_history ON DELETE CASCADE,
    table_name text NOT NULL,
    column_name text NOT NULL,
    policy text NOT NULL,
    rows bigint NOT NULL,
    keys text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (run, table_name, column_name, policy)
);

CREATE TABLE lite2pg.audit_event (
    id bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    run text,
    operator text NOT NULL,
    host text NOT NULL,
    event text NOT NULL,
    detail jsonb NOT NULL,
    previous_sha256 text NOT NULL,
    sha256 text NOT NULL
);

CREATE TABLE lite2pg.change_position (
    run text PRIMARY KEY REFERENCES lite2pg.migration_history ON DELETE CASCADE,
    position bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE lite2pg.reverse_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    table_name text NOT NULL,
    key jsonb NOT NULL
);

CREATE TABLE lite2pg.request (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run text NOT NULL REFERENCES lite2pg.migration_history ON DELETE CASCADE,
    request text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    answered_at timestamptz
);
