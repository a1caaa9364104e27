-- Functions of numbers. Sources: https://sqlite.org/lang_corefunc.html, https://sqlite.org/lang_mathfunc.html
-- Where the SQLite at hand has no mathematical functions, the values are those that it gives where it has.
abs(i)
abs(-5)
abs(f)
abs(n)
abs(p)
abs(t)
abs('abc')
abs('-5')
abs(NULL)
abs(x)
abs(flag)
abs(-2.5)
sign(i)
sign(f)
sign(n)
sign(t)
sign('-3')
sign('x')
sign(x)
sign(NULL)
round(f)
round(g)
round(i)
round(b)
round(n)
round(p, 1)
round(t)
round(x)
round(2.5)
round(-2.5)
round(-0.4)
round(0.5)
round(1.005, 2)
round(2.675, 2)
round(0.15, 1)
round(0.25, 1)
round(0.35, 1)
round(12345.6789, 2)
round(12345.6789, -2)
round(1e300, 2)
round(123.456, 30)
round(g, 2)
round(g, i)
round(f, 3)
round(1.5, NULL)
round(NULL, 1)
round(5, 2)
round('2.567', 1)
round(i / 3.0, 2)
round(100.0 * i / 7, 1)
pi() -- = 3.141592653589793
sqrt(2) -- = 1.4142135623730951
sqrt(-1) -- = NULL
sqrt('4') -- = 2
sqrt('4x') -- = NULL
pow(2, 0.5) -- = 1.4142135623730951
power(2, 10) -- = 1024
pow(10, 400) -- = Infinity
pow(-8, 1.0 / 3) -- = NULL
exp(1) -- = 2.718281828459045
exp(1000) -- = Infinity
exp(-1000) -- = 0
ln(10) -- = 2.302585092994046
ln(0) -- = NULL
ln(-1) -- = NULL
log(100) -- = 2
log(0) -- = NULL
log10(1000) -- = 3
log2(8) -- = 3
log(2, 8) -- = 3
log(1, 8) -- = NULL
mod(7, 3) -- = 1
mod(7.5, 2) -- = 1.5
mod(-7, 3) -- = -1
mod(7, 0) -- = NULL
ceil(2.1) -- = 3
ceil(-2.1) -- = -2
ceiling(5) -- = 5
ceil('2.1') -- = 3
ceil('x') -- = NULL
floor(2.9) -- = 2
floor(-2.1) -- = -3
trunc(2.9) -- = 2
trunc(-2.9) -- = -2
trunc(5) -- = 5
acos(1) -- = 0
acos(2) -- = NULL
asin(1) -- = 1.5707963267948966
asin(-2) -- = NULL
atan(1) -- = 0.7853981633974483
atan2(1, 2) -- = 0.4636476090008061
acosh(1) -- = 0
acosh(0) -- = NULL
asinh(1) -- = 0.881373587019543
atanh(0.5) -- = 0.5493061443340549
atanh(1.5) -- = NULL
sin(0) -- = 0
cos(0) -- = 1
tan(1) -- = 1.5574077246549023
sinh(1) -- = 1.1752011936438014
cosh(1) -- = 1.543080634815244
tanh(1) -- = 0.7615941559557649
degrees(1) -- = 57.29577951308232
radians(180) -- = 3.141592653589793
sqrt(NULL) -- = NULL
