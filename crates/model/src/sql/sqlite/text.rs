//! Finds clauses in a statement's text, so that what a person reads is what a person wrote.
//! Owns positions of tokens; never builds a tree.

use sqlite3_parser::dialect::TokenType::{
    self, TK_AS, TK_ASC, TK_CHECK, TK_COLLATE, TK_COMMA, TK_DESC, TK_LIMIT, TK_LP, TK_OFFSET, TK_ON, TK_RETURNING,
    TK_RP, TK_SEMI, TK_USING, TK_WHERE,
};
use sqlite3_parser::lexer::{Scanner, sql::Tokenizer};

/// Deepest nesting of parentheses that is read; SQLite itself refuses expressions deeper than 1000.
const MAX_PARENTHESES: usize = 500;

/// A token with its place in the text and the number of parentheses open before it.
struct Token {
    kind: TokenType,
    start: usize,
    end: usize,
    depth: usize,
}

/// The tokens of a statement; what follows a token that cannot be read is left out.
fn tokens(sql: &str) -> Vec<Token> {
    let mut scanner = Scanner::new(Tokenizer::new());
    let mut out = Vec::new();
    let mut depth: usize = 0;
    while let Ok((start, Some((_, kind)), end)) = scanner.scan(sql.as_bytes()) {
        if kind == TK_RP {
            depth = depth.saturating_sub(1);
        }
        out.push(Token { kind, start, end, depth });
        if kind == TK_LP {
            depth += 1;
        }
    }
    out
}

/// A token as far as it matters for what an expression asks for.
#[derive(Debug)]
pub(super) enum Word {
    /// A name or a keyword, unquoted, and whether a parenthesis follows.
    Name(String, bool),
    /// A string literal, without its quotes.
    Text(String),
    /// `?`, `:name` and the like.
    Parameter,
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// `,`.
    Comma,
    /// Anything else.
    Other,
}

/// The tokens of an expression.
pub(super) fn words(sql: &str) -> Vec<Word> {
    let tokens = tokens(sql);
    let word = |(i, t): (usize, &Token)| {
        let text = sql.get(t.start..t.end).unwrap_or_default();
        let call = tokens.get(i + 1).is_some_and(|next| next.kind == TK_LP);
        match t.kind {
            TokenType::TK_STRING => Word::Text(text.trim_matches('\'').to_owned()),
            TokenType::TK_VARIABLE => Word::Parameter,
            TK_LP => Word::Open,
            TK_RP => Word::Close,
            TK_COMMA => Word::Comma,
            _ if text.starts_with(|c: char| c.is_alphabetic() || "_\"`[".contains(c)) => {
                Word::Name(super::dequote(text), call)
            }
            _ => Word::Other,
        }
    };
    tokens.iter().enumerate().map(word).collect()
}

/// The text with every `LIMIT a, b` as `LIMIT b OFFSET a`, which is what it means; the parser does not tell them apart.
/// Source: <https://sqlite.org/lang_select.html#limitoffset>.
pub(super) fn with_offsets(sql: &str) -> String {
    let tokens = tokens(sql);
    let mut out = sql.to_owned();
    // From the end, so that the places before stay right; an inner LIMIT comes after the word of an outer one.
    for (i, limit) in tokens.iter().enumerate().rev().filter(|(_, t)| t.kind == TK_LIMIT) {
        let mut comma = None;
        let mut end = limit.end;
        for token in tokens.iter().skip(i + 1) {
            let ends = [TK_OFFSET, TK_SEMI, TK_ON, TK_RETURNING].contains(&token.kind);
            if token.depth < limit.depth || (ends && token.depth == limit.depth) {
                break;
            }
            if token.kind == TK_COMMA && token.depth == limit.depth && comma.is_none() {
                comma = Some(token);
            }
            end = token.end;
        }
        let Some(comma) = comma else { continue };
        let (first, second) = (sql.get(limit.end..comma.start), sql.get(comma.end..end));
        // A comma inside of a LIMIT that was turned already would move; such nesting is left to be refused.
        if let (Some(first), Some(second)) = (first, second)
            && out.get(limit.end..end) == sql.get(limit.end..end)
        {
            let turned = format!("{second} OFFSET{first}");
            out.replace_range(limit.end..end, &turned);
        }
    }
    out
}

