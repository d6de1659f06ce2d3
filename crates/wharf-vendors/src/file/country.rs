//! Names of countries, as exports write them, to ISO 3166-1 alpha-2. A word that is in no list stays itself.

const NAMES: &[(&str, &str)] = &[
    ("cn", "中国 中国大陆 china mainland-china people's-republic-of-china prc"),
    ("hk", "香港 中国香港 中国香港特别行政区 hong-kong hongkong hong-kong-sar"),
    ("mo", "澳门 中国澳门 macao macau"),
    ("tw", "台湾 中国台湾 taiwan"),
    ("us", "美国 usa united-states united-states-of-america u.s.a. u.s. america"),
    ("gb", "英国 united-kingdom uk great-britain england scotland wales northern-ireland"),
    ("ie", "爱尔兰 ireland eire republic-of-ireland"),
    ("de", "德国 germany deutschland"),
    ("fr", "法国 france"),
    ("es", "西班牙 spain españa"),
    ("it", "意大利 italy italia"),
    ("nl", "荷兰 netherlands the-netherlands holland nederland"),
    ("be", "比利时 belgium"),
    ("lu", "卢森堡 luxembourg"),
    ("ch", "瑞士 switzerland"),
    ("at", "奥地利 austria"),
    ("pt", "葡萄牙 portugal"),
    ("pl", "波兰 poland"),
    ("cz", "捷克 czech-republic czechia"),
    ("sk", "斯洛伐克 slovakia"),
    ("si", "斯洛文尼亚 slovenia"),
    ("hu", "匈牙利 hungary"),
    ("ro", "罗马尼亚 romania"),
    ("bg", "保加利亚 bulgaria"),
    ("gr", "希腊 greece"),
    ("hr", "克罗地亚 croatia"),
    ("rs", "塞尔维亚 serbia"),
    ("se", "瑞典 sweden"),
    ("no", "挪威 norway"),
    ("dk", "丹麦 denmark"),
    ("fi", "芬兰 finland"),
    ("is", "冰岛 iceland"),
    ("ee", "爱沙尼亚 estonia"),
    ("lv", "拉脱维亚 latvia"),
    ("lt", "立陶宛 lithuania"),
    ("ua", "乌克兰 ukraine"),
    ("by", "白俄罗斯 belarus"),
    ("ru", "俄罗斯 russia russian-federation"),
    ("kz", "哈萨克斯坦 kazakhstan"),
    ("tr", "土耳其 turkey türkiye"),
    ("cy", "塞浦路斯 cyprus"),
    ("mt", "马耳他 malta"),
    ("il", "以色列 israel"),
    ("lb", "黎巴嫩 lebanon"),
    ("jo", "约旦 jordan"),
    ("ae", "阿联酋 阿拉伯联合酋长国 united-arab-emirates uae u.a.e."),
    ("sa", "沙特阿拉伯 沙特 saudi-arabia"),
    ("bh", "巴林 bahrain"),
    ("qa", "卡塔尔 qatar"),
    ("kw", "科威特 kuwait"),
    ("om", "阿曼 oman"),
    ("eg", "埃及 egypt"),
    ("ma", "摩洛哥 morocco"),
    ("za", "南非 south-africa rsa"),
    ("ng", "尼日利亚 nigeria"),
    ("ke", "肯尼亚 kenya"),
    ("jp", "日本 japan"),
    ("kr", "韩国 korea south-korea republic-of-korea"),
    ("sg", "新加坡 singapore"),
    ("my", "马来西亚 malaysia"),
    ("th", "泰国 thailand"),
    ("vn", "越南 vietnam viet-nam"),
    ("ph", "菲律宾 philippines"),
    ("id", "印度尼西亚 印尼 indonesia"),
    ("in", "印度 india"),
    ("pk", "巴基斯坦 pakistan"),
    ("bd", "孟加拉国 bangladesh"),
    ("lk", "斯里兰卡 sri-lanka"),
    ("au", "澳大利亚 australia"),
    ("nz", "新西兰 new-zealand"),
    ("ca", "加拿大 canada"),
    ("mx", "墨西哥 mexico"),
    ("br", "巴西 brazil brasil"),
    ("ar", "阿根廷 argentina"),
    ("cl", "智利 chile"),
    ("co", "哥伦比亚 colombia"),
    ("pe", "秘鲁 peru"),
];

/// The code of a name or of a code in any case; a word that is in no list comes back as it is.
pub(crate) fn country(word: &str) -> String {
    let word = word.trim();
    if word.len() == 2 && word.bytes().all(|b| b.is_ascii_alphabetic()) {
        let upper = word.to_ascii_uppercase();
        return if upper == "UK" { "GB".to_owned() } else { upper };
    }
    let key = word.to_lowercase().split_whitespace().collect::<Vec<_>>().join("-");
    for (code, names) in NAMES {
        if names.split(' ').any(|name| name == key) {
            return code.to_ascii_uppercase();
        }
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::country;

    #[test]
    fn names_and_codes() {
        for (word, want) in [("United Kingdom", "GB"), ("EIRE", "IE"), ("uk", "GB"), ("us", "US"), ("中国", "CN"), ("Channel Islands", "Channel Islands"), ("", "")] {
            assert_eq!(country(word), want);
        }
    }
}
