//! A trade of the platform as a neutral order. Pure. What an order cannot do without is checked here; what is missing or
//! unreadable becomes an [`Unread`] and the order is parked, never guessed.

use super::wire::{Order, Trade};
use super::{promise, words};
use crate::top::wire::Unread;
use serde_json::Value;
use wharf_domain::address::{PersonalData, Recipient, Region};
use wharf_domain::money::{CNY, Money};
use wharf_domain::order::channel::{ChannelBuyer, ChannelHold, ChannelLine, ChannelOrder, ChannelShipment};
use wharf_domain::order::{ChannelStatus, FulfilledBy, LineRefund, Payment};
use wharf_domain::time::Timestamp;
use wharf_domain::word::Observed;

/// The neutral order of a trade. `raw` is the trade as it came.
pub(super) fn order(trade: &Trade, raw: Vec<u8>) -> Result<ChannelOrder, Unread> {
    let external_id = id(trade.id(), "tid")?;
    let word = trade.status.clone().ok_or(Unread::missing("status"))?;
    let placed_at = trade.created.ok_or(Unread::missing("created"))?;
    let modified_at = trade.modified.ok_or(Unread::missing("modified"))?;
    if trade.orders.is_empty() {
        return Err(Unread::missing("orders"));
    }
    let (status, step_hold) = status(trade, &word);
    let closed = status == Observed::Known(ChannelStatus::Cancelled);
    let mut lines = Vec::with_capacity(trade.orders.len());
    let mut unallotted_discount = false;
    for (index, sub_order) in trade.orders.iter().enumerate() {
        let line = line(sub_order, &word, closed).map_err(|unread| unread.within(format!("orders[{index}]")))?;
        unallotted_discount |= sub_order.divide_order_fee.is_none() && sub_order.part_mjz_discount.is_none();
        lines.push(line);
    }
    let total_minor = yuan(trade.payment.as_deref(), "payment")?.ok_or(Unread::missing("payment"))?;
    let shipping_minor = yuan(trade.post_fee.as_deref(), "post_fee")?.unwrap_or(0);
    // Where the lines carry their share of the trade's discount nothing is left to take off.
    let discount_minor = if unallotted_discount { yuan(trade.discount_fee.as_deref(), "discount_fee")?.unwrap_or(0) } else { 0 };
    let cash_on_delivery = trade.r#type.as_deref() == Some("cod");
    let payment = payment(trade, &status, &word, &lines);
    let mut do_not_ship = holds(trade, &word);
    do_not_ship.extend(step_hold);
    do_not_ship.extend(trade.orders.iter().filter_map(unknown_refund));
    do_not_ship.dedup();
    Ok(ChannelOrder {
        external_id,
        observed_status: word,
        status,
        modified_at,
        placed_at,
        paid_at: trade.pay_time,
        ship_by: ship_by(trade),
        shipped_at: trade.consign_time,
        closed_at: trade.end_time,
        payment,
        cash_on_delivery,
        fulfilled_by: fulfilled_by(trade),
        do_not_ship,
        buyer: ChannelBuyer { external_id: trade.buyer_open_uid.clone(), nick: trade.buyer_nick.clone().unwrap_or_default() },
        recipient: recipient(trade),
        currency: CNY,
        total_minor,
        shipping_minor,
        tax_minor: 0,
        discount_minor,
        buyer_note: trade.buyer_message.clone().unwrap_or_default(),
        seller_note: trade.seller_memo.clone().unwrap_or_default(),
        seller_flag: trade.seller_flag,
        urgent: urgent(trade),
        tags: tags(trade, cash_on_delivery),
        shipments: shipments(trade),
        lines,
        raw,
    })
}

fn id(id: Option<&str>, field: &str) -> Result<String, Unread> {
    match id {
        Some(id) if !id.is_empty() && !id.contains(char::is_whitespace) => Ok(id.to_owned()),
        Some(_) => Err(Unread::new("is no id").within(field)),
        None => Err(Unread::missing(field)),
    }
}

/// The status of the whole, with the step of a presale taken into account: ship only when its last payment is in.
fn status(trade: &Trade, word: &str) -> (Observed<ChannelStatus>, Option<ChannelHold>) {
    let status = words::observe(words::STATUS, word);
    let waits = matches!(status, Observed::Known(ChannelStatus::AwaitingPayment | ChannelStatus::PaidOnHold | ChannelStatus::ToShip));
    match trade.step_trade_status.as_deref().map(|step| words::observe(words::STEP_PAID_IN_FULL, step)) {
        Some(Observed::Known(false)) if waits => (Observed::Known(ChannelStatus::AwaitingPayment), None),
        Some(Observed::Unknown(step)) if waits => {
            (Observed::Unknown(format!("{word} {step}")), Some(ChannelHold { code: "step_trade_status".into(), text: step }))
        }
        _ => (status, None),
    }
}

