//! Every key of the plan's file, what it takes and what it does.
//! Owns this one table, of which the reader, the JSON Schema and the flags are made; never reads a file.

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// The version of the file.
    Version,
    /// A name in PostgreSQL.
    Name,
    /// native, inferred or plain.
    Types,
    /// keep, lower or snake.
    Names,
    /// A time zone.
    Zone,
    /// source or database.
    Collation,
    /// A list of findings.
    Accepts,
    /// Policies by kind.
    Policies,
    /// Tables by name.
    Tables,
    /// The settings that the file was written with.
    DecidedWith,
    /// Columns by name.
    Columns,
    /// A list of columns that the source does not have.
    Extras,
    /// true or false.
    Flag,
    /// A type of PostgreSQL.
    Type,
    /// How values are written.
    Writing,
    /// Labels of an enum.
    Labels,
    /// SQL of SQLite.
    SourceSql,
    /// SQL of PostgreSQL.
    TargetSql,
    /// A value.
    Literal,
}

/// A key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its word.
    pub word: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// What it does.
    pub about: &'static str,
}

const fn key(word: &'static str, takes: Takes, about: &'static str) -> Key {
    Key { word, takes, about }
}

/// Keys at the top.
pub const TOP: &[Key] = &[
    key("version", Takes::Version, "The version of this file's form."),
    key("schema", Takes::Name, "The schema in PostgreSQL that the tables are published to."),
    key(
        "types",
        Takes::Types,
        "How rich types may be: native (where declaration, constraint or an unmistakable form says so), inferred (by what \
         the values are alone, too), plain (bigint, double precision, text, bytea and numeric only).",
    ),
    key(
        "names",
        Takes::Names,
        "How names are written: keep (as they are), lower (in lower case, so that they need no quotes), snake (words with _ \
         between them).",
    ),
    key(
        "assume-tz",
        Takes::Zone,
        "The time zone of date-times that were written without one: they become timestamptz.",
    ),
    key(
        "collation",
        Takes::Collation,
        "How text is ordered: source (by bytes, as SQLite does) or database (as the target's database does).",
    ),
    key(
        "accept",
        Takes::Accepts,
        "Findings about objects that are not carried over and need not be: CODE, CODE:OBJECT or all.",
    ),
    key(
        "decided-with",
        Takes::DecidedWith,
        "The settings that the file was written with. Types below that came of them alone are decided anew where the \
         present settings are others; without this, every type below stays as it is.",
    ),
    key("policies", Takes::Policies, "What becomes of data that PostgreSQL cannot hold as it is, for all columns."),
    key("tables", Takes::Tables, "Single tables, by their names in SQLite."),
];

/// Keys of a table.
pub const TABLE: &[Key] = &[
    key("to", Takes::Name, "The table's name in PostgreSQL."),
    key("skip", Takes::Flag, "Leave the table out."),
    key(
        "where",
        Takes::SourceSql,
        "Carry only the rows for which this condition holds; SQLite evaluates it over the columns as they stand there.",
    ),
    key("extra", Takes::Extras, "Columns that the source does not have; PostgreSQL fills them with their defaults."),
    key("columns", Takes::Columns, "Single columns, by their names in SQLite."),
];

/// Keys of `decided-with`.
pub const DECIDED_WITH: &[Key] = &[
    key("types", Takes::Types, "How rich types were to be."),
    key("names", Takes::Names, "How names were to be written."),
    key("assume-tz", Takes::Zone, "The time zone of date-times that were written without one."),
    key("policies", Takes::Policies, "The policies for all columns."),
];

/// Keys of a column.
pub const COLUMN: &[Key] = &[
    key("to", Takes::Name, "The column's name in PostgreSQL."),
    key("skip", Takes::Flag, "Leave the column out."),
    key("type", Takes::Type, "The column's type in PostgreSQL. Values that do not fit it are findings."),
    key("values", Takes::Writing, "How the values are written, where the type alone leaves that open."),
    key("labels", Takes::Labels, "The labels of an enum, in order; without them, those of the column's CHECK."),
    key(
        "expression",
        Takes::SourceSql,
        "Read this in the column's place; SQLite evaluates it for each row. It cannot be reversed.",
    ),
    key("null", Takes::Literal, "Read this value where the column is NULL."),
    key("policy", Takes::Policies, "What becomes of this column's data that PostgreSQL cannot hold as it is."),
    key("not-null", Takes::Flag, "Make the column NOT NULL, or do not."),
    key("default", Takes::TargetSql, "The column's DEFAULT, in PostgreSQL's SQL; NULL means none."),
];

/// Keys of a column that the source does not have.
pub const EXTRA: &[Key] = &[
    key("name", Takes::Name, "Its name."),
    key("type", Takes::Type, "Its type in PostgreSQL."),
    key("default", Takes::TargetSql, "Its DEFAULT, in PostgreSQL's SQL, which every row gets."),
    key("not-null", Takes::Flag, "Make it NOT NULL; then it needs a default."),
];

/// The key of this word.
pub fn find(keys: &'static [Key], word: &str) -> Option<&'static Key> {
    keys.iter().find(|k| k.word == word)
}

/// The words of keys.
pub fn words(keys: &[Key]) -> Vec<&'static str> {
    keys.iter().map(|k| k.word).collect()
}
