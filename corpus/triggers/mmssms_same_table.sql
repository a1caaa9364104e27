-- differs: it sees them all changed
CREATE TABLE pdu(_id INTEGER PRIMARY KEY, m_id TEXT, m_type INTEGER);
CREATE TABLE pending_msgs(_id INTEGER PRIMARY KEY, proto_type INTEGER, msg_id INTEGER, msg_type INTEGER, err_type INTEGER);
CREATE TRIGGER cleanup_delivery_and_read_report AFTER DELETE ON pdu WHEN old.m_type=128 BEGIN
   DELETE FROM pdu  WHERE (m_type=134    OR m_type=136)    AND m_id=old.m_id; END;
CREATE TRIGGER insert_mms_pending_on_insert AFTER INSERT ON pdu WHEN new.m_type=130  OR new.m_type=135 BEGIN
   INSERT INTO pending_msgs    (proto_type,     msg_id,     msg_type,     err_type)   VALUES     (1,      new._id,      new.m_type,0);END;
CREATE TRIGGER update_threads_error_on_delete_mms BEFORE DELETE ON pdu
  WHEN OLD._id IN (SELECT DISTINCT msg_id FROM pending_msgs WHERE err_type >= 10) BEGIN
  UPDATE pending_msgs SET err_type = err_type - 10 WHERE msg_id = OLD._id; END;
-- run
INSERT INTO pdu(m_id, m_type) VALUES ('a', 128), ('a', 134), ('a', 136), ('b', 134), ('c', 130);
DELETE FROM pdu WHERE m_id = 'a' AND m_type = 128;
UPDATE pending_msgs SET err_type = 12;
DELETE FROM pdu;