fn payment(trade: &Trade, status: &Observed<ChannelStatus>, word: &str, lines: &[ChannelLine]) -> Payment {
    let received = match status {
        Observed::Known(ChannelStatus::AwaitingPayment) => false,
        // Closed by the platform means closed before payment, unless it says when it was paid.
        Observed::Known(ChannelStatus::Cancelled) => word != "TRADE_CLOSED_BY_TAOBAO" || trade.pay_time.is_some(),
        Observed::Known(ChannelStatus::Completed | ChannelStatus::Delivered) => true,
        // On delivery the money comes after the parcel has left.
        Observed::Known(_) => trade.r#type.as_deref() != Some("cod") || trade.pay_time.is_some(),
        Observed::Unknown(_) => trade.pay_time.is_some(),
    };
    if !received {
        return Payment::Unpaid;
    }
    // A line that was paid back whole is closed or has left; one that is still to be shipped got part of its price back.
    let refunded = lines.iter().filter(|line| line.refund == LineRefund::Refunded).count();
    let whole = lines.iter().filter(|line| line.refund == LineRefund::Refunded && line.status != Observed::Known(ChannelStatus::ToShip)).count();
    if *status == Observed::Known(ChannelStatus::Cancelled) || whole == lines.len() {
        Payment::Refunded
    } else if refunded > 0 {
        Payment::PartRefunded
    } else {
        Payment::Paid
    }
}

fn line(order: &Order, trade_word: &str, trade_closed: bool) -> Result<ChannelLine, Unread> {
    let external_id = id(order.id(), "oid")?;
    let quantity = order.num.ok_or(Unread::missing("num"))?;
    if !(1..=1_000_000).contains(&quantity) {
        return Err(Unread::new("is no quantity").within("num"));
    }
    let price = yuan(order.price.as_deref(), "price")?;
    let goods = yuan(order.total_fee.as_deref(), "total_fee")?;
    let adjusted = yuan(order.adjust_fee.as_deref(), "adjust_fee")?
        .unwrap_or(0)
        .saturating_sub(yuan(order.discount_fee.as_deref(), "discount_fee")?.unwrap_or(0));
    let gross = match (price, goods) {
        (Some(price), _) => price.checked_mul(quantity).ok_or(Unread::new("is too large").within("price"))?,
        (None, Some(goods)) => goods.saturating_sub(adjusted),
        (None, None) => return Err(Unread::missing("price")),
    };
    // The paid share after the trade's discounts are split; else the line's own sum less its known share of them.
    let total_minor = match yuan(order.divide_order_fee.as_deref(), "divide_order_fee")? {
        Some(share) => share,
        None => goods
            .unwrap_or(gross.saturating_add(adjusted))
            .saturating_sub(yuan(order.part_mjz_discount.as_deref(), "part_mjz_discount")?.unwrap_or(0)),
    };
    let word = order.status.clone().unwrap_or_else(|| trade_word.to_owned());
    let status = words::observe(words::STATUS, &word);
    let closed = trade_closed || status == Observed::Known(ChannelStatus::Cancelled);
    let left_before = order.consign_time.is_some() || order.invoice_no.is_some();
    Ok(ChannelLine {
        external_id,
        item_id: order.num_iid.clone().unwrap_or_default(),
        sku_id: order.sku_id.clone().filter(|sku| sku != "0").unwrap_or_default(),
        seller_code: order.outer_sku_id.clone().or_else(|| order.outer_iid.clone()).map(|code| code.trim().to_owned()).unwrap_or_default(),
        title: order.title.clone().unwrap_or_default(),
        variant: order.sku_properties_name.clone().unwrap_or_default(),
        image_url: order.pic_path.as_deref().and_then(picture),
        quantity,
        // What has left and came back is a return, not a cancellation.
        cancelled: if closed && !left_before { quantity } else { 0 },
        unit_price_minor: price.unwrap_or(gross / quantity),
        discount_minor: gross.saturating_sub(total_minor),
        total_minor,
        observed_status: word,
        status,
        refund: refund(order),
        gift: order.is_free_gift == Some(true),
    })
}

