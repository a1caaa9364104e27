//! JSON text → its normal form: no white space, keys sorted by bytes (of equal keys the last), numbers as plain decimals.
//! Owns a small strict RFC 8259 reader of its own; never shares one with the codecs.

use super::NoForm;
use super::decimal::Decimal;
use crate::value::Value;

/// Deepest nesting that is read.
const DEPTH: usize = 1000;
const BAD: NoForm = NoForm("not JSON");

/// The normal form of a JSON text.
pub fn canonical(text: &[u8]) -> Result<Vec<u8>, NoForm> {
    let mut reader = Reader { text, at: 0 };
    let mut out = Vec::with_capacity(text.len());
    reader.value(&mut out, 0)?;
    reader.space();
    if reader.at == text.len() { Ok(out) } else { Err(BAD) }
}

/// A value of SQLite as the JSON it stands as in a column of several classes.
pub fn scalar(value: Value<'_>) -> Result<Vec<u8>, NoForm> {
    let mut out = Vec::new();
    match value {
        Value::Integer(i) => out.extend_from_slice(i.to_string().as_bytes()),
        Value::Real(r) if r.is_infinite() || (r == 0.0 && r.is_sign_negative()) => {
            let word = if r == 0.0 { "-0.0" } else { ["-inf", "inf"][usize::from(r > 0.0)] };
            out.extend_from_slice(format!("{{\"$real\":\"{word}\"}}").as_bytes());
        }
        Value::Real(r) => {
            let digits = Decimal::parse(format!("{r:e}").as_bytes()).ok_or(BAD)?.scaled()?;
            out.extend_from_slice(digits.as_bytes());
            if !digits.contains('.') {
                out.extend_from_slice(b".0");
            }
        }
        Value::Text(text) if !text.contains(&0) && std::str::from_utf8(text).is_ok() => write_string(text, &mut out),
        Value::Blob(blob) => {
            let hex: String = blob.iter().map(|byte| format!("{byte:02x}")).collect();
            out.extend_from_slice(format!("{{\"$blob\":\"{hex}\"}}").as_bytes());
        }
        Value::Text(_) | Value::Null => return Err(NoForm("no JSON")),
    }
    Ok(out)
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn value(&mut self, out: &mut Vec<u8>, depth: usize) -> Result<(), NoForm> {
        if depth > DEPTH {
            return Err(NoForm("JSON nested too deeply"));
        }
        self.space();
        match self.peek() {
            Some(b'{') => self.object(out, depth),
            Some(b'[') => self.array(out, depth),
            Some(b'"') => {
                let s = self.string()?;
                write_string(&s, out);
                Ok(())
            }
            Some(b'-' | b'0'..=b'9') => self.number(out),
            _ => [&b"true"[..], b"false", b"null"]
                .into_iter()
                .find(|word| self.text[self.at..].starts_with(word))
                .map(|word| {
                    self.at += word.len();
                    out.extend_from_slice(word);
                })
                .ok_or(BAD),
        }
    }

    fn object(&mut self, out: &mut Vec<u8>, depth: usize) -> Result<(), NoForm> {
        let mut members = std::collections::BTreeMap::new();
        self.at += 1;
        self.space();
        if !self.take(b'}') {
            loop {
                self.space();
                let key = self.string()?;
                self.space();
                if !self.take(b':') {
                    return Err(BAD);
                }
                let mut value = Vec::new();
                self.value(&mut value, depth + 1)?;
                members.insert(key, value);
                self.space();
                if self.take(b'}') {
                    break;
                }
                if !self.take(b',') {
                    return Err(BAD);
                }
            }
        }
        out.push(b'{');
        for (i, (key, value)) in members.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            write_string(key, out);
            out.push(b':');
            out.extend_from_slice(value);
        }
        out.push(b'}');
        Ok(())
    }

    fn array(&mut self, out: &mut Vec<u8>, depth: usize) -> Result<(), NoForm> {
        self.at += 1;
        out.push(b'[');
        self.space();
        if !self.take(b']') {
            loop {
                self.value(out, depth + 1)?;
                self.space();
                if self.take(b']') {
                    break;
                }
                if !self.take(b',') {
                    return Err(BAD);
                }
                out.push(b',');
            }
        }
        out.push(b']');
        Ok(())
    }

    fn number(&mut self, out: &mut Vec<u8>) -> Result<(), NoForm> {
        let from = self.at;
        while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
            self.at += 1;
        }
        let number = Decimal::parse(&self.text[from..self.at]).ok_or(BAD)?;
        out.extend_from_slice(number.scaled()?.as_bytes());
        Ok(())
    }

    fn string(&mut self) -> Result<Vec<u8>, NoForm> {
        if !self.take(b'"') {
            return Err(BAD);
        }
        let mut s = Vec::new();
        loop {
            let byte = self.peek().ok_or(BAD)?;
            self.at += 1;
            match byte {
                b'"' => return Ok(s),
                b'\\' => self.escape(&mut s)?,
                0..=0x1f => return Err(BAD),
                b => s.push(b),
            }
        }
    }

    fn escape(&mut self, s: &mut Vec<u8>) -> Result<(), NoForm> {
        let byte = self.peek().ok_or(BAD)?;
        self.at += 1;
        let plain = match byte {
            b'"' | b'\\' | b'/' => byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let c = self.unicode()?;
                s.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(BAD),
        };
        s.push(plain);
        Ok(())
    }

    fn unicode(&mut self) -> Result<char, NoForm> {
        let high = self.hex4()?;
        if !(0xd800..0xe000).contains(&high) {
            return char::from_u32(high).ok_or(BAD);
        }
        if !(self.take(b'\\') && self.take(b'u')) {
            return Err(NoForm("a lone surrogate in JSON"));
        }
        let low = self.hex4()?;
        if high >= 0xdc00 || !(0xdc00..0xe000).contains(&low) {
            return Err(NoForm("a lone surrogate in JSON"));
        }
        char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).ok_or(BAD)
    }

    fn hex4(&mut self) -> Result<u32, NoForm> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(BAD)?;
        self.at += 4;
        digits.iter().try_fold(0, |n, b| Some(n * 16 + char::from(*b).to_digit(16)?)).ok_or(BAD)
    }
}

fn write_string(s: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for b in s {
        match b {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *b]),
            0..=0x1f => out.extend_from_slice(format!("\\u{b:04x}").as_bytes()),
            b => out.push(*b),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_for_one_meaning() {
        let c = |t: &str| canonical(t.as_bytes()).map(|b| String::from_utf8(b).unwrap());
        assert_eq!(
            c(r#" {"b":1.50, "a":[true,null,"\u00e9\ud83d\ude00\/"]} "#),
            Ok(r#"{"a":[true,null,"é😀/"],"b":1.50}"#.into())
        );
        assert_eq!(c("1e2"), Ok("100".into()));
        assert_eq!(c(r#"{"a":1,"a":2}"#), Ok(r#"{"a":2}"#.into()));
        assert!(c(r#""\ud800""#).is_err() && c("[1,]").is_err() && c("").is_err() && c("1 2").is_err());
        assert!(c(&"[".repeat(5000)).is_err());
    }
}
