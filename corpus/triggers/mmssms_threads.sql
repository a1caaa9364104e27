-- differs: it sees them all changed
-- unequal: threads.date
CREATE TABLE threads(_id INTEGER PRIMARY KEY, date INTEGER DEFAULT 0, message_count INTEGER DEFAULT 0, snippet TEXT, read INTEGER DEFAULT 1, error INTEGER DEFAULT 0, has_attachment INTEGER DEFAULT 0);
CREATE TABLE sms(_id INTEGER PRIMARY KEY, thread_id INTEGER, body TEXT, type INTEGER, read INTEGER DEFAULT 0);
CREATE TABLE pdu(_id INTEGER PRIMARY KEY, thread_id INTEGER, m_type INTEGER, msg_box INTEGER);
CREATE TABLE part(_id INTEGER PRIMARY KEY, mid INTEGER, ct TEXT);
CREATE TRIGGER sms_update_thread_on_insert AFTER INSERT ON sms BEGIN
  UPDATE threads SET    date = (strftime('%s','now') * 1000),     snippet = new.body  WHERE threads._id = new.thread_id;
  UPDATE threads SET message_count =      (SELECT COUNT(sms._id) FROM sms LEFT JOIN threads       ON threads._id = thread_id      WHERE thread_id = new.thread_id        AND sms.type != 3) +      (SELECT COUNT(pdu._id) FROM pdu LEFT JOIN threads       ON threads._id = thread_id      WHERE thread_id = new.thread_id        AND (m_type=132 OR m_type=130 OR m_type=128)        AND msg_box != 3)   WHERE threads._id = new.thread_id;
  UPDATE threads SET read =     CASE (SELECT COUNT(*)          FROM sms          WHERE read = 0            AND thread_id = threads._id)      WHEN 0 THEN 1      ELSE 0    END  WHERE threads._id = new.thread_id; END;
CREATE TRIGGER sms_update_thread_read_on_update AFTER  UPDATE OF read  ON sms BEGIN
  UPDATE threads SET read =     CASE (SELECT COUNT(*)          FROM sms          WHERE read = 0            AND thread_id = threads._id)      WHEN 0 THEN 1      ELSE 0    END  WHERE threads._id = new.thread_id; END;
CREATE TRIGGER update_threads_error_on_update_sms   AFTER UPDATE OF type ON sms  WHEN (OLD.type != 5 AND NEW.type = 5)    OR (OLD.type = 5 AND NEW.type != 5) BEGIN
  UPDATE threads SET error =     CASE      WHEN NEW.type = 5 THEN error + 1      ELSE error - 1    END   WHERE _id = NEW.thread_id; END;
CREATE TRIGGER update_threads_on_insert_part  AFTER INSERT ON part  WHEN new.ct != 'text/plain' AND new.ct != 'application/smil'  BEGIN
  UPDATE threads SET has_attachment=1 WHERE _id IN    (SELECT pdu.thread_id FROM part JOIN pdu ON pdu._id=part.mid      WHERE part._id=new._id LIMIT 1);  END;
CREATE TRIGGER update_threads_on_delete_part  AFTER DELETE ON part  WHEN old.ct != 'text/plain' AND old.ct != 'application/smil'  BEGIN
  UPDATE threads SET has_attachment =    CASE     (SELECT COUNT(*) FROM part JOIN pdu      WHERE pdu.thread_id = threads._id      AND part.ct != 'text/plain' AND part.ct != 'application/smil'      AND part.mid = pdu._id)   WHEN 0 THEN 0    ELSE 1    END;  END;
CREATE TRIGGER part_cleanup DELETE ON pdu BEGIN   DELETE FROM part  WHERE mid=old._id;END;
INSERT INTO threads(_id) VALUES (1), (2);
-- run
INSERT INTO sms(thread_id, body, type) VALUES (1, 'hello', 1);
INSERT INTO sms(thread_id, body, type, read) VALUES (1, 'draft', 3, 1);
UPDATE sms SET read = 1;
UPDATE sms SET type = 5 WHERE body = 'hello';
UPDATE sms SET type = 2;
INSERT INTO pdu(thread_id, m_type, msg_box) VALUES (2, 132, 1);
INSERT INTO part(mid, ct) VALUES (1, 'image/png'), (1, 'text/plain');
DELETE FROM pdu;
INSERT INTO sms(thread_id, body, type) VALUES (NULL, 'lost', 1);
