-- differs: it sees them all changed
CREATE TABLE invoice(id INTEGER PRIMARY KEY, total INTEGER NOT NULL DEFAULT 0, lines INTEGER NOT NULL DEFAULT 0, average REAL);
CREATE TABLE line(id INTEGER PRIMARY KEY, invoice_id INTEGER NOT NULL, amount INTEGER);
CREATE TRIGGER line_insert AFTER INSERT ON line
BEGIN
  UPDATE invoice SET total = (SELECT coalesce(sum(amount), 0) FROM line WHERE invoice_id = NEW.invoice_id),
    lines = (SELECT count(*) FROM line WHERE invoice_id = invoice.id),
    average = (SELECT avg(amount) FROM line WHERE invoice_id = invoice.id)
  WHERE id = NEW.invoice_id;
END;
CREATE TRIGGER line_delete AFTER DELETE ON line
BEGIN
  UPDATE invoice SET total = total - ifnull(OLD.amount, 0), lines = lines - 1 WHERE id = OLD.invoice_id;
END;
INSERT INTO invoice(id) VALUES (1), (2);
-- run
INSERT INTO line(invoice_id, amount) VALUES (1, 10);
INSERT INTO line(invoice_id, amount) VALUES (1, 5), (1, NULL), (2, 7);
DELETE FROM line WHERE amount = 5;
DELETE FROM line;