/// Why a text is nested too deeply to be read, if it is.
pub(super) fn too_deep(sql: &str) -> Option<String> {
    let mut depth: usize = 0;
    for b in sql.bytes() {
        match b {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_PARENTHESES {
            return Some(format!("more than {MAX_PARENTHESES} parentheses are open at once"));
        }
    }
    None
}

/// The text between the parentheses after each CHECK of a CREATE TABLE, in order.
pub(super) fn checks(sql: &str) -> Vec<String> {
    parenthesised_after(sql, TK_CHECK)
}

/// The text between the parentheses after each AS of a CREATE TABLE's generated columns, in order.
pub(super) fn generated(sql: &str) -> Vec<String> {
    parenthesised_after(sql, TK_AS)
}

fn parenthesised_after(sql: &str, keyword: TokenType) -> Vec<String> {
    let tokens = tokens(sql);
    let mut found = Vec::new();
    for (i, pair) in tokens.windows(2).enumerate() {
        if pair[0].kind == keyword && pair[0].depth == 1 && pair[1].kind == TK_LP {
            let close = tokens[i + 2..].iter().find(|t| t.kind == TK_RP && t.depth == 1);
            if let Some(close) = close {
                found.push(slice(sql, pair[1].end, close.start));
            }
        }
    }
    found
}

/// The terms of a CREATE INDEX, each without its COLLATE and ASC or DESC.
pub(super) fn index_terms(sql: &str) -> Vec<String> {
    let tokens = tokens(sql);
    let Some(open) = tokens.iter().position(|t| t.kind == TK_LP) else { return Vec::new() };
    let mut terms = Vec::new();
    let mut start = tokens[open].end;
    let mut end = start;
    for pair in tokens[open..].windows(2) {
        let (before, t) = (&pair[0], &pair[1]);
        let closes = t.kind == TK_RP && t.depth == 0;
        if closes || (t.kind == TK_COMMA && t.depth == 1) {
            terms.push(slice(sql, start, end.max(start)));
            start = t.end;
            end = start;
            if closes {
                break;
            }
        } else if t.depth != 1 || !(is_order(t) || before.kind == TK_COLLATE) {
            // What follows COLLATE is its name, no part of the expression.
            end = t.end;
        }
    }
    terms
}

fn is_order(t: &Token) -> bool {
    matches!(t.kind, TK_ASC | TK_DESC | TK_COLLATE)
}

/// The text after the WHERE of a CREATE INDEX.
pub(super) fn predicate(sql: &str) -> Option<String> {
    let tokens = tokens(sql);
    let at = tokens.iter().position(|t| t.kind == TK_WHERE && t.depth == 0)?;
    let last = tokens[at + 1..].iter().rev().find(|t| t.kind != TK_SEMI)?;
    Some(slice(sql, tokens[at].end, last.end))
}

/// The module of a CREATE VIRTUAL TABLE and its arguments, as they are written.
pub(super) fn module(sql: &str) -> Option<(String, Vec<String>)> {
    let tokens = tokens(sql);
    let using = tokens.iter().position(|t| t.kind == TK_USING && t.depth == 0)?;
    let name = tokens.get(using + 1)?;
    let mut arguments = Vec::new();
    let mut start = None;
    let mut end = 0;
    for token in tokens.get(using + 3..).unwrap_or_default() {
        let closes = token.kind == TK_RP && token.depth == 0;
        if closes || (token.kind == TK_COMMA && token.depth == 1) {
            arguments.extend(start.take().map(|start| slice(sql, start, end)));
            if closes {
                break;
            }
        } else {
            start.get_or_insert(token.start);
            end = token.end;
        }
    }
    Some((slice(sql, name.start, name.end), arguments))
}

fn slice(sql: &str, start: usize, end: usize) -> String {
    sql.get(start..end).unwrap_or_default().trim().to_owned()
}
