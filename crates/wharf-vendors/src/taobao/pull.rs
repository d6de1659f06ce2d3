//! Reading trades: windows, pages from the back, and the detail of every row.
//!
//! Rows are sorted newest first and leave a window when they are modified again. Read from the last page to the first, a
//! row that leaves moves others only towards pages that are still to be read: some are seen twice, none is lost.

use super::map;
use super::wire::{Trade, TradeList, TradeRow};
use crate::top::Top;
use crate::top::client::Answer;
use crate::top::time;
use crate::top::wire::{FromWire, Unread};
use futures_util::{StreamExt, stream};
use serde_json::Value;
use wharf_connect::channel::Unreadable;
use wharf_connect::{ConnectError, Held, OrderPage, PullWindow};
use wharf_domain::order::channel::ChannelOrder;
use wharf_domain::time::{MINUTE, SECOND, Timestamp};

/// Rows of a page: the platform advises 40 to 50.
const PAGE_SIZE: i64 = 50;
/// Details asked at once.
const AT_ONCE: usize = 6;
/// Details of one page that may fail before the rest of it waits.
const MOST_FAILURES: usize = 8;
/// The platform advises windows of at most half an hour by modification time.
pub(super) const LONGEST: i64 = 30 * MINUTE;
/// More pages than this in one window means that the paging does not end.
const MOST_PAGES: i64 = 10_000;

/// What an order is mapped from. The token is given only together with the first five recipient fields and `created`.
pub(super) const FIELDS: &str = "tid,tid_str,seller_nick,buyer_nick,buyer_open_uid,type,status,created,pay_time,modified,consign_time,end_time,\
payment,post_fee,discount_fee,adjust_fee,total_fee,received_payment,step_trade_status,step_paid_fee,shipping_type,buyer_message,has_buyer_message,\
seller_memo,seller_flag,receiver_name,receiver_country,receiver_state,receiver_city,receiver_district,receiver_town,receiver_address,receiver_zip,\
receiver_mobile,receiver_phone,oaid,est_con_time,send_time,promise_collect_time,collect_time,dispatch_time,delivery_time,sign_time,top_hold,is_sh_ship,\
forbid_consign,team_buy_hold,share_group_hold,ofp_hold,rx_audit_status,trade_attr,trade_from,ob_tag,og_id,lm,is_part_consign,is_force_wlb,is_force_dc,\
logistics_infos,logistics_agreement,promotion_details,service_tags,orders";

/// Which list a window is read from.
#[derive(Clone, Copy)]
enum List {
    /// By creation, for the first pull: no limit on the span.
    Created,
    /// By modification, at most half an hour at once.
    Modified,
}

/// Where a pull stands: the slice of the window that is being read and the page in it. The text form is the continuation.
struct Place {
    from: Timestamp,
    to: Timestamp,
    page: i64,
    /// Trades of this page whose detail is still owed, because the platform failed or limited us half way through it. A
    /// page is fifty calls: were it read again from its start for each that fails, a platform that fails one call in
    /// twenty would never let a page end.
    owed: Vec<String>,
}

impl Place {
    fn parse(text: &str) -> Option<Place> {
        let (text, owed) = text.split_once(':').unwrap_or((text, ""));
        let mut numbers = text.split('-').map(|part| part.parse::<i64>().ok());
        let (from, to, page) = (numbers.next()??, numbers.next()??, numbers.next()??);
        (numbers.next().is_none() && from <= to && (0..=MOST_PAGES).contains(&page)).then_some(Place {
            from: Timestamp::from_seconds(from),
            to: Timestamp::from_seconds(to),
            page,
            owed: owed.split(',').filter(|tid| !tid.is_empty()).map(str::to_owned).collect(),
        })
    }

    fn text(&self) -> String {
        let owed = if self.owed.is_empty() { String::new() } else { format!(":{}", self.owed.join(",")) };
        format!("{}-{}-{}{owed}", self.from.seconds(), self.to.seconds(), self.page)
    }

    fn new(from: Timestamp, to: Timestamp, page: i64) -> Place {
        Place { from, to, page, owed: Vec::new() }
    }

