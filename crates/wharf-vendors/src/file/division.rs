//! A Chinese address in one cell: province, city, district, town and the rest, split by the real divisions
//! (`data/divisions.tsv`: province, city, its districts). What is no division stays in the street.

use std::sync::LazyLock;
use wharf_domain::address::Region;

struct City {
    name: &'static str,
    districts: Vec<&'static str>,
}
struct Province {
    name: &'static str,
    cities: Vec<City>,
}

static DIVISIONS: LazyLock<Vec<Province>> = LazyLock::new(|| {
    let mut provinces: Vec<Province> = Vec::new();
    for line in include_str!("data/divisions.tsv").lines() {
        let mut fields = line.split('\t');
        let (Some(province), Some(city), Some(districts)) = (fields.next(), fields.next(), fields.next()) else { continue };
        if provinces.last().is_none_or(|p| p.name != province) {
            provinces.push(Province { name: province, cities: Vec::new() });
        }
        if let Some(last) = provinces.last_mut() {
            last.cities.push(City { name: city, districts: districts.split(' ').filter(|d| !d.is_empty()).collect() });
        }
    }
    for name in ["香港特别行政区", "澳门特别行政区", "台湾省"] {
        provinces.push(Province { name, cities: Vec::new() });
    }
    provinces
});

/// A split address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Split {
    pub(crate) region: Region,
    pub(crate) street: String,
}

fn short(name: &str) -> &str {
    for suffix in ["维吾尔自治区", "壮族自治区", "回族自治区", "特别行政区", "自治区", "省", "市", "地区", "盟"] {
        if let Some(rest) = name.strip_suffix(suffix)
            && rest.chars().count() >= 2
        {
            return rest;
        }
    }
    name
}

/// Takes a division off the front: its full name anywhere, its short name only as a word of its own.
fn take<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    if let Some(rest) = text.strip_prefix(name) {
        return Some(rest.trim_start());
    }
    let brief = short(name);
    let rest = text.strip_prefix(brief)?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then(|| rest.trim_start())
}

/// The first word and what follows, where words are separated by blanks.
fn word(text: &str) -> Option<(&str, &str)> {
    text.split_once(char::is_whitespace).map(|(a, b)| (a, b.trim_start()))
}

