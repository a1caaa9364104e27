//! Elements of a page: every text that comes from outside is escaped here, and nowhere else is a tag written.
//! Owns the escaping; never knows what a page is about.

use super::text::clean;

/// A text as the content of an element or a quoted attribute. What steers a terminal or hides text is shown as an escape.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // No XML has these, and they say nothing.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Finished HTML: only the functions of this file make it, out of escaped text.
#[derive(Clone, Debug, Default)]
pub struct Html(String);

impl Html {
    /// Nothing.
    pub fn new() -> Html {
        Html::default()
    }

    /// A text, escaped.
    pub fn text(text: &str) -> Html {
        Html(escape(text))
    }

    /// The whole page.
    pub fn into_string(self) -> String {
        self.0
    }

    /// Adds what comes next.
    pub fn add(&mut self, next: Html) {
        self.0.push_str(&next.0);
    }

    /// Several, one after the other.
    pub fn all(parts: impl IntoIterator<Item = Html>) -> Html {
        Html(parts.into_iter().map(|p| p.0).collect())
    }
}

/// An element. Its name is ours.
pub fn tag(name: &'static str, inner: Html) -> Html {
    Html(format!("<{name}>{}</{name}>\n", inner.0))
}

/// An element with a class. Name and class are ours.
pub fn classed(name: &'static str, class: &'static str, inner: Html) -> Html {
    Html(format!("<{name} class=\"{class}\">{}</{name}>\n", inner.0))
}

/// An element that can be linked to by a number.
pub fn numbered(name: &'static str, id: usize, inner: Html) -> Html {
    Html(format!("<{name} id=\"t{id}\">{}</{name}>\n", inner.0))
}

/// A link to such an element.
pub fn link(id: usize, inner: Html) -> Html {
    Html(format!("<a href=\"#t{id}\">{}</a>", inner.0))
}

/// Text in the middle of a line.
pub fn inline(name: &'static str, text: &str) -> Html {
    Html(format!("<{name}>{}</{name}>", escape(text)))
}

/// A word that stands out.
pub fn badge(class: &'static str, text: &str) -> Html {
    Html(format!("<span class=\"badge {class}\">{}</span> ", escape(text)))
}

/// A table of rows; the first is its head.
pub fn table(class: &'static str, head: &[&str], rows: Vec<Vec<Html>>) -> Html {
    let titles = head.iter().map(|t| format!("<th>{}</th>", escape(t))).collect::<String>();
    let rows = rows.into_iter().map(|cells| {
        let cells = cells.into_iter().map(|c| format!("<td>{}</td>", c.0)).collect::<String>();
        format!("<tr>{cells}</tr>\n")
    });
    let body = rows.collect::<String>();
    Html(format!(
        "<div class=\"wide\"><table class=\"{class}\">\n<thead><tr>{titles}</tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>\n"
    ))
}

/// What a table of facts is made of: a word and what it says.
pub fn facts(rows: Vec<(&str, Html)>) -> Html {
    let rows = rows.into_iter().map(|(word, what)| format!("<dt>{}</dt><dd>{}</dd>\n", escape(word), what.0));
    Html(format!("<dl>\n{}</dl>\n", rows.collect::<String>()))
}

/// A whole page of its own: nothing is loaded, nothing is run.
pub fn document(title: &str, body: Html) -> Html {
    let title = escape(title);
    Html(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\" />\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n\
         <meta name=\"color-scheme\" content=\"light dark\" />\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\" />\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{}</body>\n</html>\n",
        body.0
    ))
}

const STYLE: &str = "\
:root { --ink: #1c2127; --dim: #5c6670; --page: #ffffff; --line: #d9dee3; --soft: #f4f6f8; --bad: #b3261e; --warn: #8a5a00; --good: #1b6e3c; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e6ea; --dim: #9aa4ae; --page: #16191d; --line: #343b43; --soft: #1f242a; --bad: #ff8a80; --warn: #f2c063; --good: #7fd49b; }
}
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 82rem; }
h1 { font-size: 1.5rem; margin: 0 0 1rem; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 0.5rem; border-bottom: 1px solid var(--line); padding-bottom: 0.3rem; }
h3 { font-size: 1rem; margin: 2rem 0 0.3rem; overflow-wrap: anywhere; }
h3 small { font-weight: normal; color: var(--dim); }
p { margin: 0.4rem 0; }
a { color: inherit; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1rem; margin: 0; }
dt { color: var(--dim); }
dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: 0.4rem 0; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.6rem 0.3rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--dim); font-weight: normal; font-size: 0.85rem; }
table.columns { table-layout: fixed; min-width: 52rem; }
table.columns th:nth-child(1) { width: 17%; }
table.columns th:nth-child(2) { width: 14%; }
table.columns th:nth-child(3) { width: 21%; }
table.columns th:nth-child(4) { width: 22%; }
table.objects code { white-space: pre-wrap; }
table.tables td:nth-child(n+3) { white-space: nowrap; }
code, pre { font: 0.86em/1.45 ui-monospace, monospace; }
code { overflow-wrap: anywhere; }
pre { background: var(--soft); padding: 0.6rem 0.8rem; margin: 0.4rem 0; white-space: pre-wrap; overflow-wrap: anywhere; border-radius: 4px; }
ul { margin: 0.3rem 0; padding-left: 1.2rem; }
.dim { color: var(--dim); }
.finding { margin: 0.5rem 0; padding: 0.1rem 0 0.1rem 0.8rem; border-left: 3px solid var(--line); }
.finding.decide { border-color: var(--bad); }
.finding.warning { border-color: var(--warn); }
.badge { font-size: 0.78rem; padding: 0.05rem 0.4rem; border: 1px solid currentColor; border-radius: 4px; white-space: nowrap; }
.badge.decide { color: var(--bad); }
.badge.warning { color: var(--warn); }
.badge.note, .badge.accepted { color: var(--dim); }
.badge.good { color: var(--good); }
@media print {
  :root { --ink: #000; --dim: #444; --page: #fff; --line: #bbb; --soft: #f4f4f4; --bad: #900; --warn: #640; --good: #040; }
  body { font-size: 10pt; max-width: none; padding: 0; }
  .wide { overflow: visible; }
  table.columns { min-width: 0; }
  tr, .finding { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
";
