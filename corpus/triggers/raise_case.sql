CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT);
CREATE TRIGGER check_email BEFORE INSERT ON users
BEGIN SELECT CASE
	WHEN NEW.email NOT LIKE '%_@__%.__%' THEN
	RAISE(ABORT, 'Email address with invalid format')
	END;
END;
-- run
INSERT INTO users(email) VALUES ('jo@example.org');
-- fails
INSERT INTO users(email) VALUES ('nobody');
INSERT INTO users(email) VALUES (NULL);
