-- Everything that DDL can make in a database, as (schema, name, object, line). `name` is that of the relation, type or
-- function itself, or of the relation it hangs on. $1: schema lite2pg too. Only texts, no OIDs: they mean the same after a
-- dump and a restore. Sources: https://www.postgresql.org/docs/current/catalogs.html
WITH n AS MATERIALIZED (
    SELECT oid, nspname::text AS name FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND ($1 OR nspname <> 'lite2pg')
), c AS MATERIALIZED (
    SELECT c.*, n.name AS schema, format('%s %I.%I', CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table'
        WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table'
        WHEN 'c' THEN 'type' ELSE 'index' END, n.name, c.relname) AS object
    FROM pg_class c JOIN n ON n.oid = c.relnamespace
)
SELECT n.name, n.name, format('schema %I', n.name), format('owner %I acl %s comment %s',
    pg_get_userbyid(s.nspowner), s.nspacl, obj_description(s.oid, 'pg_namespace'))
FROM n JOIN pg_namespace s USING (oid)
UNION ALL
SELECT c.schema, c.relname, c.object, format('%s owner %I acl %s persistence %s options %s security %s %s identity %s '
    'tablespace %s method %s of %s bound %s inherits %s comment %s', c.relkind, pg_get_userbyid(c.relowner), c.relacl,
    c.relpersistence, c.reloptions, c.relrowsecurity, c.relforcerowsecurity, c.relreplident,
    (SELECT spcname FROM pg_tablespace t WHERE t.oid = c.reltablespace), (SELECT amname FROM pg_am a WHERE a.oid = c.relam),
    nullif(c.reloftype, 0)::regtype, pg_get_expr(c.relpartbound, c.oid),
    (SELECT string_agg(inhparent::regclass::text, ', ' ORDER BY inhseqno) FROM pg_inherits i WHERE i.inhrelid = c.oid),
    obj_description(c.oid, 'pg_class'))
FROM c WHERE c.relkind NOT IN ('i', 'I')
UNION ALL
SELECT c.schema, c.relname, c.object, format('definition %s populated %s', pg_get_viewdef(c.oid), c.relispopulated)
FROM c WHERE c.relkind IN ('v', 'm')
UNION ALL
SELECT c.schema, c.relname, c.object, format('column %s %I %s not null %s default %s identity %s generated %s collation %s '
    'acl %s storage %s compression %s target %s options %s %s local %s comment %s',
    row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
    pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, nullif(a.attcollation, 0)::regcollation, a.attacl,
    a.attstorage, to_jsonb(a)->>'attcompression', a.attstattarget, a.attoptions, a.attfdwoptions, a.attislocal,
    col_description(c.oid, a.attnum))
FROM c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind NOT IN ('i', 'I')
UNION ALL
SELECT c.schema, c.relname, c.object, format('%s valid %s ready %s clustered %s identity %s tablespace %s comment %s',
    pg_get_indexdef(c.oid), i.indisvalid, i.indisready, i.indisclustered, i.indisreplident,
    (SELECT spcname FROM pg_tablespace t WHERE t.oid = c.reltablespace), obj_description(c.oid, 'pg_class'))
