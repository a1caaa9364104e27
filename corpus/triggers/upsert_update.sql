CREATE TABLE counter(kind TEXT NOT NULL, day INTEGER NOT NULL, n INTEGER NOT NULL, last TEXT, PRIMARY KEY(kind, day));
CREATE TABLE hit(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, day INTEGER NOT NULL, who TEXT);
CREATE TRIGGER hit_counted AFTER INSERT ON hit
BEGIN
  INSERT INTO counter(kind, day, n, last) VALUES (NEW.kind, NEW.day, 1, NEW.who)
    ON CONFLICT(day, kind) DO UPDATE SET n = n + 1, last = coalesce(excluded.last, counter.last) WHERE counter.n < 3;
END;
-- run
INSERT INTO hit(kind, day, who) VALUES ('a', 1, 'x');
INSERT INTO hit(kind, day, who) VALUES ('a', 1, NULL), ('a', 2, 'y');
INSERT INTO hit(kind, day, who) VALUES ('a', 1, 'z'), ('a', 1, 'too late');
