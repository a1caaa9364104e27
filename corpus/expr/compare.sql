-- Comparisons. Source: https://sqlite.org/datatype3.html#comparison_expressions
i = 1
i = '1'
i = ' 1 '
i = '1x'
i < 'abc'
i = 1.0
b = 9007199254740992.0
b < 9007199254740993
b = f
b < f
b >= f
f = g
n = '0.10'
n = 0.1
n < f
n = b
p = m
m > '2'
t = 10
t = 10.0
t < 5
t > i
t = i
t <> n
f = t
t = '10'
t = 'A'
t < 'B'
nc = 'a'
nc < 'B'
'a' = nc
nc = t
t = nc
rt = 'ab'
rt = 'ab  '
t COLLATE NOCASE = 'a'
t = 'a' COLLATE NOCASE
(t || '') = 'A' COLLATE NOCASE
(nc || '') = 'a'
+nc = 'a'
CAST(nc AS TEXT) = 'a'
lower(t COLLATE NOCASE) = 'A'
coalesce(t, '') COLLATE NOCASE = 'A'
x = 'ab'
x > 'zzz'
x > 5
x = x'6162'
'a' < x
5 < 'a'
5 = '5'
'5' = 5.0
CAST('5' AS INTEGER) = '5'
CAST(5 AS TEXT) = 5
CAST(t AS INTEGER) = '10'
i IS NULL
i IS NOT NULL
i IS 1
i IS NOT 1
i IS si
t IS 5
t IS DISTINCT FROM 'a'
t IS NOT DISTINCT FROM 'a'
i IS TRUE
i IS NOT TRUE
t IS TRUE
f IS FALSE
NULL IS TRUE
NULL IS NULL
flag
flag = 1
flag = 0
flag = 2
flag > 0
flag = '1'
flag IS NULL
NOT flag
flag = (i > 0)
flag IN (0, 1)
flag AND i
yes = 'yes'
yes = 'y'
yes = 1
yes <> 'no'
yes IN ('yes', 'maybe')
d = '2020-01-01'
d >= '2020-01-01'
d > '2020'
d <= '2020-01'
d = '2020-1-1'
d > 5
d < '2020-01-01 00:00:00'
d BETWEEN '2000-01-01' AND '2024-02-29'
ts = '2020-01-01 00:00:00'
ts >= '2020-01-01'
ts > '2020-01-01'
ts <= '2020-01-01'
ts < '2020-01-01'
ts = '2020-01-01'
ts <> '2020-01-01'
ts > '2020'
ts > '2020-01-01T00:00:00'
ts < '2024-02-29 12'
ts < '2024-02-29 12:30'
ts BETWEEN '2000-01-01' AND '2024-12-31 23:59:59'
ts > d
ts IS NOT NULL
ts IN ('2020-01-01 00:00:00', '2020-01-01')
ts < 5
ep > 1600000000
ep = 0
ep BETWEEN 0 AND 1700000000
ep > '5'
ep > 1600000000.5
ep = i
ep IS NULL
ms > 1700000000000
ms = 1700000000123
id = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
id = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'
id > 'b'
id = t
c = 'ab'
c < 'b'
u = 10
i IN (1, 2, NULL)
i IN ('1', '42')
i IN ()
i NOT IN ()
t IN ('a', 10)
t NOT IN ('a', 'b')
n IN (5, '0.1')
f IN (1.5, 1)
NULL IN (1, 2)
1 IN (1, NULL)
x IN (x'6162', 'ab')
lo = 'a'
lo = 5 -- refused: storage classes
lo < 'a' -- refused: may hold numbers
lo IS NULL
lo || 'x'
