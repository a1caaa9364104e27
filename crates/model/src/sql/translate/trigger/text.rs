//! The text of a PL/pgSQL body, line by line.
//! Owns indentation; never knows what the lines mean.

/// Lines with their indentation.
#[derive(Debug, Default)]
pub(super) struct Text {
    lines: Vec<String>,
    depth: usize,
}

impl Text {
    /// A statement or a part of one, over one or several lines.
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.lines.push(indented(text.as_ref(), self.depth));
    }

    /// A line after which everything stands deeper, until [`Text::close`].
    pub fn open(&mut self, text: impl AsRef<str>) {
        self.line(text);
        self.depth += 1;
    }

    /// A line between two such parts: ELSE, EXCEPTION.
    pub fn between(&mut self, text: impl AsRef<str>) {
        self.depth = self.depth.saturating_sub(1);
        self.open(text);
    }

    /// What comes stands deeper, until [`Text::close`].
    pub fn deeper(&mut self) {
        self.depth += 1;
    }

    /// The line that ends such a part.
    pub fn close(&mut self, text: impl AsRef<str>) {
        self.depth = self.depth.saturating_sub(1);
        self.line(text);
    }

    /// A comment of one line.
    pub fn comment(&mut self, text: &str) {
        let words: Vec<&str> = text.split_whitespace().collect();
        self.line(format!("-- {}", words.join(" ")));
    }

    pub fn finish(self) -> String {
        self.lines.join("\n")
    }
}

/// The text with every line indented, but for lines that begin inside of a quoted string or name.
pub(super) fn indented(text: &str, depth: usize) -> String {
    let space = "  ".repeat(depth);
    let mut out = space.clone();
    let mut quote: Option<char> = None;
    for c in text.chars() {
        out.push(c);
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (_, Some(open)) if open == c => quote = None,
            ('\n', None) => out.push_str(&space),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::indented;

    #[test]
    fn a_string_over_two_lines_stays_as_it_is() {
        assert_eq!(indented("a\n'b\nc''\nd'\n\"e\nf\"\ng", 1), "  a\n  'b\nc''\nd'\n  \"e\nf\"\n  g");
    }
}
