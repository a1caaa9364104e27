//! What may have been meant: the nearest of the names there are.
//! Owns the distance; never guesses in a person's place.

/// How many names are listed at most.
const MOST: usize = 12;

/// How many letters must be added, left out, changed or swapped with their neighbour to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let changed = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = changed.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// The nearest of these names, if one is near.
pub fn nearest<'a>(word: &str, names: &[&'a str]) -> Option<&'a str> {
    // A word of no sensible length is near to nothing, and would take long to compare.
    if word.len() > 256 {
        return None;
    }
    let limit = (word.chars().count() / 3).clamp(1, 4);
    let scored = names.iter().filter(|n| n.len() <= 256).map(|n| (distance(word, n), *n));
    scored.filter(|(d, _)| *d <= limit).min_by_key(|(d, _)| *d).map(|(_, n)| n)
}

/// `did you mean `x`?`, or what there is.
pub fn suggestion(word: &str, names: &[&str]) -> String {
    nearest(word, names).map_or_else(|| existing(names), |name| format!("did you mean `{name}`?"))
}

/// `there are a, b, c`.
pub fn existing(names: &[&str]) -> String {
    match names.len() {
        0 => "there are none".to_owned(),
        1 => format!("there is {}", names[0]),
        n if n > MOST => format!("there are {} and {} more", names[..MOST].join(", "), n - MOST),
        _ => format!("there are {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_meant() {
        let keys = ["to", "skip", "type", "values", "not-null"];
        assert_eq!(suggestion("tpye", &keys), "did you mean `type`?");
        assert_eq!(suggestion("Type", &keys), "did you mean `type`?");
        assert_eq!(suggestion("not_null", &keys), "did you mean `not-null`?");
        assert_eq!(suggestion("colour", &["a", "b"]), "there are a, b");
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
