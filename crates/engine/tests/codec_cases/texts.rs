//! Columns of text, bytes and JSON.

use super::{Case, Pair, Random, both, hex, integers, many, real_edges, text};
use lite2pg_model::mapping::PgType;
use lite2pg_model::mapping::codec::{Normal, OwnedValue};
use lite2pg_model::mapping::json::{json_valid, jsonb_safe};
use lite2pg_model::mapping::treat::Treatment;

pub fn cases(r: &mut Random) -> Vec<Case> {
    let case = Case::new;
    let texts = many(r, |r| r.text()).into_iter().map(|s| (text(&s), hex(s.as_bytes()))).collect();
    let blobs = many(r, |r| r.bytes());
    let of_blobs = |make: &dyn Fn(&Vec<u8>) -> OwnedValue| blobs.iter().map(|b| (make(b), hex(b))).collect::<Vec<_>>();
    let jsons = many(r, |r| r.json(4))
        .into_iter()
        .filter(|j| jsonb_safe(j.as_bytes()) && !j.contains("-0"))
        .map(both)
        .collect();
    let valid = many(r, |r| r.json(4)).into_iter().filter(|j| json_valid(j.as_bytes())).map(both).collect();
    let strings = many(r, |r| r.text());
    let short = |n: usize, exactly: bool| -> Vec<Pair> {
        let cut = strings.iter().map(|s| s.chars().take(n).collect::<String>());
        let fits = |s: &String| !exactly || (s.chars().count() == n && !s.ends_with(' '));
        cut.filter(fits).map(|s| (text(&s), hex(s.as_bytes()))).collect()
    };
    // First one that in another letter case is another label.
    let moods = std::iter::once(both("sad".to_owned())).chain(many(r, label)).collect();
    let mut labels = case("enum", PgType::Enum, Normal::Exact, moods, "v::text", "l", true);
    labels.ddl = Some("mood");
    labels.crossing.labels = MOODS.map(String::from).to_vec();
    let odd = [f64::INFINITY, f64::NEG_INFINITY, -0.0];
    let reals: Vec<f64> = many(r, Random::real).into_iter().chain(real_edges()).chain(odd).collect();
    let bytea = "decode(l, 'hex')";
    vec![
        case("text", PgType::Text, Normal::Exact, texts, "textsend(v)", bytea, true),
        case("integers as text", PgType::Text, Normal::Text, integers(r, i64::MIN, i64::MAX), "v", "l", false),
        case(
            "reals as text",
            PgType::Text,
            Normal::Text,
            reals.into_iter().map(|r| (OwnedValue::Real(r), format!("{r:e}").replace("inf", "Infinity"))).collect(),
            "CASE WHEN v ~ '[.ei]' THEN float8send(v::float8) END",
            "float8send(l::float8)",
            false,
        ),
        case(
            "blobs as text",
            PgType::Text,
            Normal::Text,
            of_blobs(&|b| OwnedValue::Blob(b.clone())),
            "v::bytea",
            bytea,
            false,
        ),
        case("bytea", PgType::Bytea, Normal::Exact, of_blobs(&|b| OwnedValue::Blob(b.clone())), "v", bytea, true),
        case(
            "text as bytea",
            PgType::Bytea,
            Normal::TextBytes,
            of_blobs(&|b| OwnedValue::Text(b.clone())),
            "v",
            bytea,
            true,
        ),
        case("jsonb", PgType::Jsonb, Normal::Json, jsons, "jsonb_send(v)", "jsonb_send(l::jsonb)", false),
        case("json", PgType::Json, Normal::Exact, valid, "json_send(v)", "textsend(l)", true),
        case("varchar(12)", PgType::VarChar(12), Normal::Exact, short(12, false), "varcharsend(v)", bytea, true),
        case("varchar(1)", PgType::VarChar(1), Normal::Exact, short(1, false), "varcharsend(v)", bytea, true),
        case("char(5)", PgType::Char(5), Normal::Exact, short(5, true), "bpcharsend(v)", bytea, true),
        case("char(1)", PgType::Char(1), Normal::Exact, short(1, true), "bpcharsend(v)", bytea, true),
        labels,
    ]
}

/// The labels of the type `mood`.
pub const MOODS: [&str; 6] = ["sad", "Sad", "", "O'Brien", "très content", " blank "];

fn label(r: &mut Random) -> Pair {
    both(MOODS[r.below(6) as usize].to_owned())
}

/// Texts that PostgreSQL does not hold, under every policy that makes them such as it does.
pub fn treated(r: &mut Random) -> Vec<Case> {
    let case = |name, treatment, values, want| {
        Case::new(name, PgType::Text, Normal::Exact, values, "textsend(v)", want, false).treated(&[treatment])
    };
    // Never valid UTF-8, and without NUL; Windows-1252 leaves five bytes open.
    let broken = |open: &[u8], r: &mut Random| {
        let texts = many(r, |r| [r.bytes(), vec![0xff, b'x']].concat());
        let kept =
            texts.into_iter().map(|t| t.into_iter().filter(|b| *b != 0 && !open.contains(b)).collect::<Vec<u8>>());
        kept.map(|t| (hex(&t), OwnedValue::Text(t))).map(|(l, t)| (t, l)).collect::<Vec<Pair>>()
    };
    let nul = |r: &mut Random| {
        many(r, |r| r.text().replace(['a', 'é', '\u{7f}'], "\0") + ["", "\0", "\0x"][r.below(3) as usize])
            .into_iter()
            .map(|s| (text(&s), hex(s.as_bytes())))
            .collect::<Vec<Pair>>()
    };
    let (latin, windows) = (broken(&[], r), broken(&[0x81, 0x8d, 0x8f, 0x90, 0x9d], r));
    let empty = (0..40).map(|n| if n % 3 == 0 { String::new() } else { r.text() });
    let empty = empty.map(|s| (text(&s), hex(s.as_bytes()))).collect();
    vec![
        case("latin1", Treatment::InvalidLatin1, latin, "textsend(convert_from(decode(l, 'hex'), 'LATIN1'))"),
        case("cp1252", Treatment::InvalidCp1252, windows, "textsend(convert_from(decode(l, 'hex'), 'WIN1252'))"),
        case(
            "NUL stripped",
            Treatment::NulStrip,
            nul(r),
            "decode(replace(regexp_replace(l, '(..)', '\\1 ', 'g'), '00 ', ''), 'hex')",
        ),
        case(
            "NUL replaced",
            Treatment::NulReplace,
            nul(r),
            "decode(replace(regexp_replace(l, '(..)', '\\1 ', 'g'), '00 ', 'efbfbd'), 'hex')",
        ),
        case("empty text as NULL", Treatment::EmptyNull, empty, "nullif(decode(l, 'hex'), '')"),
    ]
}
