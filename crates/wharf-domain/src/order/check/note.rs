//! C7: does the buyer's note need a person? Courtesies and urging pass; anything else is read, and what it seems to ask
//! for chooses the likely fixes.

use super::{Finding, ask_buyer, fix, release};
use crate::hold::{FindingCode, Severity};
use serde_json::json;

/// Words that ask for nothing. Longer ones first, so that they are taken whole.
const COURTESIES: &[&str] = &[
    "请尽快发货",
    "麻烦尽快发货",
    "尽快发货",
    "早点发货",
    "快点发货",
    "请尽快",
    "尽快",
    "谢谢老板",
    "谢谢你",
    "谢谢您",
    "谢谢",
    "多谢",
    "感谢",
    "老板好",
    "你好",
    "您好",
    "亲",
    "麻烦了",
    "辛苦了",
    "辛苦",
    "好评",
    "包装好一点",
    "包装好点",
    "包装好",
    "请",
    "麻烦",
    "哈",
    "了",
    "啦",
    "哦",
    "呀",
    "的",
    "thank you very much",
    "thank you",
    "thanks",
    "please ship soon",
    "please",
    "hello",
    "hi",
    "无",
    "没有",
    "none",
    "no",
];

const INTENTS: &[(&str, &[&str])] = &[
    ("cancel", &["取消", "不要了", "不想要", "退款", "别发", "先不要发", "不用发", "暂停发货", "cancel", "refund"]),
    (
        "address",
        &[
            "改地址",
            "换地址",
            "地址改",
            "地址换",
            "地址错",
            "寄到",
            "寄给",
            "发到",
            "收货地址",
            "change the address",
            "new address",
            "ship to",
            "deliver to",
        ],
    ),
    ("phone", &["电话改", "手机改", "改电话", "换电话", "号码错", "phone number"]),
    ("variant", &["换成", "改成", "要黑色", "要白色", "换颜色", "换尺码", "换一个", "颜色要", "尺码要", "instead of", "change to"]),
    ("carrier", &["顺丰", "中通", "圆通", "韵达", "申通", "邮政", "ems", "京东快递", "发什么快递", "不要发", "快递要"]),
    ("invoice", &["发票", "税号", "抬头", "invoice"]),
    ("gift", &["礼物", "贺卡", "不要放价格", "不要小票", "gift", "card"]),
    ("later", &["号再发", "以后发", "晚点发", "晚些发", "月底发", "等通知", "later"]),
];

pub(super) fn check(note: &str, severity: Severity) -> Option<Finding> {
    let note = note.trim();
    if is_courtesy(note) {
        return None;
    }
    let lower = note.to_lowercase();
    let intent = INTENTS.iter().find(|(_, words)| words.iter().any(|word| lower.contains(word))).map_or("other", |(name, _)| name);
    let mut fixes = match intent {
        "address" | "phone" => vec![fix("edit_as_asked", json!({ "intent": intent }), "edit_address", json!({}))],
        "cancel" => vec![ask_buyer("cancel")],
        "carrier" => vec![fix("choose_carrier", json!({}), "", json!({}))],
        _ => vec![fix("copy_to_seller_note", json!({}), "note", json!({ "copy_buyer_note": true }))],
    };
    fixes.push(fix("note_read", json!({}), "release", json!({ "reason": FindingCode::BuyerNote })));
    if intent != "cancel" {
        fixes.push(ask_buyer("note"));
    }
    if fixes.len() < 2 {
        fixes.push(release(FindingCode::BuyerNote));
    }
    Some(Finding { code: FindingCode::BuyerNote, severity, params: json!({ "intent": intent, "fixes": fixes }), seen: note.to_owned() })
}

/// True when nothing is left after the courtesies and the punctuation.
fn is_courtesy(note: &str) -> bool {
    let mut rest = note.to_lowercase();
    for word in COURTESIES {
        // Latin words count only as whole words; Chinese has no blanks to go by.
        rest = if word.is_ascii() { without_whole_word(&rest, word) } else { rest.replace(word, "") };
    }
    !rest.chars().any(char::is_alphanumeric)
}

fn without_whole_word(text: &str, word: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        let joins = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        kept.push_str(before);
        if joins(kept.chars().next_back()) || joins(after.chars().next()) {
            kept.push_str(word);
        }
        rest = after;
    }
    kept.push_str(rest);
    kept
}
