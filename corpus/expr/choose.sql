-- Functions that choose among values. Source: https://sqlite.org/lang_corefunc.html
coalesce(i, 0)
coalesce(f, 0)
coalesce(f, 0) * 2
coalesce(f, 0) + coalesce(g, 0)
coalesce(g, 1) * f
coalesce(t, '')
coalesce(t, 0)
coalesce(i, 'none')
coalesce(f, 'none')
coalesce(n, 0)
coalesce(p, 0) + 1
coalesce(flag, 0)
coalesce(b, f)
coalesce(d, '')
coalesce(ts, d)
coalesce(ts, '1970-01-01 00:00:00')
coalesce(ep, 0)
coalesce(ep, ms, i)
coalesce(yes, 'no')
coalesce(NULL, NULL, i)
coalesce(x, t) -- refused: different kinds
coalesce(t, nc, rt)
ifnull(t, i)
ifnull(ts, ts)
nullif(i, 0)
nullif(t, '')
nullif(nc, 'A')
nullif(t COLLATE NOCASE, 'A')
nullif(i, 1.0)
nullif(i, '1')
nullif(f, 0)
nullif(n, 5)
nullif(d, '2020-01-01')
nullif(flag, 0)
iif(flag, 'yes', 'no')
iif(i > 0, i, -i)
iif(t, 1, 2)
iif(i, 1)
if(flag, t, u)
iif(i = 1, 'one', i = 2, 'two', 'many')
CASE WHEN i > 0 THEN 'p' WHEN i < 0 THEN 'n' ELSE 'z' END
CASE i WHEN 1 THEN 'one' WHEN '42' THEN 'two' END
CASE t WHEN 'a' THEN 1 WHEN 10 THEN 2.5 ELSE 0 END
CASE nc WHEN 'a' THEN 1 END
CASE flag WHEN 1 THEN 'on' ELSE 'off' END
CASE WHEN flag THEN i ELSE t END
CASE WHEN flag THEN f ELSE i END
CASE WHEN NULL THEN 1 ELSE 2 END
CASE WHEN flag THEN d ELSE ts END
CASE ts WHEN '2020-01-01 00:00:00' THEN 1 ELSE 0 END
CASE yes WHEN 'yes' THEN 1 ELSE 0 END
max(i, si)
min(i, si, 0)
max(i, NULL)
max(f, g)
max(i, 1.5)
min(t, u)
max(t, 'm')
max(nc, 'b') -- refused: orders
max(d, '2020-06-01')
max(ts, ts)
max(i, t) -- refused: different classes
typeof(i)
typeof(f)
typeof(t)
typeof(x)
typeof(n)
typeof(m)
typeof(NULL)
typeof(flag)
typeof(d)
typeof(ep)
typeof(yes)
typeof(i + 1)
typeof(i / 2.0)
typeof(t + 1)
typeof(n + 1)
typeof(t || 1)
typeof(coalesce(i, 0))
typeof(i = 1)
typeof(lo) -- refused: values
random() -- varies
abs(random()) % 6 -- varies
hex(randomblob(16)) -- varies
changes() -- refused: last statement
total_changes() -- refused: last statement
last_insert_rowid() -- refused: last statement
sqlite_version() -- refused: SQLite itself
sqlite_source_id() -- refused: SQLite itself
load_extension('x') -- refused: library
my_own(i) -- refused: my_own
