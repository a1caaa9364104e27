CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER);
CREATE TRIGGER no_debt BEFORE UPDATE OF balance ON account WHEN NEW.balance < 0
BEGIN
  SELECT RAISE(ABORT, 'the balance would be negative');
END;
INSERT INTO account VALUES (1, 10), (2, NULL);
-- run
UPDATE account SET balance = 5 WHERE id = 1;
-- fails
UPDATE account SET balance = balance - 6 WHERE id = 1;
UPDATE account SET balance = balance - 6 WHERE id = 2;
INSERT INTO account VALUES (3, -1);
