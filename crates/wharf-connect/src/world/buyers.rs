//! The people who buy. They are made up from common names, real divisions and numbers with four zeros in the middle; the
//! same seed and index always give the same person, so that nothing of them need be stored.

use super::catalogue::{by_weight, place_weights, places};
use super::random::Dice;
use serde::{Deserialize, Serialize};

/// Who receives, in clear: what the market knows and a channel masks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recipient {
    /// Full name.
    pub name: String,
    /// Phone.
    pub phone: String,
    /// Province.
    pub province: String,
    /// City.
    pub city: String,
    /// District.
    pub district: String,
    /// Street office or town.
    pub town: String,
    /// Street, house, flat.
    pub street: String,
    /// Postal code.
    pub postal_code: String,
}

/// A buyer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buyer {
    /// Index on the market.
    pub index: u32,
    /// The name the buyer shows.
    pub nick: String,
    /// Where parcels go unless an order says otherwise.
    pub recipient: Recipient,
}

const SURNAMES: &[&str] = &[
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何", "林", "高", "罗", "郑", "梁",
    "谢", "宋", "唐", "许", "韩", "冯", "邓", "曹", "彭", "曾", "肖", "田", "董", "潘", "袁", "蔡", "蒋", "余", "于", "杜", "叶", "程",
    "魏", "苏", "吕", "丁", "任", "卢", "姚", "沈", "钟", "姜", "崔", "谭", "陆", "范", "汪", "廖", "欧阳", "上官",
];
const GIVEN: &[&str] = &[
    "晓雯", "子涵", "雨桐", "浩然", "思远", "佳怡", "梓萱", "俊杰", "诗涵", "宇航", "欣怡", "一诺", "若曦", "建国", "秀英", "丽娟", "婷婷",
    "志强", "海燕", "文博", "静", "敏", "磊", "洋", "勇", "艳", "杰", "娜", "涛", "明", "超", "霞", "平", "刚", "桂英", "玉兰", "小满",
    "知夏", "清禾", "星野", "沐阳", "安然", "可心", "乐瑶", "景行", "书瑶", "亦凡", "慕晴", "念慈", "云舒",
];
const ROADS: &[&str] = &[
    "人民路",
    "解放路",
    "建设路",
    "中山路",
    "文化路",
    "和平路",
    "新华路",
    "学府路",
    "滨河路",
    "创业路",
    "迎宾大道",
    "长江路",
    "黄河路",
    "青年路",
    "公园路",
    "花园路",
    "振兴街",
    "光明街",
    "朝阳街",
    "育才路",
];
const ESTATES: &[&str] =
    &["阳光花园", "翠湖小区", "锦绣苑", "幸福里", "金桂园", "书香名邸", "梧桐公馆", "和谐家园", "碧水湾", "星河城", "云锦东方", "紫荆花园"];
const NICKS: &[&str] =
    &["tb", "小鱼", "momo", "橘子", "sunny", "阿布", "lucky", "豆豆", "cat", "云朵", "jojo", "青柠", "leaf", "糖糖", "moon", "奶茶"];
const PREFIXES: &[&str] = &[
    "130", "131", "135", "136", "137", "138", "139", "150", "151", "152", "157", "158", "159", "176", "177", "180", "181", "186", "187",
    "188", "189", "199",
];

/// The buyer of an index.
pub(crate) fn buyer(seed: u64, index: u32) -> Buyer {
    let mut dice = Dice::new(seed, "buyer", u64::from(index));
    let name = format!("{}{}", dice.pick(SURNAMES), dice.pick(GIVEN));
    let nick = format!("{}{:04}{}", dice.pick(NICKS), dice.below(10_000), dice.below(10));
    let phone = format!("{}0000{:04}", dice.pick(PREFIXES), dice.below(10_000));
    let recipient = at_place(&mut dice, None, name, phone);
    Buyer { index, nick, recipient }
}

/// A new address of the same person, for a move after the order.
pub(crate) fn moved(seed: u64, ordinal: u64, from: &Recipient) -> Recipient {
    let mut dice = Dice::new(seed, "move", ordinal);
    at_place(&mut dice, None, from.name.clone(), from.phone.clone())
}

/// The same person in one of the provinces where carriers ask more.
pub(crate) fn far_away(seed: u64, ordinal: u64, from: &Recipient) -> Recipient {
    let mut dice = Dice::new(seed, "remote", ordinal);
    let province = dice.pick(&["新疆维吾尔自治区", "西藏自治区", "青海省", "内蒙古自治区"]);
    at_place(&mut dice, Some(province), from.name.clone(), from.phone.clone())
}

fn at_place(dice: &mut Dice, province: Option<&str>, name: String, phone: String) -> Recipient {
    let place = match province {
        Some(wanted) => {
            let there: Vec<_> = places().iter().filter(|p| p.province == wanted).collect();
            *dice.pick(&there)
        }
        None => {
            let weights = place_weights();
            &places()[by_weight(weights, dice.below(weights.last().copied().unwrap_or(1)))]
        }
    };
    let road = dice.pick(ROADS);
    let number = dice.between(1, 680);
    let street = if dice.chance(700) {
        format!(
            "{road}{number}号{}{}幢{}单元{}0{}室",
            dice.pick(ESTATES),
            dice.between(1, 28),
            dice.between(1, 4),
            dice.between(1, 26),
            dice.between(1, 4)
        )
    } else {
        format!("{road}{number}号{}", dice.pick(&["菜鸟驿站代收", "临街商铺", "创业大厦前台", "村委会旁", "学生公寓3号楼"]))
    };
    Recipient {
        name,
        phone,
        province: place.province.clone(),
        city: place.city.clone(),
        district: place.district.clone(),
        town: place.town.clone(),
        street,
        postal_code: place.postal_code.clone(),
    }
}
