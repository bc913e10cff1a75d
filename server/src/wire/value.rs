//! What a request holds, borrowed from its body, and typed access to it.

use std::borrow::Cow;

use crate::wire::shape::Shape;

/// A member's value. Which variants can be where is decided by the shape that it was read by.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Absent or null.
    Null,
    /// A string.
    Text(Cow<'a, str>),
    /// A number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// Milliseconds since 1970.
    Timestamp(i64),
    /// Bytes, not decoded yet.
    Blob(Blob<'a>),
    /// A list of texts: those within the bound or just past it, and how many there were.
    Texts(Vec<Cow<'a, str>>, usize),
    /// A list of structures, their members side by side in one vector, and how many there were.
    Structures(Vec<Value<'a>>, usize),
    /// A structure's members, in the order of its shape.
    Structure(Vec<Value<'a>>),
    /// A map, and how many entries there were.
    Map(Vec<(Cow<'a, str>, Cow<'a, str>)>, usize),
}

/// Bytes as the wire carries them.
#[derive(Clone, Debug, PartialEq)]
pub enum Blob<'a> {
    /// Base64, as in JSON.
    Base64(Cow<'a, str>),
    /// As they are, as in CBOR.
    Raw(Cow<'a, [u8]>),
}

/// A structure's members by name.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'s, 'a> {
    shape: &'static Shape,
    values: &'s [Value<'a>],
}

impl<'s, 'a> Fields<'s, 'a> {
    /// The members of a structure that was read by `shape`.
    #[must_use]
    pub fn new(shape: &'static Shape, values: &'s [Value<'a>]) -> Fields<'s, 'a> {
        assert_eq!(shape.members.len(), values.len(), "values were read by another shape");
        Fields { shape, values }
    }

    /// Whether the shape has a member called `name`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.shape.index_of(name).is_some()
    }

    /// The member called `name`.
    #[must_use]
    pub fn value(&self, name: &str) -> &'s Value<'a> {
        let index = self.shape.index_of(name);
        &self.values[index.expect("operations ask for members of their own shape")]
    }

    /// The string called `name`.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&'s str> {
        match self.value(name) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number called `name`.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.value(name) {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The number called `name`, which the shape bounds to what fits.
    #[must_use]
    pub fn count(&self, name: &str) -> Option<u32> {
        self.integer(name).map(|number| u32::try_from(number.max(0)).unwrap_or(u32::MAX))
    }

    /// Whether the flag called `name` is there and true.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        *self.value(name) == Value::Boolean(true)
    }

    /// The time called `name`, in milliseconds since 1970.
    #[must_use]
    pub fn timestamp_ms(&self, name: &str) -> Option<i64> {
        match self.value(name) {
            Value::Timestamp(ms) => Some(*ms),
            _ => None,
        }
    }

    /// The blob called `name`.
    #[must_use]
    pub fn blob(&self, name: &str) -> Option<&'s Blob<'a>> {
        match self.value(name) {
            Value::Blob(blob) => Some(blob),
            _ => None,
        }
    }

    /// The structure called `name`, which was read by `shape`.
    #[must_use]
    pub fn structure(&self, name: &str, shape: &'static Shape) -> Option<Fields<'s, 'a>> {
        match self.value(name) {
            Value::Structure(values) => Some(Fields::new(shape, values)),
            _ => None,
        }
    }

    /// The list of structures called `name`, which were read by `shape`.
    pub fn structures(
        &self,
        name: &str,
        shape: &'static Shape,
    ) -> impl ExactSizeIterator<Item = Fields<'s, 'a>> + use<'s, 'a> {
        let values: &'s [Value<'a>] = match self.value(name) {
            Value::Structures(values, _) => values,
            _ => &[],
        };
        values.chunks_exact(shape.members.len()).map(move |values| Fields { shape, values })
    }

    /// The entries of the map called `name`.
    #[must_use]
    pub fn entries(&self, name: &str) -> &'s [(Cow<'a, str>, Cow<'a, str>)] {
        match self.value(name) {
            Value::Map(entries, _) => entries,
            _ => &[],
        }
    }
}
