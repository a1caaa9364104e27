CREATE TABLE secrets(secret_id TEXT PRIMARY KEY NOT NULL, secret_name TEXT NOT NULL, value BLOB);
CREATE TRIGGER prevent_secrets_aad_mutation BEFORE UPDATE ON secrets FOR EACH ROW
WHEN OLD.secret_id != NEW.secret_id OR OLD.secret_name != NEW.secret_name
BEGIN SELECT RAISE(ABORT, 'secret_id and secret_name are immutable (used as AAD in encryption)'); END;
INSERT INTO secrets VALUES ('s1', 'n', x'00ff'), ('s2', 'm', NULL);
-- run
UPDATE secrets SET value = NULL;
-- fails
UPDATE secrets SET secret_name = 'other';
UPDATE secrets SET secret_name = 'n' WHERE secret_id = 's1';
