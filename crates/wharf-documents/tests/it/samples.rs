//! Data as it comes on an ordinary day and on a bad one, for the tests and for `examples/samples.rs`.

use wharf_documents::{
    Imprint, LabelData, Language, ManifestData, PackingSlipData, Party, PickListData, TimeZone, label::LabelItem, manifest::ManifestParcel,
    packing_slip::SlipLine, pick_list::PickTask,
};
use wharf_domain::{
    money::{CNY, Money},
    time::Timestamp,
};

/// 2026-11-21 15:04:05 UTC.
pub(crate) const PRINTED_AT: Timestamp = Timestamp::from_seconds(1_795_273_445);

pub(crate) fn imprint(language: Language) -> Imprint {
    Imprint { language, printed_at: PRINTED_AT, zone: TimeZone::fixed(jiff::tz::offset(8)) }
}

fn party(name: &str, phone: &str, address: &str) -> Party {
    Party { name: name.to_owned(), phone: phone.to_owned(), address: address.to_owned() }
}

/// An ordinary Chinese label; `index` tells labels of a batch apart.
pub(crate) fn label(index: usize) -> LabelData {
    LabelData {
        carrier: "顺帆速运".to_owned(),
        service: "次日达".to_owned(),
        routing_code: format!("571-{:03}-{:02}", 310 + index % 600, index % 90),
        routing_name: "杭州 · 余杭".to_owned(),
        waybill_number: format!("WH2611{:09}", 21_000_001 + index),
        sender: party("青禾家居仓", "0571-8888 6666", "浙江省金华市义乌市福田街道 城北路 1688 号 3 号库"),
        recipient: party("欧阳明珠", "138****5678", "浙江省杭州市余杭区五常街道 文一西路 969 号阿里巴巴西溪园区 4 号楼 5 层前台"),
        order_references: vec![format!("29876543210{:07}", 1_234_567 + index)],
        items: vec![
            LabelItem { name: "奶油风陶瓷马克杯 白色 350ml".to_owned(), quantity: 2 },
            LabelItem { name: "竹制杯垫".to_owned(), quantity: 4 },
        ],
        weight_grams: Some(1_250),
        collect: None,
        remark: String::new(),
        copy: 1,
    }
}

/// A label on which everything is long.
pub(crate) fn crowded_label() -> LabelData {
    LabelData {
        carrier: "中国邮政速递物流股份有限公司".to_owned(),
        service: "特快专递（次晨达）".to_owned(),
        routing_code: "新疆 克孜勒苏柯尔克孜自治州 阿克陶县".to_owned(),
        routing_name: "乌鲁木齐中心 → 喀什分拨 → 阿克陶".to_owned(),
        recipient: party(
            "买买提·吐尔逊江·阿卜杜热合曼（转交三楼行政部李女士）",
            "13812345678-1234",
            "新疆维吾尔自治区克孜勒苏柯尔克孜自治州阿克陶县布伦口乡 恰克拉克村二组 314 国道 1689 公里处慕士塔格峰登山大本营旁边白色小楼二层左手第三间，\
             如无人接听请放门口蓝色邮箱内，谢谢🙏；若下雪封路请先放在县城人民路 28 号邮政支局代为保管，到件后请短信通知，切勿退回。Room 3-02, Building B",
        ),
        order_references: (0..9).map(|i| format!("29876543210{:07}", 7_654_321 + i)).collect(),
        items: (0..24).map(|i| LabelItem { name: format!("加厚保暖珊瑚绒四件套 深海蓝 {}cm 床单款", 150 + i), quantity: i + 1 }).collect(),
        weight_grams: Some(12_345),
        collect: Some(Money::new(1_299_900, CNY)),
        remark: "易碎品，请轻拿轻放；收件人周末不在，请工作日派送，派送前电话联系".to_owned(),
        copy: 3,
        ..label(0)
    }
}

/// A label in English with as little on it as a carrier allows.
pub(crate) fn bare_label() -> LabelData {
    LabelData {
        carrier: "Harbour Post".to_owned(),
        service: String::new(),
        routing_code: String::new(),
        routing_name: "London SW1".to_owned(),
        waybill_number: "HP000042GB".to_owned(),
        sender: Party::default(),
        recipient: party("Łukasz Gülşen-Őry", "", "10 Downing Street, Westminster, London SW1A 2AA, GB"),
        order_references: Vec::new(),
        items: Vec::new(),
        weight_grams: None,
        ..label(0)
    }
}

