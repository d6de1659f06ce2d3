//! The platform's side of the wire: which operations there are, and the reads and writes of trades. How a trade looks is
//! in `sandbox_trade.rs`, shipping in `sandbox_ship.rs`, items, refunds and private data in `sandbox_more.rs`.

use super::{sandbox_more as more, sandbox_ship as ship, sandbox_trade as trade};
use crate::top::sandbox::{Ask, No, PATH, account, answer, list};
use crate::top::time;
use serde_json::{Map, Value, json};
use wharf_connect::sandbox::{DemoShop, Sandbox};
use wharf_connect::world::buyers::Recipient;
use wharf_connect::world::orders::Order;
use wharf_connect::world::{Act, Market, OrderState, Refusal, World};
use wharf_connect::{Credentials, Settings, Vendor, WireRequest, WireResponse};
use wharf_domain::time::{DAY, SECOND, Timestamp};

/// The platform's side of this vendor's wire.
pub(super) struct Platform;

/// Its one instance.
pub(super) static SANDBOX: Platform = Platform;

static SHOPS: &[DemoShop] = &[DemoShop { key: "cotton", name: "棉花糖家居" }, DemoShop { key: "leaf", name: "一叶文具" }];

/// How far back the list calls look.
const HISTORY: i64 = 90 * DAY;

impl Sandbox for Platform {
    fn handle(&self, world: &World, now: Timestamp, request: &WireRequest) -> WireResponse {
        answer(world, now, super::VENDOR.manifest().id, request, &["taobao.time.get"], operate)
    }
    fn account(&self, world: &World, shop: &str) -> Option<(Credentials, Settings)> {
        let own = world.read(|m| m.shop(shop).is_some_and(|s| s.vendor == super::VENDOR.manifest().id));
        if own { account(world, shop) } else { None }
    }
    fn base_path(&self) -> &'static str {
        PATH
    }
    fn demo_shops(&self) -> &'static [DemoShop] {
        SHOPS
    }
}

fn operate(ask: &Ask<'_>) -> Option<Result<Value, No>> {
    Some(match ask.method.as_str() {
        "taobao.time.get" => Ok(json!({ "time": time::format(ask.now) })),
        "taobao.user.seller.get" => seller(ask),
        "taobao.trades.sold.get" => sold(ask, By::Created),
        "taobao.trades.sold.increment.get" => sold(ask, By::Modified),
        "taobao.trade.fullinfo.get" => full(ask),
        "taobao.trade.memo.update" => memo_update(ask),
        "taobao.trade.memo.add" => memo_add(ask),
        "taobao.trade.close" => close(ask),
        "taobao.trade.shippingaddress.update" => change_address(ask),
        "taobao.logistics.offline.send" => ship::send(ask, ship::Way::Offline),
        "taobao.logistics.online.send" => ship::send(ask, ship::Way::Online),
        "taobao.logistics.dummy.send" => ship::dummy(ask),
        "taobao.logistics.consign.resend" => ship::resend(ask),
        "alibaba.ascp.logistics.offline.send" => ship::send_packages(ask),
        crate::top::TRACE_METHOD => crate::top::sandbox_trace::trace(ask),
        "taobao.logistics.companies.get" => ship::companies(ask),
        "taobao.logistics.address.search" => ship::addresses(ask),
        "taobao.refunds.receive.get" => more::refunds(ask),
        "taobao.refund.get" => more::refund(ask),
        "taobao.top.oaid.decrypt" => more::decrypt(ask),
        "taobao.top.oaid.merge" => more::merge(ask),
        "taobao.items.onsale.get" => more::items(ask),
        "taobao.items.seller.list.get" => more::items_by_id(ask),
        "taobao.item.skus.get" => more::skus(ask),
        "taobao.item.quantity.update" => more::set_quantity(ask),
        "taobao.skus.quantity.update" => more::set_quantities(ask),
        _ => return None,
    })
}

fn seller(ask: &Ask<'_>) -> Result<Value, No> {
    let shop = ask.shop()?;
    let fields = ask.fields()?;
    Ok(ask.world.read(|m| {
        let facts = &m.shops[shop as usize];
        let mut user = crate::top::sandbox::Record::new(&fields);
        user.put("user_id", || json!(facts.seller_id));
        user.put("nick", || json!(facts.name));
        user.put("sex", || json!("f"));
        user.put("type", || json!("C"));
        user.put("status", || json!("normal"));
        json!({ "user": user.value() })
    }))
}

/// The time that a list call filters by.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Created,
    Modified,
}

/// The status words that a query may name, and the states behind them.
fn queried(word: &str) -> Option<Vec<OrderState>> {
    Some(match word {
        "ALL_WAIT_PAY" => vec![OrderState::AwaitingPayment],
        "ALL_CLOSED" => vec![OrderState::ClosedRefunded, OrderState::ClosedUnpaid],
        word => vec![trade::state_of(word)?],
    })
}

