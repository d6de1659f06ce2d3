//! The market's own interface, below `/_world`: what is true on the market's side, and how a test or a person makes
//! things happen. It needs no authentication because it exists only beside sandboxes.

use super::command::{Act, Command, Done};
use super::market::Market;
use super::orders::{OrderDraft, OrderState, Quirk, Refund, RefundKind, RefundState, Refusal};
use super::{Fault, World};
use crate::sandbox::{WireRequest, WireResponse, form_fields};
use crate::{Credentials, Settings, Vendor};
use serde_json::{Map, Value, json};
use wharf_domain::money::{CNY, Money};
use wharf_domain::time::{SECOND, Timestamp};

/// What is wrong with a request.
struct Problem(u16, String);

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::ShopNotFound(_)
            | Refusal::OrderNotFound(_)
            | Refusal::LineNotFound(_)
            | Refusal::RefundNotFound(_)
            | Refusal::WaybillNotFound(_) => 404,
            Refusal::ListingNotFound(_) | Refusal::Invalid(_) => 422,
            Refusal::Broken => 503,
            Refusal::SoldOut { .. }
            | Refusal::AlreadyShipped
            | Refusal::WrongState(_)
            | Refusal::LinesMismatch(_)
            | Refusal::NumberUsed(_)
            | Refusal::NotShipped
            | Refusal::PickedUp
            | Refusal::NoBalance(_) => 409,
        };
        Problem(status, refusal.to_string())
    }
}

fn bad(text: impl Into<String>) -> Problem {
    Problem(400, text.into())
}