    /// What is read after this page: the page before it, then the next slice; nothing at the window's end. The wire counts
    /// whole seconds, so ends are compared in seconds: what a fraction leaves over is in the next window's overlap.
    fn after(&self, list: List, end: Timestamp) -> Option<Place> {
        if self.page > 1 {
            Some(Place::new(self.from, self.to, self.page - 1))
        } else if self.to.seconds() < end.seconds() {
            Some(Place::new(self.to, list.slice_end(self.to, end), 0))
        } else {
            None
        }
    }
}

/// One page of a window; see [`wharf_connect::Channel::pull_orders`]. A window longer than the platform takes is read in slices.
pub(super) async fn page(top: &Top<'_>, window: &PullWindow, held: &dyn Held) -> Result<OrderPage, ConnectError> {
    let list = if window.initial { List::Created } else { List::Modified };
    let (place, first) = match window.page.as_deref() {
        None => {
            let to = list.slice_end(window.from, window.to);
            let pages = pages(top, list, window.from, to).await?;
            (Place::new(window.from, to, pages), true)
        }
        Some(text) => match Place::parse(text) {
            // Page 0 stands for a slice that has not been counted yet.
            Some(place) if place.page == 0 => {
                let pages = pages(top, list, place.from, place.to).await?;
                (Place::new(place.from, place.to, pages), true)
            }
            Some(place) => (place, false),
            None => return Err(ConnectError::Drift("the continuation of a pull is not one of ours".into())),
        },
    };
    let mut rows: Vec<Value> = place.owed.iter().map(|tid| serde_json::json!({ "tid": tid })).collect();
    if place.page > 0 && place.owed.is_empty() {
        let mut answer = list.rows(top, &place).await?;
        rows.append(&mut answer.trades);
        // Rows that came between the count and now have pushed others past the last page.
        let mut beyond = place.page;
        while first && answer.has_next == Some(true) && !answer.trades_were_empty && beyond < MOST_PAGES {
            beyond += 1;
            answer = list.rows(top, &Place::new(place.from, place.to, beyond)).await?;
            rows.append(&mut answer.trades);
        }
    }
    let Details { orders, unreadable, owed } = details(top, rows, held).await?;
    let next = if owed.is_empty() { place.after(list, window.to) } else { Some(Place { owed, ..place }) };
    Ok(OrderPage { orders, unreadable, next: next.map(|place| place.text()) })
}

/// How many trades were created in a window, its end left out.
pub(super) async fn count(top: &Top<'_>, window: &PullWindow) -> Result<i64, ConnectError> {
    let last = window.to.plus(-1);
    let answer = List::Created.ask(top, window.from, last, 1, 1, false, "tid").await?;
    total(&answer)?.ok_or_else(|| ConnectError::Drift("in the answer, total_results is missing".into()))
}

/// One trade with all that an order needs.
pub(super) async fn order(top: &Top<'_>, tid: &str) -> Result<ChannelOrder, ConnectError> {
    let value = trade_value(top, tid, FIELDS).await?;
    read(&value).map_err(|unread| ConnectError::Drift(format!("trade {tid}: {unread}")))
}

/// Some fields of one trade.
pub(super) async fn trade(top: &Top<'_>, tid: &str, fields: &str) -> Result<Trade, ConnectError> {
    let value = trade_value(top, tid, fields).await?;
    Trade::read(&value).map_err(|unread| ConnectError::Drift(format!("trade {tid}: {unread}")))
}

async fn trade_value(top: &Top<'_>, tid: &str, fields: &str) -> Result<Value, ConnectError> {
    let params = [("tid", tid.to_owned()), ("fields", fields.to_owned()), ("include_oaid", "true".to_owned())];
    let answer = top.read("taobao.trade.fullinfo.get", &params).await?;
    let value = answer.get::<Option<Value>>("trade")?.ok_or_else(|| answer.unreadable(&Unread::missing("trade")))?;
    // Another trade's detail must never become this order.
    match TradeRow::read(&value).map(|row| row.id().map(str::to_owned)) {
        Ok(Some(id)) if id == tid.trim() => Ok(value),
        Ok(Some(_)) => Err(answer.unreadable(&Unread::new("is of another trade").within("tid").within("trade"))),
        Ok(None) => Err(answer.unreadable(&Unread::missing("tid").within("trade"))),
        Err(unread) => Err(answer.unreadable(&unread.within("trade"))),
    }
}

