CREATE TABLE stock(sku TEXT PRIMARY KEY NOT NULL, n INTEGER);
CREATE TABLE gone(id INTEGER PRIMARY KEY, sku TEXT);
CREATE TABLE delivery(id INTEGER PRIMARY KEY, sku TEXT, n INTEGER);
CREATE TRIGGER stock_gone AFTER DELETE ON stock BEGIN INSERT INTO gone(sku) VALUES (OLD.sku); END;
CREATE TRIGGER stock_before BEFORE DELETE ON stock BEGIN INSERT INTO gone(sku) VALUES ('before ' || OLD.sku); END;
CREATE TRIGGER delivered AFTER INSERT ON delivery
BEGIN
  INSERT OR REPLACE INTO stock VALUES (NEW.sku, NEW.n);
END;
-- run
INSERT INTO delivery(sku, n) VALUES ('a', 1), ('a', 2), ('b', 3);
DELETE FROM stock WHERE sku = 'a';
INSERT INTO delivery(sku, n) VALUES ('b', 4);
DELETE FROM stock;
