-- JSON functions: every one of https://sqlite.org/json1.html.
json(' { "this" : "is", "a": [ "test" ] } ')
json('[1, 0.10, 1E5, "\u00e9\/", true, null]')
json(NULL)
json('{') -- refused: no JSON
json('{a:1}') -- refused: no JSON
json_array(1,2,'3',4)
json_array('[1,2]')
json_array(json_array(1,2))
json_array(1,NULL,'3','[4,5]','{"six":7.7}')
json_array(1,NULL,'3',json('[4,5]'),json('{"six":7.7}'))
json_array()
json_array(1.5, 'é😀', 'it''s "x" \ y')
json_array(x'00') -- refused: put into JSON
json_array_length('[1,2,3,4]')
json_array_length('[1,2,3,4]', '$')
json_array_length('[1,2,3,4]', '$[2]')
json_array_length('{"one":[1,2,3]}')
json_array_length('{"one":[1,2,3]}', '$.one')
json_array_length('{"one":[1,2,3]}', '$.two')
json_array_length(NULL)
json_extract('{"a":2,"c":[4,5,{"f":7}]}', '$')
json_extract('{"a":2,"c":[4,5,{"f":7}]}', '$.c')
json_extract('{"a":2,"c":[4,5,{"f":7}]}', '$.c[2]')
json_extract('{"a":2,"c":[4,5,{"f":7}]}', '$.c[2].f')
json_extract('{"a":2,"c":[4,5],"f":7}','$.c','$.a')
json_extract('{"a":2,"c":[4,5],"f":7}','$.c[#-1]')
json_extract('{"a":2,"c":[4,5],"f":7}','$.c[#-3]')
json_extract('{"a":2,"c":[4,5,{"f":7}]}', '$.x')
json_extract('{"a":2,"c":[4,5,{"f":7}]}', '$.x', '$.a')
json_extract('{"a":"xyz"}', '$.a')
json_extract('{"a":null}', '$.a')
json_extract('{"a":true,"b":false}', '$.a')
json_extract('{"a":true,"b":false}', '$.b')
json_extract('{"a":1.50}', '$.a')
json_extract('{"a":1e3}', '$.a')
json_extract('{"a":12345678901234567890}', '$.a')
json_extract('{"a":"\u00e9\n\"q\""}', '$.a')
json_extract('{"a b":{"é":1}}', '$."a b".é')
json_extract('{"":1}', '$.""')
json_extract('[1,[2,3]]', '$[1][0]')
json_extract('5', '$[0]')
json_extract('{"a":1}', 'a') -- refused: no path
json_extract('{"a":1}', '$a') -- refused: no path
json_extract('{"a":1}', '$.') -- refused: no path
json_extract(NULL, '$.a')
json_extract('{"a":1}', NULL)
'{"a":2,"c":[4,5,{"f":7}]}' -> '$'
'{"a":2,"c":[4,5,{"f":7}]}' -> '$.c'
'{"a":2,"c":[4,5,{"f":7}]}' -> 'c'
'{"a":2,"c":[4,5,{"f":7}]}' -> '$.c[2].f'
'{"a":2,"c":[4,5],"f":7}' -> '$.c[#-1]'
'{"a":2,"c":[4,5,{"f":7}]}' -> '$.x'
'[11,22,33,44]' -> 3
'[11,22,33,44]' ->> 3
'[11,22,33,44]' ->> -1
'[11,22,33,44]' ->> 9
'{"a":"xyz"}' -> '$.a'
'{"a":"xyz"}' ->> '$.a'
'{"a":null}' -> '$.a'
'{"a":null}' ->> '$.a'
'{"a":{"b":[true]}}' -> 'a' -> 'b' ->> 0
'{"a b":1}' ->> 'a b'
'{"0":1}' ->> '0'
'{"0":1}' ->> 0
json_insert('{"a":2,"c":4}', '$.a', 99)
json_insert('{"a":2,"c":4}', '$.e', 99)
json_insert('[1,2,3,4]','$[#]',99)
json_insert('[1,[2,3],4]','$[1][#]',99)
json_replace('{"a":2,"c":4}', '$.a', 99)
json_replace('{"a":2,"c":4}', '$.e', 99)
json_set('{"a":2,"c":4}', '$.a', 99)
json_set('{"a":2,"c":4}', '$.e', 99)
json_set('{"a":2,"c":4}', '$.c', '[97,96]')
json_set('{"a":2,"c":4}', '$.c', json('[97,96]'))
json_set('{"a":2,"c":4}', '$.c', json_array(97,96))
json_set('{"a":{}}', '$.a.b.c', 'é', '$.z', NULL)
json_set('[]', '$[0].x', 1.5)
json_set('[]', '$[1]', 1)
json_set('{"a":1}', '$', 5)
json_object('a',2,'c',4)
json_object('a',2,'c','{e:5}')
json_object('a',2,'c',json_object('e',5))
json_object()
json_object('é "q"', NULL)
json_patch('{"a":1,"b":2}','{"c":3,"d":4}')
json_patch('{"a":[1,2],"b":2}','{"a":9}')
json_patch('{"a":[1,2],"b":2}','{"a":null}')
json_patch('{"a":1,"b":2}','{"a":9,"b":null,"c":8}')
json_patch('{"a":{"x":1,"y":2},"b":3}','{"a":{"y":9},"c":8}')
json_patch('[1]','{"a":null,"b":1}')
json_patch('{"a":1}','5')
json_pretty('{"a":[1,{"b":[]}],"c":{}}')
json_pretty('[1,[2]]', ' ')
json_quote(3.14159)
json_quote('verdant')
json_quote('[1]')
json_quote(json('[1]'))
json_quote('[1,')
json_quote(NULL)
json_quote(12)
json_remove('[0,1,2,3,4]','$[2]')
json_remove('[0,1,2,3,4]','$[2]','$[0]')
json_remove('[0,1,2,3,4]','$[0]','$[2]')
json_remove('[0,1,2,3,4]','$[#-1]','$[0]')
json_remove('{"x":25,"y":42}')
json_remove('{"x":25,"y":42}','$.z')
json_remove('{"x":25,"y":42}','$.y')
json_remove('{"x":25,"y":42}','$')
json_type('{"a":[2,3.5,true,false,null,"x"]}')
json_type('{"a":[2,3.5,true,false,null,"x"]}','$')
json_type('{"a":[2,3.5,true,false,null,"x"]}','$.a')
json_type('{"a":[2,3.5,true,false,null,"x"]}','$.a[0]')
json_type('{"a":[2,3.5,true,false,null,"x"]}','$.a[1]')
json_type('{"a":[2,3.5,true,false,null,"x"]}','$.a[2]')
json_type('{"a":[2,3.5,true,false,null,"x"]}','$.a[3]')
json_type('{"a":[2,3.5,true,false,null,"x"]}','$.a[4]')
json_type('{"a":[2,3.5,true,false,null,"x"]}','$.a[5]')
json_type('{"a":[2,3.5,true,false,null,"x"]}','$.a[6]')
json_valid('{"x":35}')
json_valid('{x:35}')
json_valid('{"x":35')
json_valid(NULL)
json_valid('[1,2,]')
json_valid('"é"')
json_valid('[1]', 1)
json_valid('[1]', 6) -- refused: json_valid
json_error_position('{') -- refused: stops reading
jsonb('[1]') -- refused: binary form
jsonb_extract('[1]', '$[0]') -- refused: binary form