/// A trade as it came, as a neutral order.
pub(super) fn read(value: &Value) -> Result<ChannelOrder, Unread> {
    // The keys are in order and the request's id is left out, so that the same trade always has the same bytes.
    map::order(&Trade::read(value)?, value.to_string().into_bytes())
}

/// What became of the rows of a page.
struct Details {
    orders: Vec<ChannelOrder>,
    unreadable: Vec<Unreadable>,
    /// Trades that are to be asked again.
    owed: Vec<String>,
}

/// Details of the rows of a page that are not held in the listed version. An order that cannot be read is set aside with its payload; an answer that makes no sense
/// is asked for again first, for it may be a page of errors or half of a body. A failure that is not the order's own
/// leaves it owed; where nothing at all could be read it is the failure of the page.
async fn details(top: &Top<'_>, rows: Vec<Value>, held: &dyn Held) -> Result<Details, ConnectError> {
    let mut seen = std::collections::BTreeSet::new();
    let mut out = Details { orders: Vec::new(), unreadable: Vec::new(), owed: Vec::new() };
    let mut tids = Vec::new();
    for row in rows {
        match TradeRow::read(&row).map(|row| (row.id().map(str::to_owned), row.modified)) {
            Ok((Some(tid), modified)) if seen.insert(tid.clone()) => tids.push((tid, modified, row)),
            Ok((Some(_), _)) => {}
            Ok((None, _)) => out.unreadable.push(set_aside(None, "tid is missing".into(), &row)),
            Err(unread) => out.unreadable.push(set_aside(None, unread.to_string(), &row)),
        }
    }
    let listed: Vec<String> = tids.iter().map(|(tid, _, _)| tid.clone()).collect();
    let versions = held.versions(&listed).await;
    tids.retain(|(tid, modified, _)| modified.is_none() || versions.get(tid) != modified.as_ref());
    let ids: Vec<String> = tids.iter().map(|(tid, _, _)| tid.clone()).collect();
    let mut asked = stream::iter(tids)
        .map(|(tid, _, row)| async move {
            let answer = match trade_value(top, &tid, FIELDS).await {
                Err(ConnectError::Drift(_)) => trade_value(top, &tid, FIELDS).await,
                answer => answer,
            };
            (tid, row, answer)
        })
        .buffered(AT_ONCE);
    let (mut done, mut failure, mut failed) = (0, None, 0);
    while let Some((tid, row, answer)) = asked.next().await {
        done += 1;
        match answer {
            Ok(value) => match read(&value) {
                Ok(order) => out.orders.push(order),
                Err(unread) => out.unreadable.push(set_aside(Some(tid), unread.to_string(), &value)),
            },
            Err(ConnectError::Refused { code, message }) if code.contains("trade-not-exist") => {
                out.unreadable.push(set_aside(Some(tid), format!("listed, but its detail is refused: {message} [{code}]"), &row));
            }
            Err(ConnectError::Drift(why)) => out.unreadable.push(set_aside(Some(tid), why, &row)),
            Err(error @ (ConnectError::Throttled { .. } | ConnectError::Transient(_))) => {
                out.owed.push(tid);
                failed += 1;
                let limited = matches!(error, ConnectError::Throttled { .. });
                failure = Some(error);
                // Who is limited stops asking at once; who fails again and again is not there.
                if limited || failed >= MOST_FAILURES {
                    break;
                }
            }
            Err(other) => return Err(other),
        }
    }
    out.owed.extend(ids.into_iter().skip(done));
    match failure {
        Some(error) if out.orders.is_empty() && out.unreadable.is_empty() => Err(error),
        _ => Ok(out),
    }
}