fn sold(ask: &Ask<'_>, by: By) -> Result<Value, No> {
    let shop = ask.shop()?;
    let fields = ask.fields()?;
    let (from_name, to_name) = if by == By::Modified { ("start_modified", "end_modified") } else { ("start_created", "end_created") };
    let (from, to) = match by {
        By::Modified => {
            ask.need(from_name)?;
            ask.need(to_name)?;
            (ask.time(from_name)?.unwrap_or(ask.now), ask.time(to_name)?.unwrap_or(ask.now))
        }
        By::Created => (ask.time(from_name)?.unwrap_or(ask.now.plus(-HISTORY)), ask.time(to_name)?.unwrap_or(ask.now)),
    };
    if to < from {
        return Err(No::invalid(to_name, "结束时间不能早于开始时间"));
    }
    if by == By::Modified && to.since(from) > DAY {
        return Err(No::invalid(from_name, "查询时间跨度不能大于一天"));
    }
    if from < ask.now.plus(-HISTORY - SECOND) {
        return Err(No::invalid(from_name, "只能查询三个月以内的订单"));
    }
    let page = ask.number_or("page_no", 1, 1, 1_000_000)? as usize;
    let size = ask.number_or("page_size", 40, 1, 100)? as usize;
    let states = match ask.get("status") {
        None => None,
        Some(word) => Some(queried(word).ok_or_else(|| No::invalid("status", "交易状态不正确"))?),
    };
    // Every trade of this market is of the usual kind; a query for other kinds alone finds none.
    let usual =
        ask.get("type").is_none_or(|t| t.split(',').any(|t| ["fixed", "guarantee_trade", "auto_delivery", "ec"].contains(&t.trim())));
    let has_next = ask.flag("use_has_next");
    let skip = (page - 1) * size;
    let strange = ask.strange_word();
    Ok(ask.world.read(|m| {
        let mut body = Map::new();
        let rows: Vec<&Order>;
        let total;
        match (&states, usual) {
            (_, false) => (rows, total) = (Vec::new(), 0),
            (None, true) if by == By::Modified => {
                total = m.count_modified(shop, from, to);
                rows = m.modified(shop, from, to, skip, size).collect();
            }
            (None, true) => {
                total = m.count_placed(shop, from, to);
                rows = m.placed(shop, from, to, skip, size).collect();
            }
            (Some(states), true) => {
                let keeps = |o: &&Order| states.contains(&o.state);
                if by == By::Modified {
                    let all: Vec<&Order> = m.modified(shop, from, to, 0, usize::MAX).filter(keeps).collect();
                    total = all.len();
                    rows = all.into_iter().skip(skip).take(size).collect();
                } else {
                    let all: Vec<&Order> = m.placed(shop, from, to, 0, usize::MAX).filter(keeps).collect();
                    total = all.len();
                    rows = all.into_iter().skip(skip).take(size).collect();
                }
            }
        }
        if has_next {
            body.insert("has_next".into(), json!(skip + rows.len() < total));
        } else {
            body.insert("total_results".into(), json!(total));
        }
        let rows = rows.into_iter().map(|o| trade::json(m, o, &fields, false, true, strange)).collect();
        body.insert("trades".into(), list("trade", rows));
        Value::Object(body)
    }))
}

fn full(ask: &Ask<'_>) -> Result<Value, No> {
    let fields = ask.fields()?;
    let tid = ask.need_number("tid")?;
    let token = ask.flag("include_oaid");
    with_trade(ask, tid, |m, order| json!({ "trade": trade::json(m, order, &fields, true, token, ask.strange_word()) }))
}

/// Looks at a trade of the caller's own shop.
pub(super) fn with_trade<T>(ask: &Ask<'_>, tid: i64, look: impl FnOnce(&Market, &Order) -> T) -> Result<T, No> {
    let shop = ask.shop()?;
    let seen = ask.world.read(|m| m.order(tid).filter(|o| o.shop == shop).map(|o| look(m, o)));
    seen.ok_or_else(|| No::business("isv.trade-not-exist:tid", "交易不存在"))
}

fn memo_update(ask: &Ask<'_>) -> Result<Value, No> {
    let tid = ask.need_number("tid")?;
    with_trade(ask, tid, |_, _| ())?;
    let memo = memo(ask)?;
    // Leaving the flag out means grey, whatever stood there; that is how the platform has it.
    let flag = ask.number_or("flag", 0, 0, 5)?;
    let note = if ask.flag("reset") { Some(String::new()) } else { Some(memo).filter(|m| !m.is_empty()) };
    act(ask, tid, Act::Note { note, flag }).map_err(service("isv.trade-service-error"))?;
    changed(ask, tid)
}

