//! The text of a query as lines with their indentation, so that a string that spans lines is never moved.
//! Owns how lines are put together; never looks into one.

/// Lines, each with its level of indentation.
#[derive(Clone, Debug, Default)]
pub(super) struct Text(Vec<(usize, String)>);

/// Longest text of a query within an expression that stays on its line.
const SHORT: usize = 100;

impl Text {
    pub fn of(line: impl Into<String>) -> Text {
        Text(vec![(0, line.into())])
    }

    pub fn line(&mut self, line: impl Into<String>) {
        self.0.push((0, line.into()));
    }

    /// Lines of another, one level deeper.
    pub fn deeper(&mut self, other: Text) {
        self.0.extend(other.0.into_iter().map(|(level, line)| (level + 1, line)));
    }

    pub fn append(&mut self, other: Text) {
        self.0.extend(other.0);
    }

    /// A word on its own line and items under it, separated by commas.
    pub fn list(&mut self, word: &str, items: Vec<String>) {
        let last = items.len().saturating_sub(1);
        if items.len() == 1 && word != "SELECT" {
            self.line(format!("{word} {}", items.concat()));
            return;
        }
        self.line(word);
        let ended = |(i, item): (usize, String)| (1, if i == last { item } else { item + "," });
        self.0.extend(items.into_iter().enumerate().map(ended));
    }

    /// Adds to the end of the last line.
    pub fn suffix(&mut self, text: &str) {
        if let Some((_, line)) = self.0.last_mut() {
            line.push_str(text);
        }
    }

    /// Puts text before the first line.
    pub fn prefix(&mut self, text: &str) {
        if let Some((_, line)) = self.0.first_mut() {
            line.insert_str(0, text);
        }
    }

    pub fn render(&self) -> String {
        let lines: Vec<String> =
            self.0.iter().map(|(level, line)| format!("{}{line}", "    ".repeat(*level))).collect();
        lines.join("\n")
    }

    /// In parentheses, as part of an expression: on one line if it is short.
    pub fn nested(&self) -> String {
        let length: usize = self.0.iter().map(|(_, line)| line.len() + 1).sum();
        if length <= SHORT {
            let lines: Vec<&str> = self.0.iter().map(|(_, line)| line.as_str()).collect();
            return format!("({})", lines.join(" "));
        }
        let mut inner = Text::default();
        inner.deeper(self.clone());
        inner.0.iter_mut().for_each(|(level, _)| *level += 1);
        format!("(\n{}\n    )", inner.render())
    }
}
