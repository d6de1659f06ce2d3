//! Shipping on the platform's side: declarations that take effect once, corrections, scans, and the errors by which it
//! refuses.

use super::sandbox::with_trade;
use crate::top::sandbox::{Ask, COMPANIES, Company, No, Record, list};
use crate::top::sandbox_trace::split_lines;
use serde_json::{Value, json};
use wharf_connect::world::parcels::{Correction, Declaration};
use wharf_connect::world::{Command, OrderState, Refusal};

/// The two ways to say that a parcel left.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Offline,
    Online,
}

impl Way {
    fn error(self, code: &str, text: &str) -> No {
        let way = if self == Way::Offline { "offline" } else { "online" };
        No::business(format!("isv.logistics-{way}-service-error:{code}"), text)
    }
    fn refusal(self, refusal: Refusal) -> No {
        match refusal {
            Refusal::OrderNotFound(_) => self.error("B01", "订单不存在"),
            Refusal::AlreadyShipped => self.error("B04", "订单不能重复发货"),
            Refusal::WrongState(OrderState::ClosedRefunded | OrderState::ClosedUnpaid) => self.error("B55", "订单已关闭,不能发货"),
            Refusal::WrongState(_) => self.error("B02", "订单状态不正确,不能发货"),
            Refusal::LinesMismatch(why) if why.contains("named") => self.error("P25", "拆单发货的后续包裹必须指定子订单"),
            Refusal::LinesMismatch(_) | Refusal::LineNotFound(_) => self.error("B06", "子订单与包裹不匹配"),
            Refusal::NumberUsed(_) => self.error("B60", "运单号不符合规则或已经被使用"),
            Refusal::Broken => No::broken(),
            other => self.error("B150", &other.to_string()),
        }
    }
}

/// Carrier and number as they must be.
fn number_of<'a>(number: &'a str, company: &'a str, error: &impl Fn(&str, &str) -> No, format: &str) -> Result<(&'a str, &'a str), No> {
    if number.is_empty() {
        return Err(error("B59", "运单号不能为空"));
    }
    let known = Company::of(company).ok_or_else(|| error("B56", "物流公司不存在"))?;
    if !known.fits(number) {
        return Err(error(format, "运单号不符合规则或已经被使用"));
    }
    Ok((number, company))
}

pub(super) fn send(ask: &Ask<'_>, way: Way) -> Result<Value, No> {
    let shop = ask.shop()?;
    let tid = ask.need_number("tid")?;
    let error = |code: &str, text: &str| way.error(code, text);
    let number = match way {
        Way::Offline => ask.need("out_sid")?,
        // Booking first and telling the number later is not offered here: a number must come along.
        Way::Online => ask.get("out_sid").unwrap_or_default(),
    };
    let (number, company) = number_of(number, ask.need("company_code")?, &error, "B60")?;
    let lines = split_lines(ask, if way == Way::Offline { 50 } else { 20 }, error)?;
    let declaration = Declaration {
        at: ask.now,
        shop,
        order: tid,
        lines,
        carrier: company.to_owned(),
        number: number.to_owned(),
        online: way == Way::Online,
    };
    ask.world.apply(Command::Confirm(declaration)).map_err(|r| way.refusal(r))?;
    Ok(json!({ "shipping": { "is_success": true } }))
}

/// Virtual goods only; everything on this market goes into a parcel.
pub(super) fn dummy(ask: &Ask<'_>) -> Result<Value, No> {
    let tid = ask.need_number("tid")?;
    with_trade(ask, tid, |_, _| ())?;
    Err(No::business("isv.logistics-dummy-service-error:B98", "该订单不是虚拟商品,不能无需物流发货"))
}

pub(super) fn resend(ask: &Ask<'_>) -> Result<Value, No> {
    let shop = ask.shop()?;
    let tid = ask.need_number("tid")?;
    let error = |code: &str, text: &str| No::business(format!("isv.logistics-update-company-or-mailno-error:{code}"), text);
    let (number, company) = number_of(ask.need("out_sid")?, ask.need("company_code")?, &error, "P10")?;
    let lines = split_lines(ask, 50, error)?;
    let correction = Correction { at: ask.now, shop, order: tid, lines, carrier: company.to_owned(), number: number.to_owned() };
    ask.world.apply(Command::Correct(correction)).map_err(|refusal| match refusal {
        Refusal::OrderNotFound(_) => error("B01", "订单不存在"),
        Refusal::NotShipped => error("CD19", "订单还没有发货"),
        Refusal::WrongState(_) => error("B02", "订单状态不正确"),
        Refusal::LinesMismatch(_) => error("P25", "有多个包裹,必须指定子订单"),
        Refusal::PickedUp => error("B02", "包裹已签收,不能修改"),
        Refusal::Broken => No::broken(),
        other => error("B150", &other.to_string()),
    })?;
    Ok(json!({ "shipping": { "is_success": true } }))
}

/// Several parcels of one trade in one call. They are declared one after the other; the first refusal ends the call.
pub(super) fn send_packages(ask: &Ask<'_>) -> Result<Value, No> {
    let shop = ask.shop()?;
    let tid = ask.need_number("tid")?;
    let way = Way::Offline;
    let error = |code: &str, text: &str| way.error(code, text);
    let Value::Array(packages) = ask.json("consign_pkgs")? else { return Err(No::invalid("consign_pkgs", "参数必须为数组")) };
    if packages.is_empty() {
        return Err(No::invalid("consign_pkgs", "参数不能为空"));
    }
    let text = |value: &Value, name: &str| match value.get(name) {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let mut declarations = Vec::new();
    for package in &packages {
        let (number, company) = (text(package, "out_sid"), text(package, "company_code"));
        number_of(&number, &company, &error, "B60")?;
        let goods = package.get("goods").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut lines = Vec::new();
        for part in &goods {
            let line: i64 = text(part, "sub_tid").parse().map_err(|_| error("CD24", "拆单发货必须传子订单"))?;
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        if lines.is_empty() && packages.len() > 1 {
            return Err(error("CD24", "拆单发货必须传子订单"));
        }
        declarations.push(Declaration { at: ask.now, shop, order: tid, lines, carrier: company, number, online: false });
    }
    for declaration in declarations {
        ask.world.apply(Command::Confirm(declaration)).map_err(|r| way.refusal(r))?;
    }
    Ok(json!({ "result": { "success": true } }))
}

pub(super) fn companies(ask: &Ask<'_>) -> Result<Value, No> {
    let fields = ask.fields()?;
    let rows = COMPANIES
        .iter()
        .map(|company| {
            let mut row = Record::new(&fields);
            row.put("id", || json!(company.id));
            row.put("code", || json!(company.code));
            row.put("name", || json!(company.name));
            row.put("reg_mail_no", || json!(company.pattern()));
            row.value()
        })
        .collect();
    Ok(json!({ "logistics_companies": list("logistics_company", rows) }))
}

/// The seller's address book: one place that sends, takes back and is the default for both.
pub(super) fn addresses(ask: &Ask<'_>) -> Result<Value, No> {
    let shop = ask.shop()?;
    Ok(json!({ "addresses": list("address_result", vec![json!({
        "contact_id": 51_000_001 + i64::from(shop), "contact_name": "仓管小周", "province": "浙江省", "city": "杭州市", "country": "余杭区",
        "addr": "海曙路58号1号库", "zip_code": "311121", "phone": "", "mobile_phone": "13800000571", "seller_company": "", "memo": "",
        "area_id": 330_110, "send_def": true, "get_def": true, "cancel_def": true, "modify_date": "2026-01-05 10:00:00",
    })]) }))
}
