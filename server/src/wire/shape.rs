//! Tables that describe an operation's input: members, kinds, bounds.

use crate::wire::pattern::Pattern;

/// A structure of the service model.
#[derive(Debug)]
pub struct Shape {
    /// Its name in the model.
    pub name: &'static str,
    /// Its members, in the order in which violations are listed.
    pub members: &'static [Member],
}

/// A member of a structure.
#[derive(Debug)]
pub struct Member {
    /// Its name on the wire, in `PascalCase`.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether null is a violation.
    pub is_required: bool,
}

/// What a member holds, and its bounds.
#[derive(Debug)]
pub enum Kind {
    /// A string.
    Text(Text),
    /// A number, floored and clamped to 32 bits as the service does.
    Integer(Bounds),
    /// True or false.
    Boolean,
    /// A time.
    Timestamp,
    /// Bytes; the bounds are on the decoded length.
    Blob(Bounds),
    /// A list of texts.
    Texts(Bounds, Text),
    /// A list of structures.
    Structures(Bounds, &'static Shape),
    /// A structure.
    Structure(&'static Shape),
    /// A map from text to text: bounds of its size, its keys' and its values' length.
    Map(Bounds, Bounds, Bounds),
}

/// The bounds of a string.
#[derive(Debug)]
pub struct Text {
    /// Length in characters.
    pub length: Bounds,
    /// The expression that it must match.
    pub pattern: Option<&'static Pattern>,
    /// The only values that it may have, if there are any, in the order in which they are printed.
    pub one_of: &'static [&'static str],
}

/// A closed range.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The smallest allowed.
    pub min: i64,
    /// The largest allowed.
    pub max: i64,
}

impl Bounds {
    /// Everything.
    pub const ANY: Bounds = Bounds { min: i64::MIN, max: i64::MAX };

    /// From `min` to `max`.
    #[must_use]
    pub const fn new(min: i64, max: i64) -> Bounds {
        Bounds { min, max }
    }

    /// `min` or more.
    #[must_use]
    pub const fn from(min: i64) -> Bounds {
        Bounds { min, max: i64::MAX }
    }
}

impl Text {
    /// Any string whose length in characters is within `min` and `max`.
    #[must_use]
    pub const fn new(min: i64, max: i64) -> Text {
        Text { length: Bounds::new(min, max), pattern: None, one_of: &[] }
    }

    /// That, matching `pattern`.
    #[must_use]
    pub const fn matching(min: i64, max: i64, pattern: &'static Pattern) -> Text {
        Text { length: Bounds::new(min, max), pattern: Some(pattern), one_of: &[] }
    }

    /// One of `values`.
    #[must_use]
    pub const fn one_of(values: &'static [&'static str]) -> Text {
        Text { length: Bounds::from(0), pattern: None, one_of: values }
    }
}

impl Member {
    /// A member that may be left out.
    #[must_use]
    pub const fn optional(name: &'static str, kind: Kind) -> Member {
        Member { name, kind, is_required: false }
    }

    /// A member that must be there.
    #[must_use]
    pub const fn required(name: &'static str, kind: Kind) -> Member {
        Member { name, kind, is_required: true }
    }
}

impl Shape {
    /// The place of the member called `name`.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.members.iter().position(|member| member.name == name)
    }
}
