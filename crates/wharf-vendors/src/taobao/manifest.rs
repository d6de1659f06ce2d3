//! Who this vendor is and what its forms ask.

use crate::top::client::{GATEWAY, HOSTS};
use wharf_connect::manifest::Pace;
use wharf_connect::{CredentialField, Label, Manifest};

pub(super) static MANIFEST: Manifest = Manifest {
    id: "taobao",
    name: Label { en: "Taobao / Tmall", zh: "淘宝 / 天猫" },
    credentials: &[
        CredentialField {
            name: "app_key",
            label: Label { en: "App key", zh: "App Key" },
            help: Label {
                en: "The key of your application, from the open platform's console.", zh: "开放平台控制台中应用的 App Key。"
            },
            secret: false,
            required: true,
            default: "",
        },
        CredentialField {
            name: "app_secret",
            label: Label { en: "App secret", zh: "App Secret" },
            help: Label {
                en: "The secret of the same application; it signs every request and is never sent.",
                zh: "同一应用的 App Secret，用于签名，不会被发送。",
            },
            secret: true,
            required: true,
            default: "",
        },
        CredentialField {
            name: "session",
            label: Label { en: "Session key", zh: "授权 Session Key" },
            help: Label {
                en: "The access token that the shop's owner granted to the application.",
                zh: "店铺主账号授权给该应用后得到的访问令牌。",
            },
            secret: true,
            required: true,
            default: "",
        },
    ],
    settings: &[
        CredentialField {
            name: "base_url",
            label: Label { en: "Gateway address", zh: "网关地址" },
            help: Label {
                en: "Where requests go: the public gateway, or a relay in the platform's own cloud, which it may demand for recipients' data.",
                zh: "请求发往的地址：公网网关，或部署在平台云内的中转（平台可能只向云内调用返回收件人数据）。",
            },
            secret: false,
            required: false,
            default: GATEWAY,
        },
        CredentialField {
            name: "sign_method",
            label: Label { en: "Signing method", zh: "签名方法" },
            help: Label {
                en: "hmac-sha256, hmac or md5; all are valid, the first is the strongest.",
                zh: "hmac-sha256、hmac 或 md5；均有效，第一种强度最高。",
            },
            secret: false,
            required: false,
            default: "hmac-sha256",
        },
        CredentialField {
            name: "simplify",
            label: Label { en: "Ask for the short form", zh: "使用精简返回格式" },
            help: Label {
                en: "true asks for answers without wrappers; both forms are read.",
                zh: "true 表示请求精简格式；两种格式都能读取。",
            },
            secret: false,
            required: false,
            default: "true",
        },
        CredentialField {
            name: "ship_method",
            label: Label { en: "Shipping call", zh: "发货接口" },
            help: Label {
                en: "online (also cash on delivery, better tracking) or offline (own contract with the carrier).",
                zh: "online：在线发货（支持货到付款，轨迹更完整）；offline：自己联系物流。",
            },
            secret: false,
            required: false,
            default: "online",
        },
        CredentialField {
            name: "oaid_scene",
            label: Label { en: "Purpose of opening recipients", zh: "解密场景" },
            help: Label {
                en: "The platform's number of the purpose for which masked recipients are opened (1006 manual slip, 2001 after-sales).",
                zh: "解密收件人信息的场景编号（1006 手工面单，2001 售后等）。",
            },
            secret: false,
            required: false,
            default: "1006",
        },
        CredentialField {
            name: "types",
            label: Label { en: "Further kinds of trade", zh: "交易类型" },
            help: Label {
                en: "Leave blank for the usual kinds; others appear only when all wanted kinds are named, separated by commas.",
                zh: "留空为常规类型；其他类型须把需要的类型全部列出（逗号分隔）才会出现。",
            },
            secret: false,
            required: false,
            default: "",
        },
    ],
    hosts: HOSTS,
    pace: Pace { per_minute: 2400, burst: 60 },
    secret_headers: &[],
    logo_svg: include_str!("logo.svg"),
    zone: "Asia/Shanghai",
    currency: "CNY",
    docs_url: "https://open.taobao.com/",
    splits_orders: true,
    splits_lines: false,
    keep_personal_days: None,
};
