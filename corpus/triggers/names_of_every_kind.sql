CREATE TABLE "My Table"("Id" INTEGER PRIMARY KEY, "select" TEXT, [two words] INTEGER, `Tick``ed` TEXT);
CREATE TABLE "LOG"("Id" INTEGER PRIMARY KEY, "What It Was" TEXT, found INTEGER);
CREATE TRIGGER "My Trigger" AFTER UPDATE OF "SELECT", [Two Words] ON [my table]
WHEN NEW."SELECT" IS NOT old.[select]
BEGIN
  INSERT INTO log("what it was", FOUND) VALUES (OLD."select" || '>' || NEW.`select`, New.[two words]);
  UPDATE log SET found = found + 1 WHERE "What It Was" = 'count';
END;
INSERT INTO "My Table" VALUES (1, 'a', 2, 't'), (2, NULL, 3, NULL);
INSERT INTO "LOG" VALUES (1, 'count', 0);
-- run
UPDATE "My Table" SET "select" = 'b' WHERE "Id" = 1;
UPDATE "My Table" SET "two words" = 5;
UPDATE "My Table" SET "Tick`ed" = 'x';
UPDATE "My Table" SET "select" = 'c' WHERE "Id" = 1;
UPDATE "My Table" SET "select" = 'd' WHERE "Id" = 2;
