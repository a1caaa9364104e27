CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT NOT NULL, price INTEGER);
CREATE TABLE log(id INTEGER PRIMARY KEY, what TEXT, item_id INTEGER, price INTEGER);
CREATE TRIGGER item_logged AFTER INSERT ON item
BEGIN
  INSERT INTO log(what, item_id, price) VALUES ('insert', NEW.id, new."price");
END;
INSERT INTO item VALUES (1, 'old', 5);
-- run
INSERT INTO item(name, price) VALUES ('a', 10);
INSERT INTO item(name, price) VALUES ('b', NULL), ('c', 3);
-- fails
INSERT INTO item(name) VALUES (NULL);
INSERT INTO item(name) SELECT name FROM item WHERE price > 4;
