-- Operators that compute. Source: https://sqlite.org/lang_expr.html#operators_and_parse_affecting_attributes
1 + 1
i + 1
i + i
b + 0
5 / 2
-5 / 2
5 / -2
5.0 / 2
i / si
i / 0
i % 0
f / 0
f / 0.0
5 % 3
-5 % 3
5 % -3
5.9 % 3
'5.5' % 2
'1e3' % 7
b % -1
i % si
f % 3
f * g
f + g
f - f
g * 2
g / 3
n + n
n * 3
n / 2
n % 2
p * i
m / 2
m + 1
- n
- f
- t
- ' 5 '
- '5x'
- ''
'5' + 1
'5x' + 1
'abc' + 1
'' + 0
'5.0' + 1
'1e3' + 1
'.5' + 0
'0x10' + 0
'9223372036854775808' + 0
'9223372036854775807' + 0
t + 1
t * 2
t / 3
t % 4
t - t
x + 1
x'3132' + 1
flag + 1
flag * 100
yes + 1
d + 1
ts + 1
ep / 86400
ep % 86400
ms / 1000
NULL + 1
i + NULL
i * 1.5
i * 100.0 / 3
100.0 * i / si
1 / 3.0
b & 255
b | 1
~ b
~ t
~ f
i << 3
i >> 3
i << si
i >> si
b << 63
b << 64
b >> 64
b >> 100
-1 >> 70
1 << -1
8 >> -2
1 << -100
t & 7
f | 1
'7' & 3
NULL & 1
i || 1
f || ''
g || ''
n || ''
p || ''
flag || 'x'
t || u
t || NULL
x || t
d || ' 00:00:00'
ts || 'Z'
ep || ''
1.5 || 2
1e15 || ''
1e100 || ''
0.1 + 0.2 || ''
100.0 || ''
1 = 1
NOT i
NOT t
NOT NULL
NOT 0.0
NOT 'x'
i AND f
t AND u
t OR 0
x AND 1
NULL AND 0
NULL OR 1
i BETWEEN 0 AND 10
t BETWEEN 'a' AND 'b'
b BETWEEN f AND g