fn set_aside(external_id: Option<String>, why: String, payload: &Value) -> Unreadable {
    Unreadable { external_id, why, raw: payload.to_string().into_bytes() }
}

/// Pages of a slice. Servers that will not tell a total are walked to their end.
async fn pages(top: &Top<'_>, list: List, from: Timestamp, to: Timestamp) -> Result<i64, ConnectError> {
    let answer = list.ask(top, from, to, 1, PAGE_SIZE, false, "tid").await?;
    if let Some(total) = total(&answer)? {
        return Ok((total + PAGE_SIZE - 1) / PAGE_SIZE);
    }
    let mut rows: TradeList = answer.whole()?;
    if rows.has_next.is_none() && rows.trades.is_empty() {
        return Err(ConnectError::Drift("in the answer, total_results is missing".into()));
    }
    let mut page = 1;
    while rows.has_next == Some(true) && page < MOST_PAGES {
        page += 1;
        rows = list.ask(top, from, to, page, PAGE_SIZE, true, "tid").await?.whole()?;
    }
    Ok(page)
}

fn total(answer: &Answer) -> Result<Option<i64>, ConnectError> {
    match answer.whole::<TradeList>()?.total_results {
        Some(total) if !(0..=MOST_PAGES * PAGE_SIZE).contains(&total) => {
            Err(ConnectError::Drift("in the answer, total_results is no count".into()))
        }
        total => Ok(total),
    }
}

/// The rows of one page.
struct Rows {
    trades: Vec<Value>,
    trades_were_empty: bool,
    has_next: Option<bool>,
}

impl List {
    fn slice_end(self, from: Timestamp, to: Timestamp) -> Timestamp {
        match self {
            List::Created => to,
            List::Modified => to.min(from.plus(LONGEST)),
        }
    }

    async fn rows(self, top: &Top<'_>, place: &Place) -> Result<Rows, ConnectError> {
        let answer: TradeList =
            self.ask(top, place.from, place.to, place.page, PAGE_SIZE, true, "tid,tid_str,status,modified").await?.whole()?;
        Ok(Rows { trades_were_empty: answer.trades.is_empty(), trades: answer.trades, has_next: answer.has_next })
    }

    async fn ask(
        self,
        top: &Top<'_>,
        from: Timestamp,
        to: Timestamp,
        page: i64,
        size: i64,
        has_next: bool,
        fields: &str,
    ) -> Result<Answer, ConnectError> {
        let (method, start, end) = match self {
            List::Created => ("taobao.trades.sold.get", "start_created", "end_created"),
            List::Modified => ("taobao.trades.sold.increment.get", "start_modified", "end_modified"),
        };
        // Both ends are whole seconds and belong to the window.
        let to = Timestamp(to.micros().max(from.micros()) / SECOND * SECOND);
        let params = [
            ("fields", fields.to_owned()),
            (start, time::format(from)),
            (end, time::format(to)),
            ("page_no", page.to_string()),
            ("page_size", size.to_string()),
            ("use_has_next", has_next.to_string()),
            // Blank means the platform's usual kinds of trade; further kinds never appear unless they are named.
            ("type", top.call().settings.get_or("types", "").to_owned()),
        ];
        top.read(method, &params).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_ends_within_a_second_comes_to_an_end() {
        let end = Timestamp(1_795_293_809_734_567);
        for list in [List::Created, List::Modified] {
            let mut from = end.plus(-45 * MINUTE);
            let mut place = Some(Place::new(from, list.slice_end(from, end), 2));
            let mut steps = 0;
            while let Some(here) = place {
                steps += 1;
                assert!(steps < 20, "the paging does not end");
                // The continuation goes through its text, as between two runs; what is owed comes through, too.
                let owing = Place { owed: vec!["4301187260085123456".into(), "4301187260385123456".into()], ..here };
                let read = Place::parse(&owing.text()).expect("own text");
                assert_eq!(read.owed, owing.owed);
                from = read.from;
                place = read.after(list, end);
            }
            assert!(from < end);
        }
    }
}