-- Values that come of JSON in larger expressions
json_extract('{"a":5}', '$.a') = 5
json_extract('{"a":"5"}', '$.a') = 5
json_extract('{"a":"5"}', '$.a') = '5'
json_extract('{"a":5}', '$.a') = '5'
json_extract('{"a":5.0}', '$.a') = 5
json_extract('{"a":5}', '$.a') > 4.5
json_extract('{"a":"x"}', '$.a') > 100
json_extract('{"a":"abc"}', '$.a') < 'abd'
json_extract('{"a":null}', '$.a') IS NULL
json_extract('{"a":null}', '$.a') = 5
json_extract('{"a":5}', '$.a') BETWEEN 1 AND 9
json_extract('{"a":5}', '$.a') IN (4, 5, 'x')
json_extract('{"a":"5"}', '$.a') IN (4, 5, 'x')
CAST(json_extract('{"a":"12abc"}', '$.a') AS INTEGER)
CAST(json_extract('{"a":5}', '$.a') AS REAL)
json_extract('{"a":5}', '$.a') || 'x'
length(json_extract('{"a":"é😀"}', '$.a'))
upper(json_extract('{"a":"abc"}', '$.a'))
CASE WHEN json_extract('{"a":true}', '$.a') THEN 'yes' ELSE 'no' END
coalesce('{"a":1}' ->> 'b', 'none')
t = '{"a":"a"}' ->> 'a'
i = '{"a":42}' ->> 'a'
i < '{"a":"42"}' ->> 'a'
json_object('t', t, 'i', i)
json_array(t, i)
json_extract('{"a":5}', '$.a') + 1
json_extract('{"a":2.5}', '$.a') * 2
json_extract('{"a":10.0}', '$.a') / 4
json_extract('{"a":10}', '$.a') / 4
json_extract('{"a":"7"}', '$.a') - 2
json_extract('{"a":null}', '$.a') + 1
- json_extract('{"a":5}', '$.a')
round(json_extract('{"a":2.567}', '$.a'), 1)
CAST(json_extract('{"a":1e20}', '$.a') AS INTEGER)
CAST(json_extract('{"a":-2.9}', '$.a') AS INTEGER)
CAST(json_extract('{"a":true}', '$.a') AS INTEGER)
CAST(json_extract('{"a":[5]}', '$.a') AS INTEGER)
NOT json_extract('{"a":0}', '$.a')
typeof(json_extract('{"a":5}', '$.a'))
typeof(json_extract('{"a":5.5}', '$.a'))
typeof(json_extract('{"a":"x"}', '$.a'))
typeof(json_extract('{"a":true}', '$.a'))
typeof(json_extract('{"a":[]}', '$.a'))
typeof(json_extract('{"a":null}', '$.a'))
