//! The waybill service's side of the wire: it sells a number once for the same orders and package, takes it back until the
//! parcel is picked up, and gives print data, plain or sealed.

use crate::top::sandbox::{Ask, COMPANIES, Company, No, PATH, account, answer, list};
use base64::Engine;
use serde_json::{Map, Value, json};
use wharf_connect::sandbox::Sandbox;
use wharf_connect::sign::{hmac_sha256_hex_upper, md5_hex_upper};
use wharf_connect::world::parcels::{Purchase, Waybill};
use wharf_connect::world::{Command, Done, Refusal, World};
use wharf_connect::{Credentials, Settings, Vendor, WireRequest, WireResponse};
use wharf_domain::time::Timestamp;

/// The service's side of this vendor's wire.
pub(super) struct Service;

/// Its one instance.
pub(super) static SANDBOX: Service = Service;

impl Sandbox for Service {
    fn handle(&self, world: &World, now: Timestamp, request: &WireRequest) -> WireResponse {
        answer(world, now, super::VENDOR.manifest().id, request, &[], operate)
    }
    fn account(&self, world: &World, shop: &str) -> Option<(Credentials, Settings)> {
        let (credentials, mut settings) = account(world, shop)?;
        // The service wants the seller's number with every parcel, also with one of another channel.
        let seller = world.read(|m| m.shop(shop).map(|s| s.seller_id))?;
        settings.0.insert("user_id".into(), seller.to_string());
        Some((credentials, settings))
    }
    fn base_path(&self) -> &'static str {
        PATH
    }
}

fn operate(ask: &Ask<'_>) -> Option<Result<Value, No>> {
    Some(match ask.method.as_str() {
        "cainiao.waybill.ii.get" => get(ask),
        "cainiao.waybill.ii.update" => update(ask),
        "cainiao.waybill.ii.cancel" => cancel(ask),
        "cainiao.waybill.ii.search" => search(ask),
        "cainiao.waybill.ii.query.by.waybillcode" => by_number(ask),
        "cainiao.waybill.ii.query.by.tradecode" => by_order(ask),
        "cainiao.cloudprint.stdtemplates.get" => templates(),
        crate::top::TRACE_METHOD => crate::top::sandbox_trace::trace(ask),
        _ => return None,
    })
}

fn refused(text: &str) -> No {
    No::business("isv.waybill-apply-error", text)
}