/// A wave of `orders` orders over `stops` bins.
pub(crate) fn pick_list(stops: usize, orders: usize) -> PickListData {
    let names = ["奶油风陶瓷马克杯", "竹制杯垫（六片装）", "加厚保暖珊瑚绒四件套", "WHITE HANGING HEART T-LIGHT HOLDER", "不锈钢保温壶"];
    let tasks = (0..stops * 3).map(|i| {
        let stop = i * 7 % stops;
        let order = i % orders;
        PickTask {
            bin: if stop == 3 { String::new() } else { format!("A-{:02}-{}-{}", stop / 8 + 1, stop % 4 + 1, stop % 12 + 1) },
            sku_code: format!("SKU-{:05}", 85_000 + stop),
            name: names[stop % names.len()].to_owned(),
            variant: if stop.is_multiple_of(3) { String::new() } else { format!("白色 / {}ml", 200 + stop * 10) },
            barcode: format!("69012345{stop:04}"),
            quantity: (i % 3 + 1) as u32,
            order_reference: format!("29876543210{:07}", 1_234_567 + order),
            slot: format!("{}", order + 1),
        }
    });
    PickListData {
        number: "W261121-007".to_owned(),
        warehouse: "义乌一号仓".to_owned(),
        picker: "王小明".to_owned(),
        tasks: tasks.collect(),
    }
}

/// A slip of `lines` lines.
pub(crate) fn packing_slip(language: Language, lines: usize, gift: bool) -> PackingSlipData {
    let zh = language == Language::Zh;
    let pick = |a: &str, b: &str| if zh { a.to_owned() } else { b.to_owned() };
    PackingSlipData {
        language,
        shop: pick("青禾家居旗舰店", "Greenfield Home"),
        order_reference: "2987654321001234567".to_owned(),
        ordered_at: Some(PRINTED_AT.plus(-wharf_domain::time::DAY)),
        carrier: pick("顺帆速运", "Harbour Post"),
        waybill_number: "WH2611021000001".to_owned(),
        recipient: if zh {
            party("欧阳明珠", "138****5678", "浙江省杭州市余杭区五常街道 文一西路 969 号")
        } else {
            party("Jane Smith", "+44 20 7946 0958", "10 Downing Street, London, SW1A 2AA, GB")
        },
        lines: (0..lines)
            .map(|i| SlipLine {
                name: pick(
                    "奶油风陶瓷马克杯 家用大容量带盖勺咖啡杯 情侣对杯生日礼物",
                    "Cream ceramic mug with lid and spoon, large, a pair",
                ),
                variant: pick("白色 / 350ml", "White / 350 ml"),
                sku_code: format!("SKU-{:05}", 85_000 + i),
                quantity: (i % 3 + 1) as u32,
                total: Some(Money::new(5_990 * (i as i64 + 1), CNY)),
            })
            .collect(),
        order_total: Some(Money::new(17_970, CNY)),
        gift,
        gift_message: if gift {
            pick("妈妈，生日快乐！愿你每天都有一杯热茶。——小满", "Happy birthday, Mum! With love, Lily")
        } else {
            String::new()
        },
        return_text: pick(
            "签收后 7 天内可申请无理由退货。请在订单页提交申请，商品保持完好并附上本清单，寄回运费以订单页说明为准。",
            "You may return anything within 30 days. Start the return on your order page and put this slip into the box.",
        ),
        note: pick("感谢您的购买，期待再次光临。", "Thank you for your order."),
    }
}

/// A manifest of `parcels` parcels.
pub(crate) fn manifest(parcels: usize) -> ManifestData {
    let places = ["浙江省 杭州市", "广东省 深圳市", "新疆维吾尔自治区 克孜勒苏柯尔克孜自治州", "上海市"];
    ManifestData {
        number: "M261121-0003".to_owned(),
        warehouse: "义乌一号仓".to_owned(),
        carrier: "顺帆速运".to_owned(),
        account: "5790001234".to_owned(),
        handed_over_at: Some(PRINTED_AT),
        parcels: (0..parcels)
            .map(|i| ManifestParcel {
                waybill_number: format!("WH2611{:09}", 21_000_001 + i),
                service: if i % 4 == 0 { "特惠".to_owned() } else { "次日达".to_owned() },
                order_references: (0..=i % 9 / 7).map(|n| format!("29876543210{:07}", 1_234_567 + i * 2 + n)).collect(),
                destination: places[i % places.len()].to_owned(),
                weight_grams: if i % 11 == 5 { None } else { Some(300 + (i as u32 * 37) % 2_000) },
                collect: (i % 10 == 3).then(|| Money::new(12_800, CNY)),
            })
            .collect(),
    }
}