FROM c JOIN pg_index i ON i.indexrelid = c.oid
UNION ALL
SELECT c.schema, c.relname, c.object, format('type %s start %s by %s from %s to %s cache %s cycle %s owned by %s',
    s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle,
    (SELECT string_agg(format('%s %s %s', d.deptype, d.refobjid::regclass, a.attname), ', ') FROM pg_depend d
        JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')))
FROM c JOIN pg_sequence s ON s.seqrelid = c.oid
UNION ALL
SELECT c.schema, c.relname, c.object, format('server %s options %s',
    (SELECT srvname FROM pg_foreign_server s WHERE s.oid = f.ftserver), f.ftoptions)
FROM c JOIN pg_foreign_table f ON f.ftrelid = c.oid
UNION ALL
SELECT n.name, coalesce(r.relname, t.typname, k.conname), format('constraint %I of %s', k.conname,
    coalesce(nullif(k.conrelid, 0)::regclass::text, nullif(k.contypid, 0)::regtype::text)),
    format('%s valid %s comment %s', pg_get_constraintdef(k.oid), k.convalidated, obj_description(k.oid, 'pg_constraint'))
FROM pg_constraint k JOIN n ON n.oid = k.connamespace LEFT JOIN pg_class r ON r.oid = k.conrelid
    LEFT JOIN pg_type t ON t.oid = k.contypid
UNION ALL
SELECT c.schema, c.relname, format('trigger %I of %s', g.tgname, c.oid::regclass), format('%s enabled %s comment %s',
    pg_get_triggerdef(g.oid), g.tgenabled, obj_description(g.oid, 'pg_trigger'))
FROM pg_trigger g JOIN c ON c.oid = g.tgrelid WHERE NOT g.tgisinternal
UNION ALL
SELECT c.schema, c.relname, format('rule %I of %s', r.rulename, c.oid::regclass), format('%s enabled %s comment %s',
    pg_get_ruledef(r.oid), r.ev_enabled, obj_description(r.oid, 'pg_rewrite'))
FROM pg_rewrite r JOIN c ON c.oid = r.ev_class WHERE r.rulename <> '_RETURN'
UNION ALL
SELECT c.schema, c.relname, format('policy %I of %s', p.polname, c.oid::regclass), format('for %s permissive %s to %s using %s '
    'check %s comment %s', p.polcmd, p.polpermissive,
    (SELECT string_agg(CASE o WHEN 0 THEN 'public' ELSE pg_get_userbyid(o)::text END, ', ') FROM unnest(p.polroles) o),
    pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), obj_description(p.oid, 'pg_policy'))
FROM pg_policy p JOIN c ON c.oid = p.polrelid
UNION ALL
SELECT n.name, p.proname, format('%s %I.%I(%s)', CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate'
    ELSE 'function' END, n.name, p.proname, pg_get_function_identity_arguments(p.oid)),
    format('%s owner %I acl %s comment %s', CASE p.prokind WHEN 'a' THEN (SELECT format('%s of %s by %s final %s from %s',
        pg_get_function_result(p.oid), a.aggtranstype::regtype, a.aggtransfn, a.aggfinalfn, a.agginitval)
        FROM pg_aggregate a WHERE a.aggfnoid = p.oid) ELSE pg_get_functiondef(p.oid) END, pg_get_userbyid(p.proowner),
    p.proacl, obj_description(p.oid, 'pg_proc'))
FROM pg_proc p JOIN n ON n.oid = p.pronamespace
UNION ALL
SELECT n.name, t.typname, format('type %I.%I', n.name, t.typname), format('%s owner %I acl %s base %s not null %s default %s '
    'labels %s subtype %s comment %s', t.typtype, pg_get_userbyid(t.typowner), t.typacl,
    CASE WHEN t.typbasetype <> 0 THEN format_type(t.typbasetype, t.typtypmod) END, t.typnotnull, t.typdefault,
    (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
    (SELECT rngsubtype::regtype FROM pg_range r WHERE r.rngtypid = t.oid), obj_description(t.oid, 'pg_type'))
FROM pg_type t JOIN n ON n.oid = t.typnamespace
WHERE t.typcategory <> 'A' AND (t.typrelid = 0 OR EXISTS (SELECT 1 FROM pg_class r WHERE r.oid = t.typrelid AND r.relkind = 'c'))
UNION ALL
SELECT n.name, coalesce(r.relname, s.stxname), format('statistics %I.%I', n.name, s.stxname), format('%s owner %I comment %s',
    pg_get_statisticsobjdef(s.oid), pg_get_userbyid(s.stxowner), obj_description(s.oid, 'pg_statistic_ext'))
FROM pg_statistic_ext s JOIN n ON n.oid = s.stxnamespace LEFT JOIN pg_class r ON r.oid = s.stxrelid
UNION ALL
SELECT coalesce(s.nspname, ''), '', format('default privileges of %I in %s for %s', pg_get_userbyid(d.defaclrole),
    coalesce(quote_ident(s.nspname), 'every schema'), d.defaclobjtype), format('%s', d.defaclacl)
FROM pg_default_acl d LEFT JOIN pg_namespace s ON s.oid = d.defaclnamespace
UNION ALL
SELECT '', x.extname, format('extension %I', x.extname), format('version %s schema %s owner %I', x.extversion,
    x.extnamespace::regnamespace, pg_get_userbyid(x.extowner))
FROM pg_extension x
UNION ALL
SELECT '', e.evtname, format('event trigger %I', e.evtname), format('%s tags %s does %s enabled %s owner %I', e.evtevent,
    e.evttags, e.evtfoid::regprocedure, e.evtenabled, pg_get_userbyid(e.evtowner))
FROM pg_event_trigger e
UNION ALL
SELECT '', p.pubname, format('publication %I', p.pubname), format('%s owner %I of %s', to_jsonb(p) - 'oid' - 'pubowner',
    pg_get_userbyid(p.pubowner), (SELECT string_agg(prrelid::regclass::text, ', ' ORDER BY prrelid::regclass::text)
    FROM pg_publication_rel r WHERE r.prpubid = p.oid))
FROM pg_publication p
UNION ALL
SELECT '', w.fdwname, format('foreign-data wrapper %I', w.fdwname), format('owner %I acl %s options %s',
    pg_get_userbyid(w.fdwowner), w.fdwacl, w.fdwoptions)
FROM pg_foreign_data_wrapper w
UNION ALL
SELECT '', s.srvname, format('server %I', s.srvname), format('owner %I acl %s type %s version %s options %s',
    pg_get_userbyid(s.srvowner), s.srvacl, s.srvtype, s.srvversion, s.srvoptions)
FROM pg_foreign_server s
UNION ALL
SELECT coalesce(i.schema, ''), coalesce(i.name, ''), format('%s %s', i.type, i.identity), coalesce(format('%I', o.owner), '')
FROM (SELECT 'pg_collation'::regclass AS class, oid, collnamespace AS space, pg_get_userbyid(collowner)::text AS owner FROM pg_collation
    UNION ALL SELECT 'pg_conversion'::regclass, oid, connamespace, pg_get_userbyid(conowner)::text FROM pg_conversion
    UNION ALL SELECT 'pg_operator'::regclass, oid, oprnamespace, pg_get_userbyid(oprowner)::text FROM pg_operator
    UNION ALL SELECT 'pg_opclass'::regclass, oid, opcnamespace, pg_get_userbyid(opcowner)::text FROM pg_opclass
    UNION ALL SELECT 'pg_opfamily'::regclass, oid, opfnamespace, pg_get_userbyid(opfowner)::text FROM pg_opfamily
    UNION ALL SELECT 'pg_ts_config'::regclass, oid, cfgnamespace, pg_get_userbyid(cfgowner)::text FROM pg_ts_config
    UNION ALL SELECT 'pg_ts_dict'::regclass, oid, dictnamespace, pg_get_userbyid(dictowner)::text FROM pg_ts_dict
    UNION ALL SELECT 'pg_ts_parser'::regclass, oid, prsnamespace, NULL FROM pg_ts_parser
    UNION ALL SELECT 'pg_ts_template'::regclass, oid, tmplnamespace, NULL FROM pg_ts_template) o
    JOIN n ON n.oid = o.space, pg_identify_object(o.class, o.oid, 0) i
UNION ALL
-- Of these the server's own have smaller numbers.
SELECT '', '', format('%s %s', i.type, i.identity), o.line
FROM (SELECT 'pg_cast'::regclass AS class, oid, format('%s %s', castcontext, castfunc::regprocedure) AS line FROM pg_cast
    UNION ALL SELECT 'pg_language'::regclass, oid, format('%s %s', pg_get_userbyid(lanowner), lanacl) FROM pg_language
    UNION ALL SELECT 'pg_am'::regclass, oid, amhandler::text FROM pg_am
    UNION ALL SELECT 'pg_transform'::regclass, oid, '' FROM pg_transform) o,
    pg_identify_object(o.class, o.oid, 0) i
WHERE o.oid >= 16384
UNION ALL
SELECT '', '', 'security labels', format('%s on %s: %s', l.provider, pg_describe_object(l.classoid, l.objoid, l.objsubid), l.label)
FROM pg_seclabel l
UNION ALL
SELECT '', '', format('settings of %s in %s', CASE s.setrole WHEN 0 THEN 'every role' ELSE pg_get_userbyid(s.setrole)::text END,
    coalesce(quote_ident(d.datname), 'every database')), s.setconfig::text
FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase
WHERE s.setdatabase = 0 OR d.datname = current_database()
UNION ALL
SELECT '', '', format('database %I', d.datname), format('owner %I acl %s connections %s comment %s', pg_get_userbyid(d.datdba),
    d.datacl, d.datconnlimit, shobj_description(d.oid, 'pg_database'))
FROM pg_database d WHERE d.datname = current_database()
UNION ALL
SELECT '', '', 'large objects', format('%s', count(*)) FROM pg_largeobject_metadata
