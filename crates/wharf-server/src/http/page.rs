//! Pages of lists. Every list of the API answers `{"items": […], "next": "…" | null}` and takes `limit` and `cursor`: long
//! ones by a keyset of the store, short ones (shops, people, lanes …) are read whole and cut here by the same rule.

use super::dto::Page;
use super::input::limit;
use super::problem::Problem;
use serde::Deserialize;
use utoipa::IntoParams;

/// What every list takes.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// Rows of a page: 1 to 200 (50).
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// What a cursor that was not taken from `next` is told.
pub fn bad_cursor() -> Problem {
    Problem::malformed("cursor: take it from `next` of the page before")
}

impl<T> Page<T> {
    /// A page of `take` rows from a read that asked for one more: that one says whether there is a next page.
    pub fn cut<R>(mut rows: Vec<R>, take: usize, cursor: impl FnOnce(&R) -> String, show: impl FnMut(R) -> T) -> Page<T> {
        let more = rows.len() > take;
        rows.truncate(take);
        let next = if more { rows.last().map(cursor) } else { None };
        Page { items: rows.into_iter().map(show).collect(), next }
    }

    /// A list that is one page.
    pub fn whole(items: Vec<T>) -> Page<T> {
        Page { items, next: None }
    }
}

/// What a short list is sorted by: a rank, a name, and an id where names may be equal. No two rows share all three.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    rank: i64,
    name: String,
    id: i64,
}

impl Place {
    /// By name, then id.
    pub fn name(name: &str, id: i64) -> Place {
        Place { rank: 0, name: name.to_owned(), id }
    }
    /// By rank, then name, then id.
    pub fn ranked(rank: i64, name: &str, id: i64) -> Place {
        Place { rank, ..Place::name(name, id) }
    }

    fn encode(&self) -> String {
        format!("{}~{}~{}", self.rank, self.id, self.name)
    }

    fn decode(text: &str) -> Option<Place> {
        let mut parts = text.splitn(3, '~');
        Some(Place { rank: parts.next()?.parse().ok()?, id: parts.next()?.parse().ok()?, name: parts.next()?.to_owned() })
    }
}

/// A page of a list that was read whole.
pub fn short<R, T>(
    rows: Vec<R>,
    params: &PageParams,
    place: impl Fn(&R) -> Place,
    mut show: impl FnMut(R) -> T,
) -> Result<Page<T>, Problem> {
    let take = limit(params.limit)?;
    let after = params.cursor.as_deref().map(|text| Place::decode(text).ok_or_else(bad_cursor)).transpose()?;
    let mut placed: Vec<(Place, R)> =
        rows.into_iter().map(|row| (place(&row), row)).filter(|(at, _)| after.as_ref().is_none_or(|after| at > after)).collect();
    placed.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(Page::cut(placed, take, |(at, _)| at.encode(), |(_, row)| show(row)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn walk(rows: &mut Vec<(String, i64)>, size: u32, mut between: impl FnMut(&mut Vec<(String, i64)>)) -> Vec<(String, i64)> {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let params = PageParams { limit: Some(size), cursor: cursor.take() };
            let page = short(rows.clone(), &params, |(name, id)| Place::name(name, *id), |row| row).expect("a page");
            assert!(page.items.len() <= size as usize);
            seen.extend(page.items);
            match page.next {
                Some(next) => cursor = Some(next),
                None => return seen,
            }
            between(rows);
        }
    }

    proptest! {
        /// No row is lost and none comes twice, whatever its name holds and whatever is inserted meanwhile.
        #[test]
        fn pages_lose_and_repeat_nothing(names in prop::collection::vec("[a-c~\u{1f} ]{0,3}", 0..20), size in 1_u32..5, late in "[a-d~]{0,3}") {
            let before: Vec<(String, i64)> = names.into_iter().zip(1..).collect();
            let mut rows = before.clone();
            let mut id = 1_000;
            let seen = walk(&mut rows, size, |rows| { id += 1; if id < 1_020 { rows.push((late.clone(), id)) } });
            let mut distinct = seen.clone();
            distinct.sort();
            distinct.dedup();
            prop_assert_eq!(distinct.len(), seen.len());
            prop_assert!(before.iter().all(|row| seen.contains(row)));
        }
    }

    #[test]
    fn the_last_page_says_so_and_a_foreign_cursor_is_refused() {
        let rows = vec![("a".to_owned(), 1), ("b".to_owned(), 2)];
        let ask = |limit, cursor: Option<&str>| {
            let params = PageParams { limit: Some(limit), cursor: cursor.map(str::to_owned) };
            short(rows.clone(), &params, |(name, id)| Place::name(name, *id), |row| row)
        };
        assert_eq!(ask(2, None).expect("a page").next, None, "a page that is just full is the last one");
        assert!(ask(1, None).expect("a page").next.is_some());
        assert_eq!(ask(1, Some("x")).expect_err("no cursor").status, 400);
        assert_eq!(ask(0, None).expect_err("no limit").status, 422);
    }
}
