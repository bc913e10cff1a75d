//! Tags of any resource: which are allowed, and how they are added and removed.

/// Tags of one resource.
pub const TAGS_MAX: usize = 50;

/// What keys of the service's own tags begin with.
const RESERVED_PREFIX: &str = "aws:";

/// Tags, sorted by key, each key once.
pub type Tags = Vec<(String, String)>;

/// Why tags were not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagError {
    /// A key or a value has a character that none may have.
    Characters,
    /// A key begins as only the service's own do.
    Reserved,
    /// The resource would have more than [`TAGS_MAX`].
    TooMany,
}

/// Whether each of `texts` has allowed characters alone.
pub fn check_tag_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<(), TagError> {
    let is_allowed = |c: char| {
        c.is_alphanumeric()
            || c.is_whitespace() && !c.is_control()
            || matches!(c, '_' | '.' | '/' | '=' | '+' | '-' | '%' | '@' | ':')
    };
    let are_allowed = texts.into_iter().all(|text| text.chars().all(is_allowed));
    if are_allowed { Ok(()) } else { Err(TagError::Characters) }
}

/// Holds tags to be added against what is allowed of each, and sorts them. Of a key that is there
/// twice, the last value counts.
pub fn new_tags(entries: impl IntoIterator<Item = (String, String)>) -> Result<Tags, TagError> {
    let mut tags = Tags::new();
    for (key, value) in entries {
        check_tag_texts([key.as_str(), value.as_str()])?;
        if key.get(..RESERVED_PREFIX.len()).is_some_and(|p| p.eq_ignore_ascii_case(RESERVED_PREFIX))
        {
            return Err(TagError::Reserved);
        }
        put(&mut tags, key, value);
    }
    if tags.len() > TAGS_MAX { Err(TagError::TooMany) } else { Ok(tags) }
}

/// Adds `more` to `tags`, over those of the same keys. `Err` leaves `tags` as they were.
pub fn add_tags(tags: &mut Tags, more: Tags) -> Result<(), TagError> {
    let new = more.iter().filter(|(key, _)| place(tags, key).is_err()).count();
    if tags.len() + new > TAGS_MAX {
        return Err(TagError::TooMany);
    }
    more.into_iter().for_each(|(key, value)| put(tags, key, value));
    Ok(())
}

/// Removes the tags of `keys`; keys that no tag has are passed over.
pub fn remove_tags(tags: &mut Tags, keys: &[String]) {
    tags.retain(|(key, _)| !keys.contains(key));
}

fn put(tags: &mut Tags, key: String, value: String) {
    match place(tags, &key) {
        Ok(at) => tags[at].1 = value,
        Err(at) => tags.insert(at, (key, value)),
    }
}

/// Where `key` is, or where it belongs.
fn place(tags: &Tags, key: &str) -> Result<usize, usize> {
    tags.binary_search_by(|(other, _)| other.as_str().cmp(key))
}
