//! What the simulated shops sell and where their buyers live: two small tables in `data/`, made from public data (see
//! `data/README.md` for sources and licences).

use std::sync::LazyLock;

/// One article of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goods {
    /// Stock code of the source, our SKU code.
    pub code: String,
    /// English description of the source.
    pub description: String,
    /// Chinese title.
    pub title: String,
    /// Chinese category.
    pub category: String,
    /// Chinese colour word, or empty.
    pub colour: String,
    /// Selling price, fen.
    pub price_minor: i64,
    /// Cost, fen.
    pub cost_minor: i64,
    /// Weight of one, packed for sale.
    pub weight_grams: i64,
    /// Length, width, height.
    pub size_mm: [i64; 3],
    /// How many order lines of the source bought it.
    pub popularity: u64,
}

/// One street or town with the divisions above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Share of orders.
    pub weight: u64,
    /// Province, or the municipality's short name.
    pub province: String,
    /// City.
    pub city: String,
    /// District or county.
    pub district: String,
    /// Street office or town.
    pub town: String,
    /// Postal code.
    pub postal_code: String,
}

/// The catalogue, best seller first.
pub fn goods() -> &'static [Goods] {
    static GOODS: LazyLock<Vec<Goods>> = LazyLock::new(|| {
        rows(include_str!("../../data/catalogue.csv"))
            .into_iter()
            .map(|r| Goods {
                code: r[0].clone(),
                description: r[1].clone(),
                title: r[2].clone(),
                category: r[3].clone(),
                colour: r[4].clone(),
                price_minor: number(&r[5]),
                cost_minor: number(&r[6]),
                weight_grams: number(&r[7]),
                size_mm: [number(&r[8]), number(&r[9]), number(&r[10])],
                popularity: number(&r[11]).unsigned_abs(),
            })
            .collect()
    });
    &GOODS
}

/// Real divisions; no person lives there.
pub fn places() -> &'static [Place] {
    static PLACES: LazyLock<Vec<Place>> = LazyLock::new(|| {
        rows(include_str!("../../data/places.csv"))
            .into_iter()
            .map(|r| Place {
                weight: number(&r[0]).unsigned_abs(),
                province: r[1].clone(),
                city: r[2].clone(),
                district: r[3].clone(),
                town: r[4].clone(),
                postal_code: r[5].clone(),
            })
            .collect()
    });
    &PLACES
}

/// Cumulative weights, for a draw by [`by_weight`].
pub(crate) fn cumulative(weights: impl Iterator<Item = u64>) -> Vec<u64> {
    weights
        .scan(0u64, |sum, w| {
            *sum += w;
            Some(*sum)
        })
        .collect()
}

/// The index whose share holds `point`.
pub(crate) fn by_weight(cumulative: &[u64], point: u64) -> usize {
    cumulative.partition_point(|&c| c <= point).min(cumulative.len().saturating_sub(1))
}

/// Cumulative place weights.
pub(crate) fn place_weights() -> &'static [u64] {
    static WEIGHTS: LazyLock<Vec<u64>> = LazyLock::new(|| cumulative(places().iter().map(|p| p.weight)));
    &WEIGHTS
}

fn number(text: &str) -> i64 {
    text.parse().unwrap_or(0)
}

/// Rows of a comma-separated table after its heading; a field may be quoted.
fn rows(text: &str) -> Vec<Vec<String>> {
    text.lines()
        .skip(1)
        .filter(|l| !l.is_empty())
        .map(|line| {
            let mut fields = vec![String::new()];
            let mut quoted = false;
            let mut chars = line.chars().peekable();
            while let Some(c) = chars.next() {
                match c {
                    '"' if quoted && chars.peek() == Some(&'"') => {
                        chars.next();
                        if let Some(last) = fields.last_mut() {
                            last.push('"');
                        }
                    }
                    '"' => quoted = !quoted,
                    ',' if !quoted => fields.push(String::new()),
                    other => {
                        if let Some(last) = fields.last_mut() {
                            last.push(other);
                        }
                    }
                }
            }
            fields
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_whole() {
        assert_eq!(goods().len(), 300);
        assert!(goods().iter().all(|g| g.price_minor > g.cost_minor && g.cost_minor > 0 && g.weight_grams > 0 && !g.title.is_empty()));
        let codes: std::collections::BTreeSet<_> = goods().iter().map(|g| &g.code).collect();
        assert_eq!(codes.len(), 300);
        assert!(places().len() > 1000);
        assert!(places().iter().all(|p| p.weight > 0 && !p.town.is_empty() && p.postal_code.len() == 6));
        let provinces: std::collections::BTreeSet<_> = places().iter().map(|p| &p.province).collect();
        assert_eq!(provinces.len(), 31);
    }

    #[test]
    fn weights_choose_by_their_share() {
        let sums = cumulative([1u64, 0, 3].into_iter());
        assert_eq!((0..4).map(|p| by_weight(&sums, p)).collect::<Vec<_>>(), [0, 2, 2, 2]);
    }
}
