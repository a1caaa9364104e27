CREATE TABLE Orders(OrderId INTEGER PRIMARY KEY, Total INTEGER);
CREATE TABLE OrderLog(Id INTEGER PRIMARY KEY, OrderId INTEGER, Old INTEGER, New INTEGER);
create trigger orders_total after update of total on orders for each row when new.TOTAL is not old.Total
begin
  insert into orderlog(orderid, old, new) values (new.orderid, old.total, new.total);
end;
INSERT INTO Orders VALUES (1, 5), (2, NULL);
-- run
UPDATE "Orders" SET "Total" = 6 WHERE "OrderId" = 1;
UPDATE "Orders" SET "Total" = 6 WHERE "OrderId" = 2;
UPDATE "Orders" SET "Total" = 6;
