//! Values as violations repeat them: as Java prints them, cut at a bound.

use std::fmt::{self, Write};

use crate::wire::blob::decoded_bytes;
use crate::wire::shape::{Kind, Shape};
use crate::wire::value::Value;

/// Characters of a value that a violation repeats.
const ECHO_CHARS_MAX: usize = 1024;

/// `value`, which was read by `kind`, in quotes.
pub(super) fn echo(kind: &Kind, value: &Value<'_>) -> String {
    quote(|out| out.value(kind, value))
}

/// What `print` prints, in quotes.
pub(super) fn quote(print: impl FnOnce(&mut Echo)) -> String {
    let mut out = Echo { text: "'".to_owned(), chars_left: ECHO_CHARS_MAX };
    print(&mut out);
    out.text.push('\'');
    out.text
}

/// A text that takes so many characters and drops the rest.
#[derive(Debug)]
pub(super) struct Echo {
    text: String,
    chars_left: usize,
}

impl Echo {
    pub(super) fn push(&mut self, text: &str) {
        let end = text.char_indices().nth(self.chars_left).map_or(text.len(), |(at, _)| at);
        let kept = &text[..end];
        self.chars_left -= kept.chars().count();
        self.text.push_str(kept);
    }

    fn print(&mut self, what: fmt::Arguments<'_>) {
        // Writing to an echo never fails: it drops what is too much.
        let _ = self.write_fmt(what);
    }

    fn value(&mut self, kind: &Kind, value: &Value<'_>) {
        match value {
            Value::Null => self.push("null"),
            Value::Text(text) => self.push(text),
            Value::Integer(number) | Value::Timestamp(number) => {
                self.print(format_args!("{number}"))
            }
            Value::Boolean(flag) => self.print(format_args!("{flag}")),
            Value::Blob(blob) => {
                let bytes = decoded_bytes(blob);
                self.print(format_args!("java.nio.HeapByteBuffer[pos=0 lim={bytes} cap={bytes}]"));
            }
            Value::Texts(texts, _) => self.list(texts.iter(), |out, text| out.push(text)),
            Value::Structures(values, _) => {
                let Kind::Structures(_, shape) = kind else { return };
                let each = values.chunks_exact(shape.members.len());
                self.list(each, |out, values| out.structure(shape, values));
            }
            Value::Structure(values) => {
                let Kind::Structure(shape) = kind else { return };
                self.structure(shape, values);
            }
            Value::Map(entries, _) => {
                self.push("{");
                self.joined(entries.iter(), |out, (key, value)| {
                    out.push(key);
                    out.push("=");
                    out.push(value);
                });
                self.push("}");
            }
        }
    }

    /// `Name(member=value, other=null)`.
    fn structure(&mut self, shape: &Shape, values: &[Value<'_>]) {
        self.push(shape.name);
        self.push("(");
        self.joined(shape.members.iter().zip(values), |out, (member, value)| {
            out.push(&camel_case(member.name));
            out.push("=");
            out.value(&member.kind, value);
        });
        self.push(")");
    }

    fn list<T>(&mut self, items: impl Iterator<Item = T>, print: impl Fn(&mut Echo, T)) {
        self.push("[");
        self.joined(items, print);
        self.push("]");
    }

    fn joined<T>(&mut self, items: impl Iterator<Item = T>, print: impl Fn(&mut Echo, T)) {
        for (index, item) in items.enumerate() {
            if self.chars_left == 0 {
                return;
            }
            if index > 0 {
                self.push(", ");
            }
            print(self, item);
        }
    }
}

impl Write for Echo {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

/// A member's name as violations spell it.
pub(super) fn camel_case(name: &str) -> String {
    let mut chars = name.chars();
    let mut text: String =
        chars.next().map(|first| first.to_ascii_lowercase()).into_iter().collect();
    text.push_str(chars.as_str());
    text
}
