//! Who this vendor is and what its forms ask.

use crate::top::client::{GATEWAY, HOSTS};
use wharf_connect::manifest::Pace;
use wharf_connect::{CredentialField, Label, Manifest};

const fn setting(name: &'static str, default: &'static str, label: Label, help: Label) -> CredentialField {
    CredentialField { name, label, help, secret: false, required: false, default }
}

pub(super) static MANIFEST: Manifest = Manifest {
    id: "cainiao",
    name: Label { en: "Cainiao e-waybill", zh: "菜鸟电子面单" },
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
                en: "The access token of the shop that subscribes to the e-waybill branches.",
                zh: "开通电子面单的店铺授权得到的访问令牌。",
            },
            secret: true,
            required: true,
            default: "",
        },
    ],
    settings: &[
        setting(
            "base_url",
            GATEWAY,
            Label { en: "Gateway address", zh: "网关地址" },
            Label { en: "Where requests go: the public gateway or a relay.", zh: "请求发往的地址：公网网关或中转。" },
        ),
        setting(
            "sign_method",
            "hmac-sha256",
            Label { en: "Signing method", zh: "签名方法" },
            Label {
                en: "hmac-sha256, hmac or md5; all are valid, the first is the strongest.",
                zh: "hmac-sha256、hmac 或 md5；均有效，第一种强度最高。",
            },
        ),
        setting(
            "simplify",
            "true",
            Label { en: "Ask for the short form", zh: "使用精简返回格式" },
            Label {
                en: "true asks for answers without wrappers; both forms are read.", zh: "true 表示请求精简格式；两种格式都能读取。"
            },
        ),
        setting(
            "cp_code",
            "",
            Label { en: "Default carrier", zh: "默认快递" },
            Label {
                en: "The carrier's code when the service does not name one: ZTO, YTO, STO, YUNDA, SF …",
                zh: "服务未指定快递时使用的快递编码：ZTO、YTO、STO、YUNDA、SF 等。",
            },
        ),
        setting(
            "template_url",
            "",
            Label { en: "Print template", zh: "打印模板地址" },
            Label {
                en: "Address of the template for the local print component; blank takes the carrier's standard one.",
                zh: "打印组件使用的模板地址；留空使用该快递的标准模板。",
            },
        ),
        setting(
            "need_encrypt",
            "false",
            Label { en: "Encrypt print data", zh: "加密打印数据" },
            Label {
                en: "true hides the routing words from us as well: then labels print only through the component.",
                zh: "true 时我们也读不到路由信息，面单只能用打印组件打印。",
            },
        ),
        setting(
            "user_id",
            "",
            Label { en: "Seller id", zh: "卖家 ID" },
            Label {
                en: "The seller's number on the platform, when orders do not tell it.", zh: "卖家在平台的数字 ID，订单未带时使用。"
            },
        ),
        setting(
            "customer_code",
            "",
            Label { en: "Monthly account", zh: "月结账号" },
            Label { en: "For carriers that bill by month, such as SF.", zh: "顺丰等月结快递的月结卡号。" },
        ),
        setting(
            "product_code",
            "",
            Label { en: "Carrier's product", zh: "快递产品编码" },
            Label { en: "For SF and others that ask for one.", zh: "顺丰等需要指定产品时填写。" },
        ),
        setting(
            "brand_code",
            "",
            Label { en: "Brand", zh: "品牌编码" },
            Label { en: "For carriers with several brands.", zh: "快递有多个品牌时填写。" },
        ),
        setting(
            "branch_code",
            "",
            Label { en: "Sending branch", zh: "发货网点编码" },
            Label { en: "For accounts with several branches.", zh: "开通多个网点时填写。" },
        ),
        setting(
            "logistics_services",
            "",
            Label { en: "Extra services", zh: "增值服务" },
            Label { en: "JSON as the service's documents give it.", zh: "按官方文档填写的增值服务 JSON。" },
        ),
    ],
    hosts: HOSTS,
    pace: Pace { per_minute: 1200, burst: 40 },
    secret_headers: &[],
    logo_svg: include_str!("logo.svg"),
    zone: "Asia/Shanghai",
    currency: "CNY",
    docs_url: "https://open.taobao.com/",
    splits_orders: false,
    splits_lines: false,
    keep_personal_days: None,
};