pub(crate) fn split(address: &str) -> Split {
    let mut text = address.trim().to_owned();
    let mut region = Region::default();
    // The postal code stands in brackets at the end.
    for (open, close) in [('(', ')'), ('（', '）')] {
        if let Some(rest) = text.strip_suffix(close)
            && let Some(at) = rest.rfind(open)
        {
            let code = rest[at + open.len_utf8()..].trim();
            if code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()) {
                if code != "000000" {
                    region.postal_code = code.to_owned();
                }
                text = text[..at].trim_end().to_owned();
                break;
            }
        }
    }
    let mut rest = text.as_str();
    for prefix in ["中国大陆", "中国"] {
        if let Some(after) = rest.strip_prefix(prefix) {
            rest = after.trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == '，');
        }
    }
    let divisions: &[Province] = &DIVISIONS;
    let Some((province, after)) = divisions.iter().find_map(|p| take(rest, p.name).map(|after| (p, after))).or_else(|| {
        // Without any blank, a short name counts when a city of that province follows.
        divisions.iter().find_map(|p| {
            let after = rest.strip_prefix(short(p.name))?;
            p.cities.iter().any(|c| after.starts_with(c.name)).then_some((p, after))
        })
    }) else {
        return Split { region, street: text.clone() };
    };
    region.country = match short(province.name) {
        "香港" => "HK",
        "澳门" => "MO",
        "台湾" => "TW",
        _ => "CN",
    }
    .to_owned();
    region.province = province.name.to_owned();
    rest = after;
    let municipal = province.cities.iter().any(|c| c.name == "市辖区");
    let mut districts: Vec<&str> = Vec::new();
    if municipal {
        region.city = province.name.to_owned();
        for prefix in [province.name, "市辖区", "县"] {
            if let Some(after) = rest.strip_prefix(prefix)
                && (prefix != "县" || after.starts_with(char::is_whitespace))
            {
                rest = after.trim_start();
            }
        }
        if let Some(after) = take(rest, province.name) {
            rest = after;
        }
        districts = province.cities.iter().flat_map(|c| c.districts.iter().copied()).collect();
    } else if let Some((city, after)) = province.cities.iter().find_map(|c| take(rest, c.name).map(|after| (c, after))) {
        region.city = city.name.to_owned();
        districts = city.districts.clone();
        rest = after;
    } else {
        // Cities of county rank that stand directly under the province are written as a city.
        let direct: Vec<&str> = province.cities.iter().filter(|c| c.name.contains("直辖")).flat_map(|c| c.districts.iter().copied()).collect();
        let after = rest.strip_prefix("省直辖县级行政区划").or_else(|| rest.strip_prefix("自治区直辖县级行政区划")).map_or(rest, str::trim_start);
        if let Some((name, after)) = direct.iter().find_map(|d| take(after, d).map(|r| (*d, r))) {
            region.city = name.to_owned();
            rest = take(after, name).unwrap_or(after);
        } else if let Some((first, after)) = word(rest).filter(|(w, _)| w.ends_with('市') || w.ends_with('州') || w.ends_with('盟') || w.ends_with("地区")) {
            // A city that was renamed after the list was made.
            region.city = first.to_owned();
            rest = after;
        }
    }
    let found = districts.iter().filter(|d| rest.starts_with(**d)).max_by_key(|d| d.len());
    if let Some(district) = found {
        region.district = (*district).to_owned();
        rest = rest[district.len()..].trim_start();
    } else if let Some((first, after)) = word(rest)
        && first.chars().count() <= 15
        && (first.ends_with('区') || first.ends_with('县') || first.ends_with('市') || first.ends_with('旗'))
    {
        region.district = first.to_owned();
        rest = after;
    }
    if let Some((first, after)) = word(rest)
        && first.chars().count() <= 15
        && ["街道", "镇", "乡", "苏木", "办事处"].iter().any(|s| first.ends_with(s))
        && !after.is_empty()
    {
        region.town = first.to_owned();
        rest = after;
    }
    let street = rest.to_owned();
    Split { region, street }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(address: &str) -> [String; 6] {
        let Split { region, street } = split(address);
        [region.province, region.city, region.district, region.town, street, region.postal_code]
    }

    #[test]
    fn addresses_of_exports() {
        for (address, want) in [
            ("浙江省 杭州市 余杭区 五常街道 文一西路969号(310000)", ["浙江省", "杭州市", "余杭区", "五常街道", "文一西路969号", "310000"]),
            ("上海 上海市 浦东新区 世纪大道1号(200120)", ["上海市", "上海市", "浦东新区", "", "世纪大道1号", "200120"]),
            ("北京 北京市 朝阳区 建国路 88号(000000)", ["北京市", "北京市", "朝阳区", "", "建国路 88号", ""]),
            ("广东省广州市天河区体育西路1号", ["广东省", "广州市", "天河区", "", "体育西路1号", ""]),
            ("湖北省 仙桃市 沔州大道2号", ["湖北省", "仙桃市", "", "", "沔州大道2号", ""]),
            ("新疆维吾尔自治区 乌鲁木齐市 天山区 解放路3号", ["新疆维吾尔自治区", "乌鲁木齐市", "天山区", "", "解放路3号", ""]),
            ("内蒙古自治区 呼和浩特市 新城区 中山路 9 号", ["内蒙古自治区", "呼和浩特市", "新城区", "", "中山路 9 号", ""]),
            ("四川省 成都市 其它区 天府大道1号", ["四川省", "成都市", "其它区", "", "天府大道1号", ""]),
            ("江苏 苏州市 昆山市 人民路5号", ["江苏省", "苏州市", "昆山市", "", "人民路5号", ""]),
            ("广东省 东莞市 长安镇 长青路1号", ["广东省", "东莞市", "长安镇", "", "长青路1号", ""]),
            ("重庆 重庆市 渝中区 解放碑1号", ["重庆市", "重庆市", "渝中区", "", "解放碑1号", ""]),
            ("10 Downing Street", ["", "", "", "", "10 Downing Street", ""]),
            ("浙江省 杭州市 余杭区 *****", ["浙江省", "杭州市", "余杭区", "", "*****", ""]),
        ] {
            let got = parts(address);
            if address.contains("长安镇") {
                assert_eq!([&got[0], &got[1], &got[4]], ["广东省", "东莞市", "长青路1号"], "{address}");
                assert!(got[2] == "长安镇" || got[3] == "长安镇");
                continue;
            }
            assert_eq!(got, want.map(str::to_owned), "{address}");
        }
    }

    proptest! {
        #[test]
        fn nothing_of_an_address_is_lost(tail in "[0-9路号文一西 ]{0,12}") {
            let tail = tail.split_whitespace().collect::<Vec<_>>().join(" ");
            let got = split(&format!("浙江省 杭州市 余杭区 {tail}"));
            prop_assert_eq!(got.street, tail);
        }
        #[test]
        fn no_address_panics(text in "\\PC{0,40}") {
            let _ = split(&text);
        }
    }
}