/// A refund word nobody has taught us may mean that the buyer wants his money: the goods stay until someone has looked.
fn refund(order: &Order) -> LineRefund {
    match order.refund_status.as_deref().map(|word| words::observe(words::REFUND, word)) {
        None => LineRefund::None,
        Some(Observed::Known(meaning)) => meaning,
        Some(Observed::Unknown(_)) => LineRefund::Requested,
    }
}

fn unknown_refund(order: &Order) -> Option<ChannelHold> {
    match words::observe(words::REFUND, order.refund_status.as_deref()?) {
        Observed::Known(_) => None,
        Observed::Unknown(word) => Some(ChannelHold { code: "refund_status".into(), text: word }),
    }
}

/// Signals of the platform not to ship (fact sheet §2.4). Any value but a plain "no" counts: a hold that says more than
/// yes is still a hold.
fn holds(trade: &Trade, word: &str) -> Vec<ChannelHold> {
    let said = |value: &Option<String>| match value.as_deref().map(str::trim) {
        None | Some("0" | "false" | "no" | "N" | "n") => None,
        Some("1" | "true" | "yes" | "Y" | "y") => Some(String::new()),
        Some(text) => Some(text.to_owned()),
    };
    let mut holds: Vec<ChannelHold> = [
        ("top_hold", said(&trade.top_hold)),
        ("is_sh_ship", said(&trade.is_sh_ship).or_else(|| trade.orders.iter().find_map(|order| said(&order.is_sh_ship)))),
        ("forbid_consign", said(&trade.forbid_consign)),
        ("team_buy_hold", said(&trade.team_buy_hold)),
        ("share_group_hold", said(&trade.share_group_hold)),
        ("ofp_hold", said(&trade.ofp_hold)),
        ("rx_audit_status", trade.rx_audit_status.as_deref().filter(|status| status.trim() == "0").map(|_| String::new())),
        ("erp_hold", erp_hold(trade).and_then(|value| said(&Some(value)))),
    ]
    .into_iter()
    .filter_map(|(code, text)| Some(ChannelHold { code: code.to_owned(), text: text? }))
    .collect();
    if matches!(word, "PAID_FORBID_CONSIGN" | "WAIT_PRE_AUTH_CONFIRM") {
        holds.push(ChannelHold { code: word.to_owned(), text: String::new() });
    }
    if fulfilment_is_mixed(trade) {
        holds.push(ChannelHold { code: "consign_type".into(), text: "CN + SC".into() });
    }
    holds
}

