//! Words that are stored: an enum, its text in SQL and JSON, and the way back. One list makes all three.

use std::fmt;

/// A stored word that this program does not know. The row is inconsistent; nobody guesses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is no {kind}")]
pub struct UnknownWord {
    /// The enum that was expected.
    pub kind: &'static str,
    /// The text that was found.
    pub word: String,
}

/// An enum whose variants are stored as fixed lower-case words.
pub trait Word: Sized + Copy + 'static {
    /// All variants, in the order of declaration.
    const ALL: &'static [Self];
    /// The stored text.
    fn as_str(self) -> &'static str;
    /// The variant of a stored text.
    fn parse(text: &str) -> Result<Self, UnknownWord>;
}

/// Declares a [`Word`] enum: `words! { /// doc  pub enum Phase { /// doc  Unpaid = "unpaid", … } }`.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $text)] $variant),+ }

        impl $crate::word::Word for $name {
            const ALL: &'static [Self] = &[$($name::$variant),+];
            fn as_str(self) -> &'static str { match self { $($name::$variant => $text),+ } }
            fn parse(text: &str) -> Result<Self, $crate::word::UnknownWord> {
                match text {
                    $($text => Ok($name::$variant),)+
                    _ => Err($crate::word::UnknownWord { kind: stringify!($name), word: text.to_owned() }),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::word::Word::as_str(*self))
            }
        }
    };
}

/// A word of a channel: one that we know, or the word itself. Never a default.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observed<T> {
    /// A word of the channel that has a meaning here.
    Known(T),
    /// A word nobody has taught us yet; it is shown as it is and advances nothing.
    Unknown(String),
}

impl<T> Observed<T> {
    /// The meaning, where there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Observed::Known(value) => Some(value),
            Observed::Unknown(_) => None,
        }
    }
}

impl<T: fmt::Display> fmt::Display for Observed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Observed::Known(value) => value.fmt(f),
            Observed::Unknown(word) => f.write_str(word),
        }
    }
}