/// Answers a request below `/_world`.
pub fn handle(world: &World, vendors: &[&'static dyn Vendor], now: Timestamp, request: &WireRequest) -> WireResponse {
    // The one answer that grows with the market is written row by row.
    if request.method == "GET" && request.path.trim_matches('/') == "orders" {
        return match orders(world, &form_fields(&request.query)) {
            Ok(body) => WireResponse { body, ..WireResponse::json(200, &Value::Null) },
            Err(Problem(status, detail)) => WireResponse::json(status, &json!({ "error": detail })),
        };
    }
    match route(world, vendors, now, request) {
        Ok((status, value)) => WireResponse::json(status, &value),
        Err(Problem(status, detail)) => WireResponse::json(status, &json!({ "error": detail })),
    }
}

fn route(world: &World, vendors: &[&'static dyn Vendor], now: Timestamp, request: &WireRequest) -> Result<(u16, Value), Problem> {
    let segments: Vec<&str> = request.path.split('/').filter(|s| !s.is_empty()).collect();
    let ok = |value: Value| Ok((200, value));
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", []) => ok(summary(world, now)),
        ("GET", ["orders", id]) => {
            let number = order_number(id)?;
            ok(world.read(|m| m.order(number).map(|o| order_json(m, o))).ok_or(Refusal::OrderNotFound(number))?)
        }
        ("GET", ["house"]) => ok(json!(world.read(super::demo::house))),
        ("GET", ["stock"]) => ok(world.read(stock_json)),
        ("GET", ["waybills"]) => ok(world.read(|m| waybills_json(m, now))),
        ("GET", ["shops"]) => ok(shops_json(world, vendors, request)),
        ("GET", ["calls"]) => ok(json!({ "calls": world.calls().into_iter().map(|((vendor, method, outcome), times)| {
            json!({ "vendor": vendor, "method": method, "outcome": outcome, "times": times })
        }).collect::<Vec<_>>() })),
        ("GET", ["faults"]) => ok(json!({ "faults": world.faults() })),
        ("POST", ["faults"]) => {
            let fault: Fault = serde_json::from_value(body(request)?).map_err(|why| bad(why.to_string()))?;
            if let Some(why) = fault.nonsense() {
                return Err(Problem(422, why.to_owned()));
            }
            if let Some(vendor) = &fault.vendor
                && !vendors.iter().any(|v| v.manifest().id == vendor && v.sandbox().is_some())
            {
                return Err(Problem(422, format!("no sandbox of a vendor {vendor:?}")));
            }
            if let Some(shop) = &fault.shop {
                world.read(|m| m.shop_index(shop).map(|_| ()))?;
            }
            world.arm(fault);
            Ok((201, json!({ "faults": world.faults() })))
        }
        ("DELETE", ["faults"]) => {
            world.clear_faults();
            ok(json!({ "faults": [] }))
        }
        ("POST", ["orders"]) => make_orders(world, now, request),
        ("POST", ["samples"]) => make_samples(world, now, request),
        ("POST", ["orders", id, what]) => {
            let number = order_number(id)?;
            let act = act(what, request)?;
            let done = world.act(now, number, act)?;
            let order = world.read(|m| m.order(number).map(|o| order_json(m, o))).ok_or(Refusal::OrderNotFound(number))?;
            ok(json!({ "outcome": if done == Done::Already { "already" } else { "done" }, "order": order }))
        }
        ("POST", ["clock"]) => {
            let wish = body(request)?;
            let seconds = wish
                .get("advance_seconds")
                .and_then(Value::as_i64)
                .ok_or_else(|| bad("advance_seconds: a whole number of seconds is needed"))?;
            let by = seconds.checked_mul(SECOND).ok_or_else(|| Problem(422, "advance_seconds is too large".into()))?;
            world.apply(Command::Hurry { at: now, by })?;
            ok(summary(world, now))
        }
        ("POST", ["rate"]) => {
            let wish = body(request)?;
            let rate = wish.get("orders_per_minute").and_then(Value::as_f64).ok_or_else(|| bad("orders_per_minute: a number is needed"))?;
            if !(0.0..=60_000.0).contains(&rate) {
                return Err(Problem(422, "orders_per_minute must be 0 to 60000".into()));
            }
            world.apply(Command::Rate { at: now, per_minute_milli: (rate * 1000.0).round() as i64 })?;
            ok(summary(world, now))
        }
        ("POST", ["balance"]) => {
            let wish = body(request)?;
            let carrier = wish.get("carrier").and_then(Value::as_str).ok_or_else(|| bad("carrier: a carrier code is needed"))?;
            let quantity = wish.get("quantity").and_then(Value::as_i64).ok_or_else(|| bad("quantity: a whole number is needed"))?;
            world.apply(Command::Balance { carrier: carrier.to_owned(), quantity })?;
            ok(json!({ "balances": world.read(|m| m.balances.clone()) }))
        }
        ("POST", ["shops", key, "renew_session"]) => {
            let key = key_of(world, key)?;
            world.apply(Command::RenewSession { shop: key })?;
            ok(shops_json(world, vendors, request))
        }
        ("GET" | "POST" | "DELETE", _) => Err(Problem(404, format!("nothing is at {} {}", request.method, request.path))),
        (method, _) => Err(Problem(405, format!("{method} is not for here"))),
    }
}

fn body(request: &WireRequest) -> Result<Value, Problem> {
    if request.body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match serde_json::from_slice(&request.body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(bad("the body must be a JSON object")),
        Err(why) => Err(bad(format!("the body is no JSON: {why}"))),
    }
}

fn order_number(text: &str) -> Result<i64, Problem> {
    text.parse().map_err(|_| Problem(404, format!("no order {text:?}")))
}

/// The key of a shop that is named by key or by name.
fn key_of(world: &World, text: &str) -> Result<String, Problem> {
    let found = world.read(|m| m.shops.iter().find(|s| s.key == text || s.name == text).map(|s| s.key.clone()));
    found.ok_or_else(|| Refusal::ShopNotFound(text.to_owned()).into())
}

/// The text of an instant.
fn instant(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.micros()).map(|t| t.to_string()).unwrap_or_default()
}

fn yuan(minor: i64) -> String {
    Money::new(minor, CNY).amount()
}

fn summary(world: &World, now: Timestamp) -> Value {
    world.read(|m| {
        let mut states = std::collections::BTreeMap::new();
        for order in &m.orders {
            *states.entry(wharf_domain::word::Word::as_str(order.state)).or_insert(0u64) += 1;
        }
        json!({
            "seed": m.plan.seed, "opened_at": instant(m.plan.opened_at), "now": instant(now),
            "orders_per_minute": m.rate_milli as f64 / 1000.0, "speed": m.plan.speed,
            "shops": m.shops.len(), "orders": m.orders.len(), "states": states,
            "refunds": m.refunds.len(), "waybills": m.waybills.len(),
            "see": ["orders", "orders/{id}", "stock", "waybills", "shops", "house", "calls", "faults"],
        })
    })
}

