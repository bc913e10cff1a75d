//! Typed tables: a name, a key's encoding, and a value's version.

use std::marker::PhantomData;

use crate::error::Result;

/// A table's key: its encoding sorts as the key does.
pub trait Key: Sized {
    /// The bytes.
    fn encode(&self) -> Vec<u8>;
    /// The key that `bytes` encode; `None` for bytes that encode none.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

impl Key for u64 {
    fn encode(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }

    fn decode(bytes: &[u8]) -> Option<u64> {
        Some(u64::from_be_bytes(bytes.try_into().ok()?))
    }
}

impl Key for String {
    fn encode(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }

    fn decode(bytes: &[u8]) -> Option<String> {
        String::from_utf8(bytes.to_vec()).ok()
    }
}

/// A table's value: validated before it is believed, and versioned so that an older binary refuses
/// what it does not know. Implement it with [`catalog_value!`](crate::catalog_value).
pub trait Value: Sized {
    /// The version that `encode` writes.
    const VERSION: u16;
    /// The bytes, without the version.
    fn encode(&self) -> Vec<u8>;
    /// The value that `bytes` of `version` encode.
    fn decode(version: u16, bytes: &[u8]) -> Result<Self>;
}

/// A typed table. Declare it as a constant.
#[derive(Debug)]
pub struct Table<K, V> {
    name: &'static str,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K: Key, V: Value> Table<K, V> {
    /// The table called `name`.
    #[must_use]
    pub const fn new(name: &'static str) -> Table<K, V> {
        Table { name, types: PhantomData }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// Implements [`Value`](crate::catalog::Value) for a type that derives rkyv's `Archive`,
/// `Serialize` and `Deserialize`: `catalog_value!(Type, version = 1);`
///
/// Older versions are read as the types that they had, each of which turns `Into` the new one:
/// `catalog_value!(Type, version = 2, before = { 1: TypeV1 });`
#[macro_export]
macro_rules! catalog_value {
    ($type:ty, version = $version:literal) => {
        $crate::catalog_value!($type, version = $version, before = {});
    };
    ($type:ty, version = $version:literal, before = { $($old:literal: $old_type:ty),* }) => {
        impl $crate::catalog::Value for $type {
            const VERSION: u16 = $version;

            fn encode(&self) -> Vec<u8> {
                ::rkyv::to_bytes::<::rkyv::rancor::Error>(self)
                    .expect("encoding into memory does not fail")
                    .to_vec()
            }

            fn decode(version: u16, bytes: &[u8]) -> $crate::error::Result<Self> {
                use $crate::error::{Error, ErrorKind};
                // Archived values need their alignment; rows come at any address.
                let mut aligned = ::rkyv::util::AlignedVec::<16>::with_capacity(bytes.len());
                aligned.extend_from_slice(bytes);
                let unreadable = |error: ::rkyv::rancor::Error| {
                    Error::new(
                        ErrorKind::Corrupt,
                        concat!("catalog value of ", stringify!($type), " cannot be read"),
                    )
                    .because(error)
                };
                match version {
                    $version => ::rkyv::from_bytes::<$type, _>(&aligned).map_err(unreadable),
                    $($old => ::rkyv::from_bytes::<$old_type, _>(&aligned)
                        .map(<$type>::from)
                        .map_err(unreadable),)*
                    _ => {
                        let message = format!(
                            "catalog value of {} has version {version}, this binary reads {}: \
                             use the newer binary",
                            stringify!($type),
                            $version
                        );
                        Err(Error::new(ErrorKind::Invalid, message))
                    }
                }
            }
        }
    };
}
