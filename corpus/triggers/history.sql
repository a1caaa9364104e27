CREATE TABLE employee(id INTEGER PRIMARY KEY, name TEXT NOT NULL, salary INTEGER, boss INTEGER REFERENCES employee(id));
CREATE TABLE history(id INTEGER PRIMARY KEY, employee_id INTEGER, what TEXT NOT NULL, was TEXT, became TEXT);
CREATE TRIGGER employee_insert AFTER INSERT ON employee
BEGIN
  INSERT INTO history(employee_id, what, became) VALUES (NEW.id, 'hired', NEW.name);
END;
CREATE TRIGGER employee_name AFTER UPDATE OF name ON employee WHEN OLD.name <> NEW.name
BEGIN
  INSERT INTO history(employee_id, what, was, became) VALUES (NEW.id, 'name', OLD.name, NEW.name);
END;
CREATE TRIGGER employee_salary AFTER UPDATE OF salary ON employee WHEN OLD.salary IS NOT NEW.salary
BEGIN
  INSERT INTO history(employee_id, what, was, became)
  VALUES (OLD.id, CASE WHEN OLD.salary IS NULL THEN 'first salary' WHEN NEW.salary > OLD.salary THEN 'raise' ELSE 'cut' END,
    CAST(OLD.salary AS TEXT), CAST(NEW.salary AS TEXT));
END;
CREATE TRIGGER employee_delete BEFORE DELETE ON employee
BEGIN
  SELECT RAISE(ABORT, 'a boss cannot go') FROM employee WHERE boss = OLD.id;
  INSERT INTO history(employee_id, what, was) VALUES (OLD.id, 'gone', upper(OLD.name));
END;
-- run
INSERT INTO employee(name, salary) VALUES ('ann', 10), ('bob', NULL);
UPDATE employee SET boss = 1 WHERE id = 2;
UPDATE employee SET salary = 20;
UPDATE employee SET salary = 15 WHERE name = 'bob';
UPDATE employee SET name = 'bo' WHERE name = 'bob';
UPDATE employee SET salary = salary;
-- fails
DELETE FROM employee WHERE id = 1;
DELETE FROM employee WHERE id = 2;
DELETE FROM employee;