/// `{"orders": […], "next": … }`.
fn orders(world: &World, query: &[(String, String)]) -> Result<Vec<u8>, Problem> {
    let mut shop = None;
    let mut limit = usize::MAX;
    let mut after = None;
    for (name, value) in query {
        match name.as_str() {
            "shop" => shop = Some(key_of(world, value)?),
            "limit" => limit = value.parse().ok().filter(|l| *l > 0).ok_or_else(|| bad("limit: a number above zero is needed"))?,
            "after" => after = Some(order_number(value)?),
            other => return Err(bad(format!("unknown parameter {other:?}"))),
        }
    }
    world.read(|m| {
        let shop = shop.map(|key| m.shop_index(&key)).transpose()?;
        let start = match after {
            Some(number) => m.find(number)? as usize + 1,
            None => 0,
        };
        let mut body = b"{\"orders\":[".to_vec();
        let mut last = None;
        let mut next = Value::Null;
        let wanted = m.orders[start..].iter().filter(|o| shop.is_none_or(|s| o.shop == s));
        for (listed, order) in wanted.enumerate() {
            if listed == limit {
                next = json!(last);
                break;
            }
            if listed > 0 {
                body.push(b',');
            }
            body.extend_from_slice(order_json(m, order).to_string().as_bytes());
            last = Some(order.number.to_string());
        }
        body.extend_from_slice(format!("],\"next\":{next}}}").as_bytes());
        Ok(body)
    })
}

/// One order as it truly is.
pub fn order_json(m: &Market, order: &super::orders::Order) -> Value {
    let shop = &m.shops[order.shop as usize];
    let buyer = m.buyer(order);
    let recipient = m.recipient(order);
    let lines: Vec<Value> = order
        .lines
        .iter()
        .map(|line| {
            let listing = m.listing(order, line.listing);
            json!({
                "external_id": line.number.to_string(), "item_id": listing.item_id.to_string(), "sku_id": listing.sku_id.to_string(),
                "seller_code": listing.seller_code, "title": listing.title, "variant": listing.variant,
                "quantity": line.quantity, "price": yuan(line.price_minor), "discount": yuan(line.discount_minor), "paid": yuan(line.paid_minor()),
                "sku": listing.goods().code, "pieces": listing.pieces, "mapped": !listing.unmapped,
                "shipped": order.parcel_of(line.number).is_some(), "refunded": m.is_refunded(line.refund),
            })
        })
        .collect();
    let shipments: Vec<Value> = order
        .parcels
        .iter()
        .map(|parcel| {
            let rejected: u32 = order.rejected.iter().filter(|r| r.number == parcel.number).map(|r| r.times).sum();
            json!({
                "carrier": parcel.carrier, "number": parcel.number, "effects": parcel.effects,
                "attempts": parcel.effects + rejected, "rejected": rejected,
                "lines": parcel.lines.iter().map(i64::to_string).collect::<Vec<_>>(),
                "shipped_at": instant(parcel.shipped_at), "delivered_at": parcel.signed_at.map(instant), "replaced_by": parcel.replaced_by,
            })
        })
        .collect();
    let refunds: Vec<Value> = m.refunds_of(order).map(refund_json).collect();
    let cancelled = matches!(order.state, OrderState::ClosedRefunded | OrderState::ClosedUnpaid);
    json!({
        "shop": shop.name, "shop_key": shop.key, "vendor": shop.vendor, "external_id": order.number.to_string(),
        "buyer": { "id": order.buyer, "nick": buyer.nick, "name": recipient.name, "phone": recipient.phone },
        "recipient": recipient, "lines": lines, "currency": "CNY",
        "total": yuan(order.payment_minor()), "postage": yuan(order.postage_minor), "discount": yuan(order.discount_minor),
        "paid": order.paid_at.is_some(), "cancelled": cancelled, "status": order.state, "status_word": order.status_word,
        "holds": order.holds, "buyer_note": order.buyer_note, "seller_note": order.seller_note, "flag": order.flag,
        "urged": order.urged, "address_changed": order.address_changed,
        "shipments": shipments, "rejected": order.rejected, "refunds": refunds, "quirks": order.quirks, "by_hand": order.by_hand,
        "placed_at": instant(order.placed_at), "paid_at": order.paid_at.map(instant), "modified_at": instant(order.modified_at),
        "ship_by": order.ship_by().map(instant), "shipped_at": order.shipped_at.map(instant), "ended_at": order.ended_at.map(instant),
    })
}

