//! The arguments of a CREATE VIRTUAL TABLE: which columns, which options, as the full-text modules read them.
//! Owns that little language, which SQLite hands to the module as text; never looks at a pragma.
//! Source: <https://sqlite.org/fts3.html>, <https://sqlite.org/fts5.html>.

use super::dequote;
use super::text;

/// A CREATE VIRTUAL TABLE's module and its arguments, each as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleText {
    /// The module.
    pub module: String,
    /// What stands between the commas.
    pub arguments: Vec<String>,
}

/// A full-text table as its arguments describe it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FullText {
    /// Its columns; those that are not indexed too.
    pub columns: Vec<FullTextColumn>,
    /// Where the text is.
    pub content: Content,
    /// The column of an external content table that is the key; `None`: its rowid.
    pub content_key: Option<String>,
    /// The tokenizer and its options.
    pub tokenizer: Vec<String>,
    /// Its text is stored as a function of the application's packed it.
    pub compressed: bool,
    /// The column that says the language of each row.
    pub language: Option<String>,
    /// Without content, the columns that are not indexed are stored nevertheless.
    pub keeps_unindexed: bool,
}

/// A column of a full-text table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullTextColumn {
    /// Its name.
    pub name: String,
    /// Whether a search looks into it.
    pub indexed: bool,
}

/// Where the text of a full-text table is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// In a shadow table of its own.
    #[default]
    Own,
    /// In this table (or view) of the application.
    Of(String),
    /// Nowhere: only the index is there.
    Nowhere,
}

/// Reads a CREATE VIRTUAL TABLE; `None` if it is none.
pub fn module(sql: &str) -> Option<ModuleText> {
    let (module, arguments) = text::module(sql)?;
    Some(ModuleText { module: dequote(&module), arguments })
}

impl ModuleText {
    /// The arguments as FTS5 reads them.
    pub fn fts5(&self) -> FullText {
        let mut out = FullText::default();
        let (mut content, mut unindexed) = (None, false);
        for argument in &self.arguments {
            let (first, quoted, rest) = word(argument);
            let Some(value) = rest.trim_start().strip_prefix('=').filter(|_| !quoted) else {
                let indexed = !word(rest).0.eq_ignore_ascii_case("unindexed");
                out.columns.push(FullTextColumn { name: first, indexed });
                continue;
            };
            let value = word(value).0;
            // Any beginning of an option's name will do; this is the order in which they are tried.
            const OPTIONS: [&str; 10] = [
                "prefix",
                "tokenize",
                "content",
                "contentless_delete",
                "contentless_unindexed",
                "content_rowid",
                "columnsize",
                "locale",
                "detail",
                "tokendata",
            ];
            let option = first.to_ascii_lowercase();
            match OPTIONS.into_iter().find(|o| o.starts_with(&option)) {
                Some("tokenize") => out.tokenizer = words(&value),
                Some("content") => content = Some(value),
                Some("content_rowid") => out.content_key = Some(value).filter(|v| !v.is_empty()),
                Some("contentless_unindexed") => unindexed = value != "0",
                _ => {}
            }
        }
        out.content = of_content(content);
        out.keeps_unindexed = unindexed && out.content == Content::Nowhere;
        out
    }

    /// The arguments as FTS4 reads them, or FTS3, which knows fewer options.
    pub fn fts4(&self) -> FullText {
        let mut out = FullText::default();
        let (mut content, mut hidden) = (None, Vec::new());
        let fts4 = !self.module.eq_ignore_ascii_case("fts3");
        for argument in &self.arguments {
            let after = argument.get(..8).filter(|start| start.eq_ignore_ascii_case("tokenize"));
            let after =
                after.and_then(|_| argument.get(8..)).filter(|rest| !rest.is_empty() && !rest.starts_with(bare));
            if let Some(rest) = after {
                out.tokenizer = words(rest.trim_start_matches('='));
                continue;
            }
            let (first, quoted, rest) = word(argument);
            let Some(value) = rest.trim_start().strip_prefix('=').filter(|_| fts4 && !quoted) else {
                out.columns.push(FullTextColumn { name: first, indexed: true });
                continue;
            };
            let value = dequote(value.trim());
            match first.to_ascii_lowercase().as_str() {
                "content" => content = Some(value),
                "languageid" => out.language = Some(value),
                "notindexed" => hidden.push(value),
                "compress" | "uncompress" => out.compressed = true,
                _ => {}
            }
        }
        out.content = of_content(content);
        if out.columns.is_empty() && out.content == Content::Own {
            out.columns.push(FullTextColumn { name: "content".to_owned(), indexed: true });
        }
        for column in &mut out.columns {
            column.indexed = !hidden.iter().any(|h| h.eq_ignore_ascii_case(&column.name));
        }
        out
    }
}

fn of_content(option: Option<String>) -> Content {
    match option {
        None => Content::Own,
        Some(table) if table.is_empty() => Content::Nowhere,
        Some(table) => Content::Of(table),
    }
}

/// A character of a bare word.
fn bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}

/// The first word of a text, whether it was quoted, and what follows it.
fn word(text: &str) -> (String, bool, &str) {
    let text = text.trim_start();
    let close = match text.chars().next() {
        Some('[') => ']',
        Some(q @ ('"' | '\'' | '`')) => q,
        _ => {
            let end = text.find(|c| !bare(c)).unwrap_or(text.len());
            let (first, rest) = text.split_at_checked(end).unwrap_or((text, ""));
            return (first.to_owned(), false, rest);
        }
    };
    let mut end = text.len();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == close && chars.next_if(|(_, next)| *next == close && close != ']').is_none() {
            end = at + c.len_utf8();
            break;
        }
    }
    let (first, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    (dequote(first), true, rest)
}

/// The words of a tokenizer's description.
fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let quoted = rest.starts_with(['"', '\'', '`', '[']);
        let (first, after) = if quoted {
            let (first, _, after) = word(rest);
            (first, after)
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let (first, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            (first.to_owned(), after)
        };
        out.push(first);
        rest = after.trim_start();
    }
    out
}