/// `trade_attr` is JSON in a text; its `erpHold` is set when the platform asks order systems to wait.
fn erp_hold(trade: &Trade) -> Option<String> {
    let attributes: Value = serde_json::from_str(trade.trade_attr.as_deref()?).ok()?;
    match attributes.get("erpHold")? {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn consigned_by_platform(trade: &Trade) -> impl Iterator<Item = bool> {
    trade.logistics_infos.iter().filter_map(|info| info.consign_type.as_deref()).map(|word| word == "CN")
}

fn fulfilled_by(trade: &Trade) -> FulfilledBy {
    let mut told = consigned_by_platform(trade).peekable();
    let by_platform = if told.peek().is_some() {
        told.all(|platform| platform)
    } else {
        trade.is_force_wlb == Some(true) || trade.is_force_dc == Some(true)
    };
    if by_platform { FulfilledBy::Channel } else { FulfilledBy::Seller }
}

/// Some lines are the platform's to ship and some ours: a person must see which.
fn fulfilment_is_mixed(trade: &Trade) -> bool {
    consigned_by_platform(trade).any(|platform| platform) && consigned_by_platform(trade).any(|platform| !platform)
}

fn recipient(trade: &Trade) -> Option<Recipient> {
    let text = |field: &Option<String>| field.as_deref().map(str::trim).unwrap_or_default().to_owned();
    let personal = PersonalData {
        name: text(&trade.receiver_name),
        phone: text(&trade.receiver_mobile.clone().or_else(|| trade.receiver_phone.clone())),
        address: text(&trade.receiver_address),
    };
    let token = trade.oaid.clone();
    let nothing = personal == PersonalData::default() && token.is_none() && trade.receiver_state.is_none() && trade.receiver_city.is_none();
    if nothing {
        return None;
    }
    Some(Recipient {
        region: Region {
            country: words::country(trade.receiver_country.as_deref()),
            province: text(&trade.receiver_state),
            city: text(&trade.receiver_city),
            district: text(&trade.receiver_district),
            town: text(&trade.receiver_town),
            // The platform fills what it does not know with zeros.
            postal_code: Some(text(&trade.receiver_zip)).filter(|zip| zip.chars().any(|c| c != '0')).unwrap_or_default(),
        },
        masked: [&personal.name, &personal.phone, &personal.address].iter().any(|part| part.contains('*')),
        personal,
        token,
    })
}

/// The earliest promise of what is measured when the parcel leaves. A presale's date stands above the usual sentences.
fn ship_by(trade: &Trade) -> Option<Timestamp> {
    let at = |text: &Option<String>| text.as_deref().and_then(|text| promise::until(text, trade.pay_time));
    let usual = || {
        let lines = trade.orders.iter().map(|order| at(&order.estimate_con_time));
        [at(&trade.est_con_time), at(&trade.dispatch_time)].into_iter().chain(lines).flatten().min()
    };
    let sent = at(&trade.send_time).or_else(usual);
    [sent, at(&trade.promise_collect_time)].into_iter().flatten().min().or_else(|| at(&trade.collect_time))
}

fn urgent(trade: &Trade) -> Vec<String> {
    let urged = trade.ob_tag.as_deref().is_some_and(|tags| tags.split([',', ';', '|']).any(|tag| tag.trim() == "lg"));
    if urged { vec!["buyer_urged".into()] } else { Vec::new() }
}

fn tags(trade: &Trade, cash_on_delivery: bool) -> Vec<String> {
    let any_line = |test: fn(&Order) -> bool| trade.orders.iter().any(test);
    let agreement = trade.logistics_agreement.0.as_ref();
    let to_the_door = agreement.is_some_and(|agreement| {
        agreement.asdp_ads.as_deref().is_some_and(|ads| ads.split(',').any(|code| code.trim() == "201"))
            || agreement.logistics_service_msg.as_deref().is_some_and(|text| text.contains("送货上门"))
    });
    let changed_address = trade.lm.as_deref() == Some("1") || any_line(|order| matches!(order.modify_address.as_deref(), Some("1" | "2")));
    [
        ("presale", trade.r#type.as_deref() == Some("step") || trade.step_trade_status.is_some()),
        ("gift", any_line(|order| order.is_free_gift == Some(true))),
        (
            "bundle",
            any_line(|order| {
                order.combine_item_info.as_ref().is_some_and(|info| *info != Value::Null && *info != Value::Array(Vec::new()))
            }),
        ),
        ("ship_together", any_line(|order| !order.bound().is_empty())),
        ("address_changed", changed_address),
        ("door_delivery", to_the_door),
        ("oversold", any_line(|order| order.is_oversold == Some(true))),
        ("virtual", trade.shipping_type.as_deref() == Some("virtual")),
        ("cod", cash_on_delivery),
    ]
    .into_iter()
    .filter(|(_, present)| *present)
    .map(|(tag, _)| tag.to_owned())
    .collect()
}

/// Parcels that the platform knows: lines with one carrier and number are one parcel.
pub(super) fn shipments(trade: &Trade) -> Vec<ChannelShipment> {
    let mut parcels: Vec<ChannelShipment> = Vec::new();
    for order in &trade.orders {
        let (Some(number), Some(id)) = (order.invoice_no.as_deref().map(str::trim), order.id()) else { continue };
        let carrier = order.logistics_company.as_deref().map(str::trim).unwrap_or_default();
        match parcels.iter_mut().find(|parcel| parcel.number == number && parcel.carrier == carrier) {
            Some(parcel) => parcel.line_ids.push(id.to_owned()),
            None => parcels.push(ChannelShipment {
                carrier: carrier.to_owned(),
                number: number.to_owned(),
                line_ids: vec![id.to_owned()],
                shipped_at: order.consign_time.or(trade.consign_time),
            }),
        }
    }
    // Older nodes tell the number of the whole trade only.
    if let (true, Some(number)) = (parcels.is_empty(), trade.invoice_no.as_deref()) {
        parcels.push(ChannelShipment {
            carrier: trade.logistics_company.clone().unwrap_or_default(),
            number: number.trim().to_owned(),
            line_ids: Vec::new(),
            shipped_at: trade.consign_time,
        });
    }
    parcels
}

fn picture(path: &str) -> Option<String> {
    if path.starts_with("https://") || path.starts_with("http://") {
        Some(path.to_owned())
    } else {
        path.strip_prefix("//").map(|rest| format!("https://{rest}"))
    }
}

/// A yuan text in fen.
fn yuan(text: Option<&str>, field: &str) -> Result<Option<i64>, Unread> {
    match text {
        None => Ok(None),
        Some(text) => Money::parse(text, CNY).map(|money| Some(money.minor)).map_err(|_| Unread::new("is no amount").within(field)),
    }
}