fn refund_json(refund: &Refund) -> Value {
    json!({
        "external_id": refund.number.to_string(), "line": refund.line.to_string(), "kind": refund.kind, "state": refund.state,
        "amount": yuan(refund.amount_minor), "reason": refund.reason, "asked_at": instant(refund.asked_at),
        "open": refund.state == RefundState::Asked, "after_shipping": refund.after_shipping,
    })
}

fn stock_json(m: &Market) -> Value {
    let rows: Vec<Value> = m
        .shops
        .iter()
        .flat_map(|shop| {
            shop.listings.iter().map(move |l| {
                json!({
                    "shop": shop.name, "shop_key": shop.key, "item_id": l.item_id.to_string(), "sku_id": l.sku_id.to_string(), "seller_code": l.seller_code,
                    "title": l.title, "variant": l.variant, "price": yuan(l.price_minor), "quantity": l.quantity, "set_by_shop": l.set_by_shop,
                    "sku": l.goods().code, "pieces": l.pieces, "mapped": !l.unmapped,
                })
            })
        })
        .collect();
    json!({ "stock": rows })
}

fn waybills_json(m: &Market, now: Timestamp) -> Value {
    let rows: Vec<Value> = m
        .waybills
        .iter()
        .map(|w| {
            json!({
                "number": w.number, "carrier": w.carrier, "shop": m.shops[w.shop as usize].name, "orders": w.orders, "package_id": w.package,
                "reference": w.package, "bought": 1, "asked": w.asked, "bought_at": instant(w.bought_at),
                "voided": w.voided_at.is_some(), "voided_at": w.voided_at.map(instant), "picked_up": m.is_picked_up(&w.number, now),
            })
        })
        .collect();
    json!({ "waybills": rows, "balances": m.balances })
}

