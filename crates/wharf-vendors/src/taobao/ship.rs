//! Telling the platform that a parcel left. Every way through here may be repeated: what is shipped already is recognised
//! by comparing numbers, and a second send with the same number changes nothing.

use super::wire::{LogisticsCompany, Order, Shipping, Trade};
use super::{map, pull, words};
use crate::top::Top;
use std::collections::BTreeSet;
use wharf_connect::{Confirmed, ConnectError, ShipmentConfirmation};
use wharf_domain::order::ChannelStatus;
use wharf_domain::word::Observed;

const STATE_FIELDS: &str = "tid,tid_str,status,consign_time,invoice_no,logistics_company,orders";
/// Most lines that the online call takes.
const MOST_LINES_ONLINE: usize = 20;
/// Most lines that the offline call takes.
const MOST_LINES_OFFLINE: usize = 50;

/// One of the two calls that ship at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Online,
    Offline,
}

/// See [`wharf_connect::Channel::confirm_shipment`].
pub(super) async fn confirm(top: &Top<'_>, shipment: &ShipmentConfirmation) -> Result<Confirmed, ConnectError> {
    let number = shipment.number.trim();
    if number.is_empty() {
        return Err(ConnectError::Refused {
            code: "out_sid".into(),
            message: "没有运单号，不能发货 / there is no waybill number to confirm".into(),
        });
    }
    let part = match part_of(top, shipment).await? {
        Part::AlreadyShipped => return Ok(Confirmed::Already),
        Part::Whole => Vec::new(),
        Part::Lines(lines) => lines,
    };
    let carrier = carrier_code(top, shipment).await?;
    let offline_first =
        top.call().settings.get_or("ship_method", "online").eq_ignore_ascii_case("offline") || part.len() > MOST_LINES_ONLINE;
    let way = if offline_first { Way::Offline } else { Way::Online };
    let mut sent = send(top, way, shipment, &carrier, &part).await;
    if way == Way::Online && refusal(&sent) == Some(words::NO_SHIPPING_ORDER) {
        sent = send(top, Way::Offline, shipment, &carrier, &part).await;
    }
    match sent {
        Err(ConnectError::Refused { code, message }) if words::MAYBE_SHIPPED.contains(&words::number(&code)) => {
            compare(top, shipment, code, message).await
        }
        other => other,
    }
}

/// What of an order a confirmation names.
enum Part {
    /// All that is left of it, or all of it: no split.
    Whole,
    /// Some lines.
    Lines(Vec<String>),
    /// Every named line carries this number already.
    AlreadyShipped,
}

/// The split rule: the flag and the lines together, or neither. Only the trade knows whether the named lines are all of
/// it, so it is read first when lines are named at all.
async fn part_of(top: &Top<'_>, shipment: &ShipmentConfirmation) -> Result<Part, ConnectError> {
    if shipment.lines.is_empty() {
        return Ok(Part::Whole);
    }
    let trade = pull::trade(top, &shipment.external_id, STATE_FIELDS).await?;
    let named: BTreeSet<&str> = shipment.lines.iter().map(|(id, _)| id.as_str()).collect();
    let known: BTreeSet<&str> = trade.orders.iter().filter_map(Order::id).collect();
    if let Some(stranger) = named.iter().find(|id| !known.contains(*id)) {
        return Err(ConnectError::Refused {
            code: "sub_tid".into(),
            message: format!("子订单 {stranger} 不属于交易 {} / the platform knows no such line of this order", shipment.external_id),
        });
    }
    let lines: Vec<&Order> = trade.orders.iter().filter(|order| order.id().is_some_and(|id| named.contains(id))).collect();
    if let Some(theirs) = lines.iter().filter_map(|order| order.invoice_no.as_deref()).find(|theirs| !same_number(theirs, &shipment.number))
    {
        return Err(another_number(
            "shipped_with_another_number".into(),
            "已用其他运单号发货 / shipped before with another number",
            theirs,
            &shipment.number,
        ));
    }
    let (told, mut lines): (Vec<&Order>, Vec<&Order>) = lines.into_iter().partition(|order| has_number(order, &shipment.number));
    if lines.is_empty() && !told.is_empty() {
        return Ok(Part::AlreadyShipped);
    }
    lines.sort_by_key(|order| order.id());
    for order in &lines {
        let left_behind: Vec<String> =
            order.bound().into_iter().filter(|id| known.contains(id.as_str()) && !named.contains(id.as_str())).collect();
        if !left_behind.is_empty() {
            return Err(ConnectError::Refused {
                code: "bind_oids".into(),
                message: format!(
                    "子订单须一起发货 / these lines must be sent in one parcel: {} + {}",
                    order.id().unwrap_or_default(),
                    left_behind.join(", ")
                ),
            });
        }
    }
    let open = |order: &&Order| !is_closed(order) && !has_left(order);
    let all_open_are_named = trade.orders.iter().filter(open).all(|order| order.id().is_some_and(|id| named.contains(id)));
    let untouched = !trade.orders.iter().any(has_left);
    if all_open_are_named && untouched {
        return Ok(Part::Whole);
    }
    let ids: Vec<String> = lines.iter().filter_map(|order| order.id()).map(str::to_owned).collect();
    if ids.len() > MOST_LINES_OFFLINE {
        return Err(ConnectError::Refused {
            code: "sub_tid".into(),
            message: format!("一次拆单发货最多 {MOST_LINES_OFFLINE} 个子订单 / at most {MOST_LINES_OFFLINE} lines in one split parcel"),
        });
    }
    Ok(Part::Lines(ids))
}

