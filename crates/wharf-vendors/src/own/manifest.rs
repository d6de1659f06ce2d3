//! Who this vendor is and what its forms ask.

use wharf_connect::manifest::Pace;
use wharf_connect::{CredentialField, Label, Manifest};

const fn setting(name: &'static str, default: &'static str, required: bool, label: Label, help: Label) -> CredentialField {
    CredentialField { name, label, help, secret: false, required, default }
}

pub(super) static MANIFEST: Manifest = Manifest {
    id: "own",
    name: Label { en: "Contract carrier", zh: "自有合同快递" },
    credentials: &[],
    settings: &[
        setting(
            "carrier_code",
            "OTHER",
            false,
            Label { en: "Carrier's code", zh: "快递编码" },
            Label { en: "As marketplaces know the carrier: ZTO, YTO, SF …", zh: "平台使用的快递编码，如 ZTO、YTO、SF。" },
        ),
        setting(
            "carrier_name",
            "",
            false,
            Label { en: "Carrier's name", zh: "快递名称" },
            Label { en: "What stands on the label.", zh: "打印在面单上的名称。" },
        ),
        setting(
            "number_prefix",
            "",
            false,
            Label { en: "Numbers begin with", zh: "单号前缀" },
            Label {
                en: "Letters and digits in front of every number of your range.", zh: "号段中每个单号前面的字母和数字。"
            },
        ),
        setting(
            "number_digits",
            "12",
            false,
            Label { en: "Digits of the serial", zh: "流水号位数" },
            Label { en: "Serials are filled up with zeros to this length.", zh: "流水号用零补足到这个长度。" },
        ),
        setting(
            "number_from",
            "",
            false,
            Label { en: "First serial", zh: "起始流水号" },
            Label { en: "First serial of the range the carrier gave you.", zh: "快递分配的号段的第一个流水号。" },
        ),
        setting(
            "number_to",
            "",
            false,
            Label { en: "Last serial", zh: "结束流水号" },
            Label { en: "Last serial of the range.", zh: "号段的最后一个流水号。" },
        ),
        setting(
            "number_check",
            "none",
            false,
            Label { en: "Check digit", zh: "校验位" },
            Label {
                en: "none, luhn (mod 10) or s10 (postal, weights 8 6 4 2 3 5 9 7): appended to the serial.",
                zh: "none 无；luhn 模 10；s10 邮政（权重 8 6 4 2 3 5 9 7），附在流水号后。",
            },
        ),
        setting(
            "number_suffix",
            "",
            false,
            Label { en: "Numbers end with", zh: "单号后缀" },
            Label { en: "Such as CN for postal numbers.", zh: "例如邮政单号的 CN。" },
        ),
    ],
    hosts: &[],
    pace: Pace { per_minute: 60_000, burst: 1000 },
    secret_headers: &[],
    logo_svg: include_str!("logo.svg"),
    zone: "Asia/Shanghai",
    currency: "CNY",
    docs_url: "",
    splits_orders: false,
    splits_lines: false,
    keep_personal_days: None,
};