/// A text of a JSON object, numbers included.
fn text(value: &Value, path: &[&str]) -> String {
    let found = path.iter().try_fold(value, |at, key| at.get(key));
    match found {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The places a sender may be at: waybills are sold only there.
fn sender_places() -> Vec<[&'static str; 6]> {
    vec![
        ["浙江省", "杭州市", "余杭区", "仓前街道", "海曙路58号1号库", "300001"],
        ["四川省", "成都市", "双流区", "西航港街道", "空港二路66号3栋", "300002"],
        ["广东省", "广州市", "白云区", "太和镇", "大源南路12号B座", "300003"],
    ]
}

/// The carriers with e-waybills.
fn carriers() -> impl Iterator<Item = &'static Company> {
    COMPANIES.iter().filter(|c| c.waybill().is_some() && !c.code.starts_with("DISTRIBUTOR"))
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn get(ask: &Ask<'_>) -> Result<Value, No> {
    let shop = ask.shop()?;
    let wish = ask.json("param_waybill_cloud_print_apply_new_request")?;
    let code = text(&wish, &["cp_code"]);
    let carrier = carriers().find(|c| c.code == code).ok_or_else(|| refused("物流公司编码不正确或未开通电子面单"))?;
    let (prefix, digits) = carrier.waybill().ok_or_else(|| refused("物流公司未开通电子面单"))?;
    let sender = wish.get("sender").cloned().unwrap_or(Value::Null);
    if text(&sender, &["name"]).is_empty() || (text(&sender, &["mobile"]).is_empty() && text(&sender, &["phone"]).is_empty()) {
        return Err(refused("发货人姓名和联系方式不能为空"));
    }
    let place = |key: &str| text(&sender, &["address", key]);
    if !sender_places()
        .iter()
        .any(|p| p[0] == place("province") && p[1] == place("city") && p[2] == place("district") && p[4] == place("detail"))
    {
        return Err(refused("发货地址未在网点订购,请使用查询接口返回的地址"));
    }
    let parcels = match wish.get("trade_order_info_dtos") {
        Some(Value::Array(parcels)) if (1..=10).contains(&parcels.len()) => parcels.clone(),
        Some(Value::Array(_)) => return Err(refused("请求面单信息数量必须为1到10")),
        _ => return Err(refused("请求面单信息不能为空")),
    };
    let mut purchases = Vec::new();
    for parcel in &parcels {
        purchases.push((text(parcel, &["object_id"]), purchase(ask, shop, carrier, prefix, digits, &wish, parcel)?));
    }
    let mut rows = Vec::new();
    for (object_id, purchase) in purchases {
        let done = ask.world.apply(Command::BuyWaybill(Box::new(purchase))).map_err(|refusal| match refusal {
            Refusal::NoBalance(_) => refused("电子面单余额不足"),
            Refusal::Broken => No::broken(),
            other => refused(&other.to_string()),
        })?;
        let Done::Waybill(index) = done else { return Err(No::broken()) };
        rows.push(ask.world.read(|m| {
            let waybill = &m.waybills[index];
            json!({
                "object_id": object_id, "waybill_code": waybill.number, "cp_code": waybill.carrier, "real_cp_code": waybill.carrier,
                "extra_info": "", "print_data": print_data(waybill, &m.shops[shop as usize].app_secret),
            })
        }));
    }
    Ok(json!({ "modules": list("waybill_cloud_print_response", rows) }))
}

fn purchase(ask: &Ask<'_>, shop: u32, carrier: &Company, prefix: &str, digits: u32, wish: &Value, parcel: &Value) -> Result<Purchase, No> {
    let orders: Vec<String> = match parcel.get("order_info").and_then(|o| o.get("trade_order_list")) {
        Some(Value::Array(ids)) => ids.iter().map(|id| text(id, &[])).collect(),
        // A list of one may come as a bare text.
        Some(one) => text(one, &[]).split(',').map(str::to_owned).collect(),
        None => Vec::new(),
    };
    if orders.is_empty() || orders.len() > 100 || !orders.iter().all(|id| is_id(id)) {
        return Err(refused("订单号列表不正确"));
    }
    if text(parcel, &["order_info", "order_channels_type"]).is_empty() {
        return Err(refused("订单渠道不能为空"));
    }
    let items = parcel.get("package_info").and_then(|p| p.get("items")).and_then(Value::as_array).cloned().unwrap_or_default();
    if items.is_empty() || items.len() > 100 || items.iter().any(|i| text(i, &["name"]).is_empty()) {
        return Err(refused("包裹商品信息不正确"));
    }
    let package = text(parcel, &["package_info", "id"]);
    if !package.is_empty() && !is_id(&package) {
        return Err(refused("包裹号格式不正确"));
    }
    let to = |path: &[&str]| text(parcel.get("recipient").unwrap_or(&Value::Null), path);
    if to(&["name"]).is_empty() || to(&["address", "province"]).is_empty() || to(&["address", "detail"]).is_empty() {
        return Err(refused("收件人信息不完整"));
    }
    if to(&["mobile"]).is_empty() && to(&["phone"]).is_empty() {
        return Err(refused("收件人联系方式不能为空"));
    }
    // Masked data can be delivered to only by its token and its trade.
    let masked = [to(&["name"]), to(&["mobile"]), to(&["address", "detail"])].iter().any(|t| t.contains('*'));
    if masked && (to(&["oaid"]).is_empty() || to(&["tid"]).is_empty()) && to(&["caid"]).is_empty() {
        return Err(refused("收件人信息为密文,必须传oaid和tid"));
    }
    if text(parcel, &["user_id"]).is_empty() {
        return Err(refused("使用者ID不能为空"));
    }
    if !text(parcel, &["template_url"]).starts_with("http") {
        return Err(refused("模板URL不正确"));
    }
    Ok(Purchase {
        at: ask.now,
        shop,
        carrier: carrier.code.to_owned(),
        prefix: prefix.to_owned(),
        digits,
        orders,
        package,
        from_city: text(wish, &["sender", "address", "city"]),
        request: json!({ "sender": wish.get("sender"), "parcel": parcel, "sealed": wish.get("need_encrypt") == Some(&Value::Bool(true)) }),
    })
}

/// The print data in the form in which it was asked for when the waybill was bought.
fn print_data(waybill: &Waybill, secret: &str) -> String {
    let sealed = waybill.request.get("sealed") == Some(&Value::Bool(true));
    let parcel = waybill.request.get("parcel").cloned().unwrap_or(Value::Null);
    let template = text(&parcel, &["template_url"]);
    let recipient = parcel.get("recipient").cloned().unwrap_or(Value::Null);
    let (city, district) = (text(&recipient, &["address", "city"]), text(&recipient, &["address", "district"]));
    let zone = u32::from_str_radix(&md5_hex_upper(city.as_bytes())[..6], 16).unwrap_or(0);
    let branch = u32::from_str_radix(&md5_hex_upper(district.as_bytes())[..6], 16).unwrap_or(0);
    let mut to = Map::new();
    to.insert("name".into(), json!(text(&recipient, &["name"])));
    to.insert("mobile".into(), json!(text(&recipient, &["mobile"])));
    let mut address = recipient.get("address").cloned().unwrap_or(Value::Null);
    // What came behind a token stays cipher text, in the plain form too.
    let token = text(&recipient, &["oaid"]);
    if !token.is_empty() {
        let seal = |what: &str| format!("AES:{}", &hmac_sha256_hex_upper(secret.as_bytes(), format!("{what}{token}").as_bytes())[..32]);
        if let Value::Object(fields) = &mut address {
            fields.insert("detail".into(), json!(seal("detail")));
        }
        to.insert("secretConsigneeMobile".into(), json!(seal("mobile")));
        to.insert("tid".into(), json!(text(&recipient, &["tid"])));
    }
    to.insert("address".into(), address);
    let items = parcel.get("package_info").and_then(|p| p.get("items")).cloned().unwrap_or(Value::Null);
    let data = json!({
        "_dataFrom": "waybill", "adsInfo": { "adsId": "", "advertisementType": "", "bannerUrl": "" }, "cpCode": waybill.carrier, "extraInfo": {},
        "needEncrypt": sealed, "orderChannelsType": text(&parcel, &["order_info", "order_channels_type"]),
        "packageInfo": {
            "id": waybill.package, "items": items, "volume": text(&parcel, &["package_info", "volume"]).parse::<i64>().unwrap_or(1),
            "weight": text(&parcel, &["package_info", "weight"]).parse::<i64>().unwrap_or(0), "totalPackagesCount": 0,
        },
        "recipient": to,
        "routingInfo": {
            "consolidation": { "name": format!("{}集包", city.trim_end_matches('市')) },
            "origin": { "code": "571001", "name": format!("{}网点", waybill.from_city.trim_end_matches('市')) },
            "receiveBranch": { "code": format!("{:06}", branch % 1_000_000) },
            "routeCode": format!("{:03}-{:03}-{:03}", zone % 900 + 100, branch % 1000, zone / 1000 % 1000),
            "sortation": { "name": format!("{:03}", zone % 900 + 100) },
            "startCenter": {}, "terminalCenter": {},
        },
        "sender": waybill.request.get("sender").cloned().unwrap_or(Value::Null),
        "shippingOption": { "code": "STANDARD_EXPRESS", "title": "标准快递" }, "waybillCode": waybill.number,
    });
    let signed = |content: &str| {
        let digest = hex::decode(md5_hex_upper(format!("{content}{secret}").as_bytes())).unwrap_or_default();
        format!("MD:{}", base64::engine::general_purpose::STANDARD.encode(digest))
    };
    let ver = "waybill_print_secret_version_1";
    if sealed {
        let cipher = format!("AES:{}", base64::engine::general_purpose::STANDARD.encode(data.to_string()));
        json!({ "encryptedData": cipher, "signature": signed(&cipher), "templateURL": template, "ver": ver }).to_string()
    } else {
        json!({ "data": data, "signature": signed(&data.to_string()), "templateURL": template, "ver": ver }).to_string()
    }
}

/// The waybill of the caller's own shop.
fn own<T>(ask: &Ask<'_>, number: &str, look: impl FnOnce(&Waybill, &str) -> T) -> Result<T, No> {
    let shop = ask.shop()?;
    let seen = ask.world.read(|m| {
        let waybill = m.waybill_index(number).ok().map(|i| &m.waybills[i]).filter(|w| w.shop == shop)?;
        Some(look(waybill, &m.shops[shop as usize].app_secret))
    });
    seen.ok_or_else(|| No::business("isv.waybill-not-exist", "面单号不存在"))
}

fn update(ask: &Ask<'_>) -> Result<Value, No> {
    let wish = ask.json("param_waybill_cloud_print_update_request")?;
    let number = text(&wish, &["waybill_code"]);
    let (carrier, voided, mut request) = own(ask, &number, |w, _| (w.carrier.clone(), w.voided_at.is_some(), w.request.clone()))?;
    if carrier != text(&wish, &["cp_code"]) {
        return Err(No::business("isv.waybill-update-error", "物流公司编码与面单不符"));
    }
    if voided {
        return Err(No::business("isv.waybill-update-error", "面单已取消"));
    }
    if let Some(sender) = wish.get("sender") {
        request["sender"] = sender.clone();
    }
    for part in ["recipient", "package_info", "template_url"] {
        if let Some(new) = wish.get(part) {
            request["parcel"][part] = new.clone();
        }
    }
    ask.world.apply(Command::ChangeWaybill { number: number.clone(), request }).map_err(|_| No::broken())?;
    own(ask, &number, |w, secret| json!({ "waybill_code": w.number, "print_data": print_data(w, secret) }))
}

fn cancel(ask: &Ask<'_>) -> Result<Value, No> {
    let shop = ask.shop()?;
    let code = ask.need("cp_code")?;
    let number = ask.need("waybill_code")?;
    let carrier = own(ask, number, |w, _| w.carrier.clone())?;
    if carrier != code {
        return Err(No::business("isv.waybill-cancel-error", "物流公司编码与面单不符"));
    }
    match ask.world.apply(Command::VoidWaybill { at: ask.now, shop, number: number.to_owned() }) {
        Ok(_) => Ok(json!({ "cancel_result": true })),
        Err(Refusal::PickedUp) => Err(No::business("isv.waybill-cancel-error", "面单已揽收,不能取消")),
        Err(Refusal::Broken) => Err(No::broken()),
        Err(other) => Err(No::business("isv.waybill-cancel-error", other.to_string())),
    }
}

fn search(ask: &Ask<'_>) -> Result<Value, No> {
    let shop = ask.shop()?;
    let wanted = ask.get("cp_code");
    Ok(ask.world.read(|m| {
        let rows = carriers()
            .filter(|c| wanted.is_none_or(|w| w == c.code))
            .map(|company| {
                let used: Vec<&Waybill> = m.waybills.iter().filter(|w| w.shop == shop && w.carrier == company.code).collect();
                let cancelled = used.iter().filter(|w| w.voided_at.is_some()).count();
                let left = m.balances.get(company.code).copied().unwrap_or(99_999 - used.len() as i64 % 50_000);
                let places = sender_places()
                    .iter()
                    .map(|p| json!({ "province": p[0], "city": p[1], "district": p[2], "town": p[3], "detail": p[4], "waybill_address_id": p[5] }))
                    .collect();
                let direct = ["SF", "EMS", "EYB"].contains(&company.code);
                let branch = json!({
                    "branch_code": "571001", "branch_name": "杭州余杭网点", "branch_status": 1, "quantity": left, "allocated_quantity": used.len(),
                    "cancel_quantity": cancelled, "print_quantity": used.len() - cancelled, "segment_code": "NORMAL", "brand_code": "default",
                    "shipp_address_cols": list("address_dto", places),
                });
                json!({
                    "cp_code": company.code, "cp_type": if direct { 1 } else { 2 },
                    "branch_account_cols": list("waybill_branch_account", vec![branch]),
                })
            })
            .collect();
        json!({ "waybill_apply_subscription_cols": list("waybill_apply_subscription_info", rows) })
    }))
}

/// One row of the query answers.
fn row(object_id: &str, found: Option<(&Waybill, &str)>) -> Value {
    match found {
        Some((waybill, secret)) => json!({
            "object_id": object_id, "success": true, "error_code": "", "error_message": "",
            "waybill_cloud_print_response": { "waybill_code": waybill.number, "cp_code": waybill.carrier, "print_data": print_data(waybill, secret) },
        }),
        None => {
            json!({ "object_id": object_id, "success": false, "error_code": "waybill_not_exist", "error_message": "面单不存在或已取消" })
        }
    }
}

/// The queries of a `param_list`, at most `limit`.
fn queries(ask: &Ask<'_>, limit: usize) -> Result<Vec<Value>, No> {
    match ask.json("param_list")? {
        Value::Array(rows) if (1..=limit).contains(&rows.len()) => Ok(rows),
        Value::Array(_) => Err(No::invalid("param_list", "查询数量超过限制")),
        one @ Value::Object(_) => Ok(vec![one]),
        _ => Err(No::invalid("param_list", "参数必须为数组")),
    }
}

fn by_number(ask: &Ask<'_>) -> Result<Value, No> {
    let shop = ask.shop()?;
    let wanted = queries(ask, 20)?;
    Ok(ask.world.read(|m| {
        let secret = m.shops[shop as usize].app_secret.as_str();
        let rows = wanted
            .iter()
            .map(|query| {
                let (number, code) = (text(query, &["waybill_code"]), text(query, &["cp_code"]));
                let found = m.waybill_index(&number).ok().map(|i| &m.waybills[i]);
                row(
                    &text(query, &["object_id"]),
                    found.filter(|w| w.shop == shop && w.carrier == code && w.voided_at.is_none()).map(|w| (w, secret)),
                )
            })
            .collect();
        json!({ "modules": list("waybill_cloud_print_with_result_desc_response", rows) })
    }))
}

fn by_order(ask: &Ask<'_>) -> Result<Value, No> {
    let shop = ask.shop()?;
    let wanted = queries(ask, 10)?;
    Ok(ask.world.read(|m| {
        let secret = m.shops[shop as usize].app_secret.as_str();
        let mut rows = Vec::new();
        for query in &wanted {
            let object_id = text(query, &["object_id"]);
            let codes: Vec<String> = match ["biz_sub_code", "trade_order_list", "trade_order_code"].iter().find_map(|name| query.get(*name))
            {
                Some(Value::Array(ids)) => ids.iter().map(|id| text(id, &[])).collect(),
                Some(one) => text(one, &[]).split(',').map(str::to_owned).collect(),
                None => Vec::new(),
            };
            let code = text(query, &["cp_code"]);
            let before = rows.len();
            let mut seen: Vec<&str> = Vec::new();
            for order in &codes {
                for waybill in m.waybills_of(shop, order).filter(|w| w.voided_at.is_none() && (code.is_empty() || w.carrier == code)) {
                    if !seen.contains(&waybill.number.as_str()) {
                        seen.push(&waybill.number);
                        rows.push(row(&object_id, Some((waybill, secret))));
                    }
                }
            }
            if rows.len() == before {
                rows.push(row(&object_id, None));
            }
        }
        json!({ "modules": list("waybill_cloud_print_with_result_desc_response", rows) })
    }))
}

fn templates() -> Result<Value, No> {
    let rows = carriers()
        .map(|company| {
            json!({ "cp_code": company.code, "standard_templates": list("standard_template_do", vec![json!({
                "standard_template_id": company.id, "standard_template_name": format!("{}标准二联", company.name),
                "standard_template_url": format!("http://cloudprint.cainiao.com/template/standard/{}/1", company.id),
                "standard_waybill_type": 1, "brand_code": "default",
            })]) })
        })
        .collect();
    Ok(json!({ "result": { "success": true, "error_code": "", "error_message": "", "datas": list("standard_template_result", rows) } }))
}
