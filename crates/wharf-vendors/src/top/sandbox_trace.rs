//! Scans on the gateway's side: told by trade to whoever holds the seller's session, whichever member of the family asks.

use super::sandbox::{Ask, Company, No, list};
use super::time;
use serde_json::{Value, json};
use wharf_connect::world::orders::Parcel;
use wharf_connect::world::parcels::ScanKind;

/// The lines named by `is_split` and `sub_tid`: both together, or neither.
pub(crate) fn split_lines(ask: &Ask<'_>, limit: usize, error: impl Fn(&str, &str) -> No) -> Result<Vec<i64>, No> {
    let split = ask.flag("is_split");
    let named = ask.get("sub_tid").unwrap_or_default();
    match (split, named.is_empty()) {
        (true, true) => return Err(error("P25", "拆单发货必须传子订单")),
        (false, false) => return Err(error("P25", "传了子订单时必须指定为拆单发货")),
        _ => {}
    }
    let lines: Vec<i64> = named
        .split(',')
        .map(str::trim)
        .filter(|n| !n.is_empty())
        .map(|n| n.parse().map_err(|_| error("P22", "子订单号格式不正确")))
        .collect::<Result<_, _>>()?;
    if lines.len() > limit {
        return Err(error("P38", "子订单数量超过限制"));
    }
    Ok(lines)
}

/// The scans of one parcel of a trade.
pub(crate) fn trace(ask: &Ask<'_>) -> Result<Value, No> {
    let tid = ask.need_number("tid")?;
    let lines = split_lines(ask, 50, |code, text| No::business(format!("isv.logistics-trace-service-error:{code}"), text))?;
    let shop = ask.shop()?;
    let seen = ask.world.read(|m| {
        let order = m.order(tid).filter(|o| o.shop == shop)?;
        let parcel: Option<&Parcel> =
            order.parcels.iter().filter(|p| p.replaced_by.is_none()).find(|p| lines.is_empty() || lines.iter().any(|l| p.lines.contains(l)));
        parcel.map(|parcel| {
            let scans = m.scans(order, parcel, ask.now);
            let status = match scans.last().map(|s| s.kind) {
                None => "卖家已发货",
                Some(ScanKind::PickedUp) => "已揽收",
                Some(ScanKind::Departed | ScanKind::Arrived) => "运输中",
                Some(ScanKind::OutForDelivery) => "派送中",
                Some(ScanKind::Signed) => "对方已签收",
            };
            let steps = scans
                .iter()
                .map(|scan| json!({ "status_time": time::format(scan.at), "status_desc": scan.text, "action": action(scan.kind) }))
                .collect();
            json!({
                "tid": tid, "out_sid": parcel.number, "company_name": Company::of(&parcel.carrier).map_or(parcel.carrier.as_str(), |c| c.name),
                "status": status, "trace_list": list("transit_step_info", steps),
            })
        })
    });
    seen.ok_or_else(|| No::business("isv.logistics-order-not-exist:tid", "物流订单不存在"))
}

fn action(kind: ScanKind) -> &'static str {
    match kind {
        ScanKind::PickedUp => "GOT",
        ScanKind::Departed => "DEPARTURE",
        ScanKind::Arrived => "ARRIVAL",
        ScanKind::OutForDelivery => "SENT_SCAN",
        ScanKind::Signed => "SIGNED",
    }
}
