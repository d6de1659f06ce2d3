//! Why a unit of work did not happen, by what its caller can do about it.

/// Why the store did not do it. Nothing of a failed unit of work is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A constraint said no. Turn its name into a user's error next to the query.
    #[error("the constraint {constraint} was violated")]
    Conflict {
        /// Name of the unique index, unique or primary key, or CHECK: the same on both engines (see `dialect`).
        constraint: String,
    },
    /// A stored row makes no sense. Nobody guesses.
    #[error("the row {id} of {table} is inconsistent in {column}")]
    Inconsistent {
        /// Table, as far as the statement tells.
        table: String,
        /// Column.
        column: String,
        /// Its key, as far as the statement tells.
        id: String,
    },
    /// Somebody else was in the way for too long (lock, deadlock, full queue): the same work may succeed when repeated.
    #[error("the database is busy; the same work may be repeated")]
    Busy,
    /// The database cannot be reached. When it was lost during the commit, the work may have happened.
    #[error("the database is unavailable")]
    Unavailable,
    /// No room is left on the disk of the database.
    #[error("the disk of the database is full")]
    Full,
    /// The key file or `WHARF_KEY` is not the one this database was sealed with.
    #[error("the key does not belong to this database")]
    WrongKey,
    /// The tables are not what this program expects.
    #[error("the migrations of the database do not fit this program: {0}")]
    Migration(String),
    /// Anything else, in the engine's words, without values.
    #[error("database: {0}")]
    Database(String),
}
