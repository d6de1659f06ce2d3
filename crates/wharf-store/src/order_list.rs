//! Lists, search and selections of orders: keyset pages of a scope, with filters and sorts.
/// Text with the wildcards of LIKE escaped by `!`.
pub fn escape_like(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}