fn is_closed(order: &Order) -> bool {
    order.status.as_deref().is_some_and(|word| words::observe(words::STATUS, word) == Observed::Known(ChannelStatus::Cancelled))
}

fn has_left(order: &Order) -> bool {
    order.invoice_no.is_some() || order.consign_time.is_some()
}

fn has_number(order: &Order, number: &str) -> bool {
    order.invoice_no.as_deref().is_some_and(|theirs| same_number(theirs, number))
}

/// Carriers print numbers in capitals; platforms keep them as typed.
fn same_number(left: &str, right: &str) -> bool {
    left.trim().eq_ignore_ascii_case(right.trim())
}

fn refusal(result: &Result<Confirmed, ConnectError>) -> Option<&str> {
    match result {
        Err(ConnectError::Refused { code, .. }) => Some(words::number(code)),
        _ => None,
    }
}

async fn send(top: &Top<'_>, way: Way, shipment: &ShipmentConfirmation, carrier: &str, part: &[String]) -> Result<Confirmed, ConnectError> {
    let method = match way {
        Way::Online => "taobao.logistics.online.send",
        Way::Offline => "taobao.logistics.offline.send",
    };
    let mut params =
        vec![("tid", shipment.external_id.clone()), ("out_sid", shipment.number.trim().to_owned()), ("company_code", carrier.to_owned())];
    if !part.is_empty() {
        params.push(("is_split", "1".into()));
        params.push(("sub_tid", part.join(",")));
    }
    let answer = top.write(method, &params).await?;
    let shipping = match answer.get::<crate::top::wire::Maybe<Shipping>>("shipping")?.0 {
        Some(shipping) => shipping,
        None => answer.whole::<Shipping>()?,
    };
    match shipping.is_success {
        Some(true) => Ok(Confirmed::Accepted { receipt: answer.request_id() }),
        Some(false) => Err(ConnectError::Refused {
            code: "is_success".into(),
            message: "平台未接受发货 / the platform did not take the shipment".into(),
        }),
        None => Err(ConnectError::Unsure(format!("{method}: the answer does not say whether it worked"))),
    }
}

/// "Already shipped": with our number it is done; with another a person must decide.
async fn compare(top: &Top<'_>, shipment: &ShipmentConfirmation, code: String, message: String) -> Result<Confirmed, ConnectError> {
    let trade = pull::trade(top, &shipment.external_id, STATE_FIELDS).await.map_err(|error| match error {
        // The parcel may well be there under our number: not known until the trade can be read.
        ConnectError::Refused { .. } | ConnectError::Drift(_) => {
            ConnectError::Unsure(format!("{message} [{code}]; and the trade cannot be read: {error}"))
        }
        other => other,
    })?;
    let theirs = numbers_of(&trade, shipment);
    if theirs.is_empty() {
        return Err(ConnectError::Refused { code, message });
    }
    if theirs.iter().all(|number| same_number(number, &shipment.number)) {
        return Ok(Confirmed::Already);
    }
    Err(another_number(code, &message, &theirs.join(", "), &shipment.number))
}

fn another_number(code: String, words: &str, theirs: &str, ours: &str) -> ConnectError {
    let ours = ours.trim();
    ConnectError::Refused {
        code,
        message: format!("{words}: 平台上的运单号 {theirs}，我们的运单号 {ours} / the platform has {theirs}, ours is {ours}"),
    }
}

/// The numbers that the platform has for what the confirmation names. A named line that has not left counts with a blank.
fn numbers_of(trade: &Trade, shipment: &ShipmentConfirmation) -> Vec<String> {
    let parcels = map::shipments(trade);
    if parcels.is_empty() {
        return Vec::new();
    }
    let mut numbers: BTreeSet<String> = BTreeSet::new();
    if shipment.lines.is_empty() {
        numbers.extend(parcels.into_iter().map(|parcel| parcel.number));
    } else {
        for (id, _) in &shipment.lines {
            let parcel = parcels.iter().find(|parcel| parcel.line_ids.is_empty() || parcel.line_ids.contains(id));
            numbers.insert(parcel.map_or_else(|| "—".to_owned(), |parcel| parcel.number.clone()));
        }
    }
    numbers.into_iter().collect()
}

/// The platform's code of a carrier: ours where it is one of its own, else found in its list by code or name, else its
/// code for all others.
async fn carrier_code(top: &Top<'_>, shipment: &ShipmentConfirmation) -> Result<String, ConnectError> {
    let code = shipment.carrier_code.trim().to_ascii_uppercase();
    if words::CARRIERS.contains(&code.as_str()) {
        return Ok(code);
    }
    let answer = top.read("taobao.logistics.companies.get", &[("fields", "id,code,name,reg_mail_no".into())]).await?;
    let companies: Vec<LogisticsCompany> = answer.get("logistics_companies")?;
    let coded = |wanted: &str| companies.iter().filter_map(|company| company.code.clone()).find(|known| known.eq_ignore_ascii_case(wanted));
    let name = shipment.carrier_name.trim();
    let named = || {
        let alike = |known: &str| !name.is_empty() && (known == name || known.starts_with(name) || name.starts_with(known));
        companies.iter().find(|company| company.name.as_deref().is_some_and(alike)).and_then(|company| company.code.clone())
    };
    Ok(Some(code)
        .filter(|code| !code.is_empty())
        .and_then(|code| coded(&code))
        .or_else(named)
        .unwrap_or_else(|| words::OTHER_CARRIER.to_owned()))
}