/// Credentials and settings of every account that a client can open here. `base_url` is whole when the request tells by
/// which host it came; `base_url_path` always is.
fn shops_json(world: &World, vendors: &[&'static dyn Vendor], request: &WireRequest) -> Value {
    let host = request.headers.iter().find(|(name, _)| name == "host").map(|(_, value)| value.as_str());
    let account = |vendor: &str, base: &str, (credentials, mut settings): (Credentials, Settings)| {
        let path = format!("/{vendor}{base}");
        if let Some(host) = host {
            settings.0.insert("base_url".into(), format!("http://{host}{path}"));
        }
        (credentials, settings, path)
    };
    let shops: Vec<(String, String, String, i64, u64)> =
        world.read(|m| m.shops.iter().map(|s| (s.key.clone(), s.name.clone(), s.vendor.clone(), s.seller_id, s.session_epoch)).collect());
    let mut channels = Vec::new();
    let mut carriers = Vec::new();
    for (key, name, vendor_of_shop, seller_id, epoch) in shops {
        for vendor in vendors {
            let id = vendor.manifest().id;
            let Some(sandbox) = vendor.sandbox() else { continue };
            let Some(opened) = sandbox.account(world, &key) else { continue };
            let (credentials, settings, path) = account(id, sandbox.base_path(), opened);
            let row = json!({
                "name": name, "key": key, "vendor": id, "seller_id": seller_id.to_string(), "session_epoch": epoch,
                "credentials": credentials, "settings": settings, "base_url_path": path,
            });
            if id == vendor_of_shop {
                channels.push(row);
            } else if vendor.carrier().is_some() || sandbox.demo_shops().is_empty() {
                carriers.push(row);
            }
        }
    }
    json!({ "shops": channels, "carriers": carriers })
}

fn make_orders(world: &World, now: Timestamp, request: &WireRequest) -> Result<(u16, Value), Problem> {
    let Value::Object(mut wish) = body(request)? else { return Err(bad("the body must be a JSON object")) };
    let shop = match wish.remove("shop") {
        Some(Value::String(text)) => key_of(world, &text)?,
        Some(_) => return Err(bad("shop: a key or a name is needed")),
        None => world.read(|m| m.shops.first().map(|s| s.key.clone())).ok_or_else(|| bad("this market has no shops"))?,
    };
    let count = match wish.remove("count") {
        None => 1,
        Some(value) => value.as_u64().filter(|c| (1..=10_000).contains(c)).ok_or_else(|| bad("count must be 1 to 10000"))?,
    };
    let draft: OrderDraft = serde_json::from_value(Value::Object(wish)).map_err(|why| bad(why.to_string()))?;
    let mut numbers = Vec::new();
    for _ in 0..count {
        numbers.push(world.place(now, &shop, draft.clone())?);
    }
    let made: Vec<Value> = world.read(|m| numbers.iter().filter_map(|n| m.order(*n)).map(|o| order_json(m, o)).collect());
    let first = numbers.first().map(i64::to_string);
    Ok((201, json!({ "external_id": first, "orders": made })))
}

/// A set for practice: a plain order, and one of everything that can be unusual.
fn make_samples(world: &World, now: Timestamp, request: &WireRequest) -> Result<(u16, Value), Problem> {
    let wish = body(request)?;
    let shop = match wish.get("shop") {
        Some(Value::String(text)) => key_of(world, text)?,
        Some(_) => return Err(bad("shop: a key or a name is needed")),
        None => world.read(|m| m.shops.first().map(|s| s.key.clone())).ok_or_else(|| bad("this market has no shops"))?,
    };
    let mut made = vec![json!({ "quirk": null, "external_id": world.place(now, &shop, OrderDraft::default())?.to_string() })];
    for quirk in quirks() {
        let draft = OrderDraft { quirks: vec![*quirk], paid: (*quirk == Quirk::NeverPaid).then_some(false), ..OrderDraft::default() };
        made.push(json!({ "quirk": quirk, "external_id": world.place(now, &shop, draft)?.to_string() }));
    }
    Ok((201, json!({ "samples": made })))
}

fn act(what: &str, request: &WireRequest) -> Result<Act, Problem> {
    let wish = body(request)?;
    let text = |name: &str, default: &str| -> Result<String, Problem> {
        match wish.get(name) {
            None | Some(Value::Null) => Ok(default.to_owned()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(bad(format!("{name}: a text is needed"))),
        }
    };
    Ok(match what {
        "pay" => Act::Pay,
        "cancel" => Act::Cancel,
        "refund" => Act::AskRefund {
            line: match text("line", "")?.as_str() {
                "" => None,
                number => Some(number.parse().map_err(|_| bad("line: a line number is needed"))?),
            },
            kind: match text("kind", "money_only")?.as_str() {
                "money_only" => RefundKind::MoneyOnly,
                "with_goods" => RefundKind::WithGoods,
                other => return Err(bad(format!("kind: money_only or with_goods, not {other:?}"))),
            },
            reason: text("reason", "多拍/拍错/不想要")?,
        },
        "close_refund" => Act::CloseRefund {
            paid: match wish.get("paid") {
                None => false,
                Some(Value::Bool(paid)) => *paid,
                Some(_) => return Err(bad("paid: true or false is needed")),
            },
        },
        "change_address" => Act::ChangeAddress {
            recipient: match wish.get("recipient") {
                None | Some(Value::Null) => None,
                Some(value) => Some(Box::new(serde_json::from_value(value.clone()).map_err(|why| bad(format!("recipient: {why}")))?)),
            },
            by_seller: false,
        },
        "deliver" => Act::Deliver,
        "finish" => Act::Finish,
        "urge" => Act::Urge,
        "hold" => Act::Hold { reason: text("reason", "risk_hold")? },
        "release" => Act::Release,
        "status_word" => {
            let word = text("word", "")?;
            Act::StatusWord { word: (!word.is_empty()).then_some(word) }
        }
        other => return Err(Problem(404, format!("an order cannot {other:?}"))),
    })
}

/// Every quirk that an order can be made with, for help texts.
pub fn quirks() -> &'static [Quirk] {
    <Quirk as wharf_domain::word::Word>::ALL
}