fn memo_add(ask: &Ask<'_>) -> Result<Value, No> {
    let tid = ask.need_number("tid")?;
    ask.need("memo")?;
    let memo = memo(ask)?;
    let flag = ask.number_or("flag", 0, 0, 5)?;
    if with_trade(ask, tid, |_, o| !o.seller_note.is_empty())? {
        return Err(No::business("isv.trade-memo-already-exist", "交易备注已经存在,请使用修改接口"));
    }
    act(ask, tid, Act::Note { note: Some(memo), flag }).map_err(service("isv.trade-service-error"))?;
    with_trade(ask, tid, |_, o| json!({ "trade": { "tid": tid, "created": time::format(o.modified_at) } }))
}

fn memo(ask: &Ask<'_>) -> Result<String, No> {
    let memo = ask.get("memo").unwrap_or_default();
    if memo.len() > 1000 { Err(No::invalid("memo", "备注超过最大长度")) } else { Ok(memo.to_owned()) }
}

const CLOSE_REASONS: &[&str] =
    &["未及时付款", "买家不想买了", "买家信息填写错误，重新拍", "恶意买家/同行捣乱", "缺货", "买家拍错了", "同城见面交易"];

fn close(ask: &Ask<'_>) -> Result<Value, No> {
    let tid = ask.need_number("tid")?;
    let reason = ask.need("close_reason")?;
    if !CLOSE_REASONS.contains(&reason) {
        return Err(No::business("isv.invalid-parameter:closereason_wrong", "关闭原因不正确"));
    }
    let (state, placed) = with_trade(ask, tid, |_, o| (o.state, o.placed_at))?;
    if ask.now.since(placed) < 10 * SECOND {
        return Err(No::business("isv.trade-service-error:CLOSE_TRADE_TOO_FAST", "订单创建时间过短,请稍后再关闭"));
    }
    if state != OrderState::AwaitingPayment {
        return Err(No::business("isv.trade-service-error:CLOSE_TRADE_STATUS_ERROR", "当前交易状态不能关闭"));
    }
    act(ask, tid, Act::Cancel).map_err(service("isv.trade-service-error"))?;
    changed(ask, tid)
}

fn change_address(ask: &Ask<'_>) -> Result<Value, No> {
    let tid = ask.need_number("tid")?;
    let now_there = with_trade(ask, tid, |m, o| m.recipient(o))?;
    let mut new = now_there;
    {
        let field = |name: &str, limit: usize, target: &mut String| -> Result<(), No> {
            match ask.get(name) {
                None => Ok(()),
                // A Chinese character is two bytes in the platform's counting.
                Some(text) if text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum::<usize>() > limit => {
                    Err(No::invalid(name, "参数超过最大长度"))
                }
                Some("-1") if name == "receiver_mobile" || name == "receiver_phone" => {
                    target.clear();
                    Ok(())
                }
                Some(text) => {
                    *target = text.to_owned();
                    Ok(())
                }
            }
        };
        field("receiver_name", 50, &mut new.name)?;
        field("receiver_phone", 30, &mut new.phone)?;
        field("receiver_mobile", 11, &mut new.phone)?;
        field("receiver_state", 32, &mut new.province)?;
        field("receiver_city", 32, &mut new.city)?;
        field("receiver_district", 32, &mut new.district)?;
        field("receiver_town", 32, &mut new.town)?;
        field("receiver_address", 228, &mut new.street)?;
        field("receiver_zip", 6, &mut new.postal_code)?;
    }
    let Recipient { name, phone, province, city, district, street, postal_code, .. } = new.clone();
    match act(ask, tid, Act::ChangeAddress { recipient: Some(Box::new(new)), by_seller: true }) {
        Ok(()) => {}
        Err(Refusal::WrongState(_)) => {
            return Err(No::business("isv.trade-service-error:TRADE_STATUS_ERROR", "只有等待卖家发货的订单可以修改收货地址"));
        }
        Err(other) => return Err(service("isv.trade-service-error")(other)),
    }
    with_trade(ask, tid, |_, o| {
        json!({ "trade": {
            "tid": tid, "receiver_name": name, "receiver_state": province, "receiver_city": city, "receiver_district": district,
            "receiver_address": street, "receiver_zip": postal_code, "receiver_mobile": phone, "receiver_phone": "",
            "modified": time::format(o.modified_at),
        } })
    })
}

pub(super) fn act(ask: &Ask<'_>, order: i64, act: Act) -> Result<(), Refusal> {
    ask.world.act(ask.now, order, act).map(|_| ())
}

/// A refusal that has no words of its own on this wire.
pub(super) fn service(prefix: &'static str) -> impl Fn(Refusal) -> No {
    move |refusal| match refusal {
        Refusal::Broken => No::broken(),
        other => No::business(format!("{prefix}:GENERIC_FAILURE"), other.to_string()),
    }
}

fn changed(ask: &Ask<'_>, tid: i64) -> Result<Value, No> {
    with_trade(ask, tid, |_, o| json!({ "trade": { "tid": tid, "modified": time::format(o.modified_at) } }))
}
