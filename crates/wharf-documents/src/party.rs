//! Who sends and who receives, as it is printed: the address as one text, in the order its country writes it.

use wharf_domain::address::{Recipient, Region};

/// A sender or a recipient on paper, clear or masked: exactly as the caller may show it. No `Debug`: it is personal data.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Party {
    /// Full name, or the name of a company.
    pub name: String,
    /// Phone, with an extension if there is one.
    pub phone: String,
    /// The whole address with its region, in the order in which it is written where it goes.
    pub address: String,
}

impl Party {
    /// The printed form of a recipient. Where the channel gives only a token, name, phone and street stay as empty as they came.
    pub fn of(recipient: &Recipient) -> Self {
        Party {
            name: recipient.personal.name.clone(),
            phone: recipient.personal.phone.clone(),
            address: one_address(&recipient.region, &recipient.personal.address),
        }
    }
}

/// Joins region and street. China writes from large to small without gaps; elsewhere the street comes first, the country last.
/// A part that the street already starts with (many channels repeat the region there) is not written twice.
fn one_address(region: &Region, street: &str) -> String {
    let street = street.trim();
    let large_to_small = [&region.province, &region.city, &region.district, &region.town];
    if matches!(region.country.as_str(), "" | "CN" | "HK" | "MO" | "TW") {
        let mut rest = street;
        let mut head = String::new();
        let mut last = "";
        for part in large_to_small.map(|p| p.trim()).into_iter().filter(|p| !p.is_empty()) {
            rest = rest.strip_prefix(part).unwrap_or(rest).trim_start();
            // Municipalities come as 上海市 / 上海市; once is enough.
            if part != last {
                head.push_str(part);
            }
            last = part;
        }
        let gap = if !head.is_empty() && !rest.is_empty() { " " } else { "" };
        let post = region.postal_code.trim();
        let post = if post.is_empty() { String::new() } else { format!(" {post}") };
        return format!("{head}{gap}{rest}{post}");
    }
    let mut parts: Vec<String> = vec![street.to_owned(), region.town.trim().to_owned(), region.district.trim().to_owned()];
    parts.push(region.city.trim().to_owned());
    parts.push([region.province.trim(), region.postal_code.trim()].join(" ").trim().to_owned());
    parts.push(region.country.trim().to_owned());
    parts.retain(|p| !p.is_empty());
    parts.dedup();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(parts: [&str; 6]) -> Region {
        let [country, province, city, district, town, postal_code] = parts.map(str::to_owned);
        Region { country, province, city, district, town, postal_code }
    }

    #[test]
    fn a_chinese_address_runs_from_large_to_small_and_says_nothing_twice() {
        let place = region(["CN", "浙江省", "杭州市", "余杭区", "五常街道", ""]);
        assert_eq!(one_address(&place, "文一西路969号"), "浙江省杭州市余杭区五常街道 文一西路969号");
        assert_eq!(one_address(&place, "浙江省杭州市余杭区五常街道文一西路969号"), "浙江省杭州市余杭区五常街道 文一西路969号");
        let city = region(["", "上海市", "上海市", "黄浦区", "", "200001"]);
        assert_eq!(one_address(&city, "南京东路1号"), "上海市黄浦区 南京东路1号 200001");
        assert_eq!(one_address(&city, ""), "上海市黄浦区 200001");
    }

    #[test]
    fn a_western_address_runs_from_small_to_large() {
        let place = region(["GB", "Greater London", "London", "", "", "SW1A 2AA"]);
        assert_eq!(one_address(&place, "10 Downing Street"), "10 Downing Street, London, Greater London SW1A 2AA, GB");
        assert_eq!(one_address(&region(["US", "NY", "New York", "", "", "10001"]), ""), "New York, NY 10001, US");
    }
}
