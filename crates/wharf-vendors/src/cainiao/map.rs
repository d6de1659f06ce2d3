//! Between a booking and the e-waybill service's JSON, both directions. Pure.

use super::wire::Waybill;
use super::words;
use crate::top;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use wharf_connect::{BookRequest, Booked, ConnectError, LabelSource, Settings};
use wharf_domain::address::Region;

/// The carrier of a booking, and the carrier's product where one is named: from the service word, else from the settings.
pub(super) fn carrier(service: &str, settings: &Settings) -> Result<(String, Option<String>), ConnectError> {
    let (code, product) = service.split_once(':').map_or((service, None), |(code, product)| (code, Some(product)));
    let code = code.trim().to_ascii_uppercase();
    let known = words::CARRIERS.iter().any(|(known, _)| *known == code);
    let product = product.map(str::trim).filter(|product| !product.is_empty()).or_else(|| settings.get("product_code")).map(str::to_owned);
    match settings.get("cp_code") {
        _ if known => Ok((code, product)),
        Some(default) => Ok((default.to_ascii_uppercase(), product)),
        None if !code.is_empty() && code.len() < 20 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => Ok((code, product)),
        None => Err(ConnectError::Refused {
            code: "cp_code".into(),
            message: "未指定快递公司：请在电子面单账号中设置默认快递 / no carrier is chosen: set the account's default carrier".into(),
        }),
    }
}

/// The request for one waybill. The client reference is both the request's key and the package id: with the same trades
/// and package id the service gives the same number again.
pub(super) fn apply_request(
    request: &BookRequest,
    settings: &Settings,
    cp_code: &str,
    product: Option<&str>,
    template_url: Option<&str>,
) -> Value {
    let channel = request.orders.first().map(|order| order.channel.as_str()).unwrap_or_default();
    let trades: Vec<String> = match request.orders.is_empty() {
        true => vec![trade_id(&request.client_reference)],
        false => request.orders.iter().map(|order| trade_id(&order.external_id)).take(100).collect(),
    };
    let seller = request.orders.iter().find_map(|order| order.seller_id.clone()).or_else(|| settings.get("user_id").map(str::to_owned));
    let items: Vec<Value> = request.items.iter().take(100).map(|(name, count)| json!({ "name": name, "count": count })).collect();
    let goods: Vec<&str> = request.items.iter().map(|(name, _)| name.as_str()).take(3).collect();
    let [length, width, height] = request.size_mm;
    let personal = &request.recipient.personal;
    let package = object(&[
        ("id", Some(json!(request.client_reference))),
        ("items", Some(Value::Array(items))),
        ("weight", (request.weight_grams > 0).then(|| json!(request.weight_grams))),
        ("volume", (length > 0 && width > 0 && height > 0).then(|| json!((length * width * height) / 1000))),
        ("length", (length > 0).then(|| json!((length + 9) / 10))),
        ("width", (width > 0).then(|| json!((width + 9) / 10))),
        ("height", (height > 0).then(|| json!((height + 9) / 10))),
        (
            "good_value",
            (request.value.minor > 0 && request.value.currency == wharf_domain::money::CNY).then(|| json!(request.value.amount())),
        ),
        ("goods_description", (!goods.is_empty()).then(|| json!(goods.join(",")))),
    ]);
    let recipient = object(&[
        ("name", text(&personal.name)),
        (phone_field(&personal.phone), text(&personal.phone)),
        ("address", Some(address(&request.recipient.region, &personal.address))),
        // A masked recipient is printed in clear by the service itself: the token and its trade stand for it.
        ("oaid", request.recipient.token.as_deref().and_then(text)),
        ("tid", request.recipient.token.as_ref().and_then(|_| request.orders.first()).map(|order| json!(order.external_id))),
    ]);
    let order = object(&[
        ("object_id", Some(json!(request.client_reference))),
        ("logistics_services", settings.get("logistics_services").map(|services| json!(services))),
        ("user_id", seller.map(|id| id.parse::<i64>().map_or_else(|_| json!(id), |number| json!(number)))),
        ("template_url", template_url.map(|url| json!(url))),
        ("order_info", Some(json!({ "order_channels_type": top::order_channel(channel), "trade_order_list": trades }))),
        ("package_info", Some(package)),
        ("recipient", Some(recipient)),
    ]);
    object(&[
        ("cp_code", Some(json!(cp_code))),
        ("product_code", product.map(|product| json!(product))),
        ("brand_code", settings.get("brand_code").map(|code| json!(code))),
        ("customer_code", settings.get("customer_code").map(|code| json!(code))),
        ("shipping_branch_code", settings.get("branch_code").map(|code| json!(code))),
        ("need_encrypt", Some(json!(is_yes(settings.get_or("need_encrypt", "false"))))),
        (
            "sender",
            Some(object(&[
                ("name", text(&request.sender.name)),
                (phone_field(&request.sender.phone), text(&request.sender.phone)),
                ("address", Some(address(&request.sender.region, &request.sender.address))),
            ])),
        ),
        ("trade_order_info_dtos", Some(json!([order]))),
    ])
}

