//! Columns that line up.
//! Owns widths; never knows what stands in them.

/// Which side of its column a cell keeps to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// Lines of cells, each column as wide as its widest cell, three spaces between.
pub fn lines(sides: &[Side], rows: &[Vec<String>]) -> Vec<String> {
    let width = |i: usize| rows.iter().filter_map(|r| r.get(i)).map(|c| columns(c)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..sides.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let mut out = String::new();
        for ((cell, side), width) in row.iter().zip(sides).zip(&widths) {
            let gap = " ".repeat(width.saturating_sub(columns(cell)));
            if !out.is_empty() {
                out.push_str("   ");
            }
            match side {
                Side::Left => out.extend([cell, gap.as_str()]),
                Side::Right => out.extend([gap.as_str(), cell]),
            }
        }
        out.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// How many columns of a terminal a clean text takes: East Asian wide characters take two.
pub fn columns(text: &str) -> usize {
    let wide = |c: char| {
        matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
            | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{1f300}'..='\u{1faff}'
            | '\u{20000}'..='\u{3fffd}')
    };
    let narrow = |c: char| matches!(c, '\u{300}'..='\u{36f}');
    text.chars().map(|c| if wide(c) { 2 } else { usize::from(!narrow(c)) }).sum()
}

/// At most `most` columns of a text, with `…` where it was cut.
pub fn cut(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        if columns(&out) + columns(c.encode_utf8(&mut [0; 4])) >= most {
            break;
        }
        out.push(c);
    }
    out + "…"
}
