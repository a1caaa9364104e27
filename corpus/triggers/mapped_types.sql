CREATE TABLE task(id INTEGER PRIMARY KEY, done BOOLEAN NOT NULL DEFAULT 0, due DATE, made DATETIME, cost DECIMAL(10,2), share REAL, data BLOB);
CREATE TABLE log(id INTEGER PRIMARY KEY, done BOOLEAN, due DATE, made DATETIME, cost DECIMAL(10,2), share REAL, data BLOB, what VARCHAR(20));
CREATE TRIGGER task_done AFTER UPDATE OF done ON task WHEN NEW.done AND NOT OLD.done
BEGIN
  INSERT INTO log(done, due, made, cost, share, data, what) VALUES (NEW.done, NEW.due, NEW.made, NEW.cost, NEW.share, NEW.data, 'done');
  INSERT INTO log(done, what) VALUES (0, 'off'), (1, 'on');
  UPDATE log SET done = NOT done WHERE what = 'off';
END;
CREATE TRIGGER task_open AFTER UPDATE ON task WHEN NEW.done = 0 AND OLD.done = 1
BEGIN
  UPDATE task SET due = NULL, share = 1 WHERE id = NEW.id;
END;
INSERT INTO task(due, made, cost, share, data) VALUES ('2020-02-29', '2020-01-01 10:00:00', 12.5, 0.5, x'00'), (NULL, NULL, NULL, NULL, NULL);
-- run
UPDATE task SET done = true;
UPDATE task SET done = false WHERE id = 1;
UPDATE task SET due = '2021-01-01', done = true WHERE id = 1;
