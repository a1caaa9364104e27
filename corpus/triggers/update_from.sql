CREATE TABLE price(sku TEXT PRIMARY KEY NOT NULL, cents INTEGER, old INTEGER);
CREATE TABLE change(id INTEGER PRIMARY KEY, batch INTEGER, sku TEXT, cents INTEGER);
CREATE TABLE batch(id INTEGER PRIMARY KEY, done INTEGER);
CREATE TRIGGER batch_done AFTER UPDATE OF done ON batch WHEN NEW.done = 1
BEGIN
  UPDATE price SET cents = c.cents, old = price.cents FROM change AS c WHERE c.sku = price.sku AND c.batch = NEW.id;
  UPDATE price SET old = s.n FROM (SELECT count(*) AS n FROM change) AS s WHERE price.cents IS NULL;
END;
INSERT INTO price VALUES ('a', 1, NULL), ('b', 2, NULL), ('c', NULL, NULL);
INSERT INTO change(batch, sku, cents) VALUES (1, 'a', 10), (1, 'x', 5), (2, 'b', 20);
INSERT INTO batch VALUES (1, 0), (2, 0);
-- run
UPDATE batch SET done = 1 WHERE id = 1;
UPDATE batch SET done = done + 1;
