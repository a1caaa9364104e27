//! Calls within calls: whether they are translated or refused, they come back, and soon.
//! Owns the list.

use lite2pg_model::mapping::PgType;
use lite2pg_model::schema::{Affinity, Column};
use lite2pg_model::sql::ast::{Binary, Expr};
use lite2pg_model::sql::helpers::Used;
use lite2pg_model::sql::translate::{Purpose, Scope, ScopeColumn, expression};
use std::time::{Duration, Instant};

#[test]
fn deep_calls_come_back_soon() {
    let text = |t: &str| Expr::Text(t.into());
    let call = |name: &str, args: Vec<Expr>| Expr::Call(name.into(), args);
    let wraps: [&dyn Fn(Expr) -> Expr; 14] = [
        &|x| call("date", vec![x]),
        &|x| call("datetime", vec![text("2020-01-01"), x]),
        &|x| call("strftime", vec![x, text("2020-01-01")]),
        &|x| call("timediff", vec![x.clone(), text("2020-01-01")]),
        &|x| call("unixepoch", vec![x, text("unixepoch")]),
        &|x| call("json", vec![x]),
        &|x| call("json_extract", vec![x, text("$.a")]),
        &|x| call("json_array", vec![x]),
        &|x| call("json_array_length", vec![x]),
        &|x| call("json_set", vec![x, text("$.a"), text("b")]),
        &|x| call("json_set", vec![text("{}"), text("$.a"), x]),
        &|x| call("json_valid", vec![x]),
        &|x| Expr::Binary(Binary::Arrow, Box::new(x), Box::new(text("a"))),
        &|x| call("printf", vec![text("%5s"), x]),
    ];
    let source = Column {
        read: None,
        name: "c".into(),
        declared: "TEXT".into(),
        affinity: Affinity::Text,
        not_null: false,
        default: None,
        collation: None,
        generated: None,
    };
    let columns = [ScopeColumn {
        target: "c",
        ty: PgType::Text,
        source: &source,
        class: None,
        mixed: false,
        crossing: None,
        stamp: None,
    }];
    let used = Used::default();
    let scope =
        Scope { helpers: Some(&used), purpose: Purpose::Query, lasting: false, ..Scope::of_columns(&columns, true) };
    for (i, wrap) in wraps.iter().enumerate() {
        let deep = (0..200).fold(Expr::Column(0), |x, _| wrap(x));
        let begun = Instant::now();
        let made = expression(&deep, &scope).map(|(sql, _)| sql.len());
        assert!(begun.elapsed() < Duration::from_secs(5), "{i}: {:?} for {made:?}", begun.elapsed());
    }
}
