CREATE TABLE best(game INTEGER PRIMARY KEY, who TEXT, points INTEGER, n INTEGER);
CREATE TABLE score(id INTEGER PRIMARY KEY, game INTEGER, who TEXT, points INTEGER);
CREATE TRIGGER scored AFTER INSERT ON score
BEGIN
  UPDATE best SET (who, points) = (SELECT who, points FROM score WHERE score.game = best.game ORDER BY points DESC, id LIMIT 1), n = n + 1
    WHERE game = NEW.game;
  UPDATE best SET (who, points) = ('nobody', 0) WHERE best.who IS NULL AND n > 0;
END;
INSERT INTO best VALUES (1, 'x', 0, 0), (2, NULL, NULL, 0);
-- run
INSERT INTO score(game, who, points) VALUES (1, 'a', 10);
INSERT INTO score(game, who, points) VALUES (1, 'b', 5);
INSERT INTO score(game, who, points) VALUES (2, NULL, 7);
INSERT INTO score(game, who, points) VALUES (3, 'z', 7);
