CREATE TABLE total(sku TEXT PRIMARY KEY NOT NULL, n INTEGER NOT NULL);
CREATE TABLE line(id INTEGER PRIMARY KEY, basket INTEGER, sku TEXT NOT NULL, n INTEGER NOT NULL);
CREATE TABLE sale(id INTEGER PRIMARY KEY, basket INTEGER);
CREATE TRIGGER sold AFTER INSERT ON sale
BEGIN
  INSERT INTO total(sku, n) SELECT sku, n FROM line WHERE basket = NEW.basket
    ON CONFLICT(sku) DO UPDATE SET n = total.n + excluded.n;
END;
INSERT INTO line(basket, sku, n) VALUES (1, 'a', 1), (1, 'b', 2), (1, 'a', 10), (2, 'b', 5);
-- run
INSERT INTO sale(basket) VALUES (1);
INSERT INTO sale(basket) VALUES (2), (3);