/// Digits, letters, `_` and `-` are all that a trade number may hold there.
pub(super) fn trade_id(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' }).collect()
}

fn is_yes(word: &str) -> bool {
    matches!(word.to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on")
}

/// Mobile numbers have eleven digits and begin with 1; a mask keeps the length. All else is a telephone.
fn phone_field(phone: &str) -> &'static str {
    let main: String = phone.trim().trim_start_matches("+86").trim().to_owned();
    let main = main.split('-').next().unwrap_or_default();
    if main.chars().count() == 11 && main.starts_with(['1', '*']) { "mobile" } else { "phone" }
}

fn address(region: &Region, street: &str) -> Value {
    object(&[
        ("province", text(&region.province)),
        ("city", text(&region.city)),
        ("district", text(&region.district)),
        ("town", text(&region.town)),
        ("detail", text(street)),
    ])
}

fn text(value: &str) -> Option<Value> {
    Some(value.trim()).filter(|v| !v.is_empty()).map(|v| json!(v))
}

/// An object of the parts that are there.
fn object(parts: &[(&str, Option<Value>)]) -> Value {
    Value::Object(parts.iter().filter_map(|(key, value)| Some(((*key).to_owned(), value.clone()?))).collect::<Map<_, _>>())
}

/// A bought waybill; `None` when number or print data are not in it.
pub(super) fn booked(waybill: &Waybill, cp_code: &str) -> Option<Booked> {
    let number = waybill.waybill_code.clone()?;
    let data = waybill.print_data.clone()?;
    let code = waybill.real_cp_code.clone().or_else(|| waybill.cp_code.clone()).unwrap_or_else(|| cp_code.to_owned());
    let fields = readable(&data);
    Some(Booked {
        number,
        carrier_name: words::carrier_name(&code),
        carrier_code: code,
        label: LabelSource::PrintData { data, fields },
        cost: None,
    })
}

/// What our own drawing of a label needs from the print data. Nothing of the recipient is taken, and from encrypted data
/// nothing at all.
fn readable(data: &str) -> BTreeMap<String, String> {
    let parsed: Value = serde_json::from_str(data).unwrap_or_default();
    let at = |path: &str| {
        parsed.pointer(&format!("/data{path}")).and_then(Value::as_str).map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned)
    };
    [
        ("routing_code", at("/routingInfo/routeCode").or_else(|| at("/routingInfo/sortation/name"))),
        ("routing_name", at("/routingInfo/consolidation/name").or_else(|| at("/routingInfo/sortation/name"))),
        ("sortation", at("/routingInfo/sortation/name")),
        ("origin", at("/routingInfo/origin/name").or_else(|| at("/routingInfo/origin/code"))),
        ("branch", at("/routingInfo/receiveBranch/name").or_else(|| at("/routingInfo/receiveBranch/code"))),
        ("service", at("/shippingOption/title")),
        ("template_url", parsed.get("templateURL").and_then(Value::as_str).map(str::to_owned)),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key.to_owned(), value?)))
    .collect()
}

/// The package id inside print data; `None` when it is encrypted.
pub(super) fn package_id(data: &str) -> Option<String> {
    let parsed: Value = serde_json::from_str(data).ok()?;
    parsed.pointer("/data/packageInfo/id").and_then(Value::as_str).map(str::to_owned)
}
