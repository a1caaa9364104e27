CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
CREATE TABLE log(id INTEGER PRIMARY KEY, v TEXT);
CREATE TRIGGER t_lines AFTER INSERT ON t WHEN NEW.v <> 'a
  b'
BEGIN
  INSERT INTO log(v) VALUES ('first
    second') , ('it''s $function$ \n');
  INSERT INTO log(v) SELECT NEW.v || '
  end' WHERE NEW.v <> 'x
y';
END;
-- run
INSERT INTO t(v) VALUES ('b');
INSERT INTO t(v) VALUES ('a
  b');
