//! Pull: windows of a channel's orders, page by page, each page stored in one transaction that also moves the cursor.
//! Completeness: the channel's count of each hour beside ours, and an hour with a gap is read again. Silence against the
//! shop's own habit is an alarm.

use crate::app::{App, Calling, FlowError};
use crate::ingest::{Batch, CursorMove, Ingested, Source, ingest};
use async_trait::async_trait;
use serde_json::json;
use std::collections::HashMap;
use wharf_connect::channel::{Channel, PullWindow, WindowRules};
use wharf_connect::{ConnectError, Credentials, Held, NothingHeld, Settings};
use wharf_domain::id::ShopId;
use wharf_domain::metrics;
use wharf_domain::time::{DAY, HOUR, MINUTE, SECOND, Timestamp};
use wharf_store::alerts::{self, About};
use wharf_store::completeness::{self, Hour};
use wharf_store::orders;
use wharf_store::shops::{self, Pull, Shop, ShopState};
use wharf_store::{StoreError, Tx};

/// Pages of one run; then the job lets others go first.
const PAGES_A_RUN: usize = 40;
/// Windows end this far behind our clock, which may run a little ahead of the channel's.
const CLOCK_SKEW: i64 = 5 * SECOND;
/// Hours asked of a channel in one run of completeness.
const HOURS_A_RUN: usize = 6;
/// How far back completeness looks.
const HOURS_BACK: i64 = 24;
/// Pages an hour may have when it is read again.
const PAGES_AN_HOUR: usize = 200;

/// What a run of pulling did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pulled {
    /// Pages stored.
    pub pages: usize,
    /// Orders that are new.
    pub inserted: usize,
    /// Orders that changed.
    pub amended: usize,
    /// What is parked.
    pub parked: usize,
    /// There is more to read now.
    pub more: bool,
}

impl Pulled {
    fn add(&mut self, page: &Ingested) {
        self.pages += 1;
        self.inserted += page.inserted.len();
        self.amended += page.amended.len();
        self.parked += page.parked;
    }
}

/// A shop with what a call to its channel needs.
struct Line {
    shop: Shop,
    credentials: Credentials,
    pull: Option<Pull>,
}

async fn line(app: &App, id: ShopId) -> Result<Line, FlowError> {
    app.store
        .read(move |tx| {
            let shop = shops::get(tx, id)?.ok_or_else(|| FlowError::NotFound(format!("shop {id}")))?;
            let credentials = Credentials(shops::credentials(tx, id)?);
            Ok(Line { shop, credentials, pull: shops::pull(tx, id)? })
        })
        .await
}

fn channel_of(app: &App, shop: &Shop) -> Result<Option<&'static dyn Channel>, FlowError> {
    Ok(app.vendor(&shop.vendor)?.channel())
}

fn calling(app: &App, line: &Line) -> Result<Calling, FlowError> {
    let vendor = app.vendor(&line.shop.vendor)?;
    Ok(app.calling("pull", line.shop.id.0, vendor, line.credentials.clone(), Settings(line.shop.settings.clone())))
}

/// What we hold of a shop, for a window that is being read. A version is told again only while it goes from fresh to settled:
/// a channel's times are coarse, so one that was read in its first seconds may have changed once more within its second.
struct HeldOrders<'a> {
    app: &'a App,
    shop: ShopId,
    settled_before: Timestamp,
    fresh_from: Timestamp,
}

#[async_trait]
impl Held for HeldOrders<'_> {
    async fn versions(&self, external_ids: &[String]) -> HashMap<String, Timestamp> {
        let (shop, ids) = (self.shop, external_ids.to_vec());
        match self.app.store.read(move |tx| orders::versions(tx, shop, &ids).map_err(FlowError::from)).await {
            Ok(held) => held.into_iter().filter(|(_, at)| *at < self.settled_before || *at >= self.fresh_from).collect(),
            Err(error) => {
                tracing::warn!(%error, %shop, "what is held is unknown just now: all is asked for");
                HashMap::new()
            }
        }
    }
}

/// Reads what changed in a shop since its cursor, window after window, until it is up to date or the run is long enough.
pub async fn pull(app: &App, id: ShopId) -> Result<Pulled, FlowError> {
    let mut report = Pulled::default();
    // A run reads up to the time it began. Reading takes time: behind the clock itself it would always find a next, tiny window
    // and ask the channel without pause.
    let began = app.now();
    while report.pages < PAGES_A_RUN {
        let line = line(app, id).await?;
        if line.shop.state != ShopState::Active {
            return Ok(report);
        }
        let Some(channel) = channel_of(app, &line.shop)? else { return Ok(report) };
        let rules = channel.window_rules();
        let Some(window) = next_window(&line, &rules, began) else { return Ok(report) };
        let started_at = line.pull.as_ref().map_or(app.now(), |pull| pull.started_at);
        // What is younger than this may still be listed late: it is read, and read again by the next window.
        let settled = started_at.plus(-rules.lag);
        let held = HeldOrders { app, shop: id, settled_before: line.shop.cursor_at.unwrap_or(Timestamp(i64::MIN)), fresh_from: settled };
        let read = channel.pull_orders(&calling(app, &line)?.call(), &window, &held).await;
        let page = match read {
            Ok(page) => page,
            Err(error) => {
                failed(app, &line, &window, &error).await?;
                return Err(error.into());
            }
        };
        let up_to_date = page.next.is_none() && window.to > settled;
        let cursor = match page.next {
            Some(next) => CursorMove::Page(Pull { from: window.from, to: window.to, page: Some(next), started_at }),
            None => CursorMove::Complete(window.to.min(settled)),
        };
        let stored = ingest(app, id, Batch { orders: page.orders, unreadable: page.unreadable }, Source::Channel, cursor).await?;
        report.add(&stored);
        if up_to_date {
            return Ok(report);
        }
    }
    report.more = true;
    Ok(report)
}

/// The window to read next: the one under way, else the next one behind the clock; `None` when nothing is due.
fn next_window(line: &Line, rules: &WindowRules, now: Timestamp) -> Option<PullWindow> {
    let initial = line.shop.cursor_at.is_none();
    if let Some(pull) = &line.pull {
        return Some(PullWindow { from: pull.from, to: pull.to, page: pull.page.clone(), initial });
    }
    let newest = now.plus(-rules.lag.min(CLOCK_SKEW));
    match line.shop.cursor_at {
        // The first pull is one window by placing time; what changes meanwhile is read by the windows after it. It ends behind
        // the lag: an order that is listed late would push others onto pages that were read, and no overlap reads those again.
        None => Some(PullWindow { from: now.plus(-rules.history), to: now.plus(-rules.lag), page: None, initial }),
        Some(cursor) if cursor < newest => {
            let from = cursor.plus(-rules.overlap);
            let settled = now.plus(-rules.lag);
            // For the same reason a window reads on to the clock only when the next one reads again all that is new in it.
            let end = if cursor < settled.plus(-rules.overlap) { settled } else { newest };
            Some(PullWindow { from, to: from.plus(rules.longest.max(rules.overlap + MINUTE)).min(end), page: None, initial })
        }
        Some(_) => None,
    }
}

/// What the shop shows of a failed pull; a dead token stops the shop and says so.
async fn failed(app: &App, line: &Line, window: &PullWindow, error: &ConnectError) -> Result<(), FlowError> {
    let (id, words) = (line.shop.id, error.to_string());
    let dead = matches!(error, ConnectError::Reauthorize(_));
    // A continuation that the channel no longer accepts would fail for ever: the window begins again.
    let stuck = window.page.is_some() && matches!(error, ConnectError::Refused { .. } | ConnectError::Drift(_));
    app.store
        .write(move |tx| {
            shops::set_pull_error(tx, id, Some(&words))?;
            if dead {
                shops::set_state(tx, id, ShopState::Reauthorize, &words)?;
            }
            if stuck {
                shops::forget_pull(tx, id)?;
            }
            Ok::<_, FlowError>(())
        })
        .await
}

/// Reads one order of a shop (a push is a poke: its payload is never the truth).
pub async fn pull_one(app: &App, id: ShopId, external_id: &str) -> Result<Pulled, FlowError> {
    let line = line(app, id).await?;
    let mut report = Pulled::default();
    let Some(channel) = channel_of(app, &line.shop)? else { return Ok(report) };
    if line.shop.state != ShopState::Active {
        return Ok(report);
    }
    let order = match channel.get_order(&calling(app, &line)?.call(), external_id).await {
        Ok(order) => order,
        Err(ConnectError::Drift(why)) => {
            let (again, words) = (external_id.to_owned(), why.clone());
            if app.store.write(move |tx| completeness::still_parked(tx, id, &again, &words).map_err(FlowError::from)).await? {
                report.parked = 1;
                return Ok(report);
            }
            let raw = wharf_connect::channel::Unreadable { external_id: Some(external_id.to_owned()), why, raw: Vec::new() };
            let stored = ingest(app, id, Batch { orders: Vec::new(), unreadable: vec![raw] }, Source::Channel, CursorMove::Stay).await?;
            report.add(&stored);
            return Ok(report);
        }
        Err(error) => return Err(error.into()),
    };
    let stored = ingest(app, id, Batch { orders: vec![order], unreadable: Vec::new() }, Source::Channel, CursorMove::Stay).await?;
    report.add(&stored);
    Ok(report)
}

/// Reads again what is parked of a shop, where its number is known. Answers how many were read at last.
pub async fn retry_parked(app: &App, id: ShopId) -> Result<usize, FlowError> {
    let scope = wharf_domain::access::Scope { shops: Some(vec![id]), warehouses: None };
    let parked = app.store.read(move |tx| completeness::parked(tx, &scope, Some(id), None, 200).map_err(FlowError::from)).await?;
    let mut read = 0;
    for one in parked.iter().filter(|parked| !parked.external_id.is_empty()) {
        match pull_one(app, id, &one.external_id).await {
            Ok(report) if report.parked == 0 => read += 1,
            Ok(_) | Err(FlowError::Connect(ConnectError::Refused { .. })) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// What a run of completeness found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// Hours that were asked.
    pub hours: Vec<Hour>,
    /// Hours that are still short after they were read again.
    pub gaps: usize,
    /// The shop fell silent against its habit just now.
    pub silent: bool,
    /// Hours that were never asked are left for the next run.
    pub more: bool,
}

/// Compares the channel's count of recent hours with ours, reads hours with a gap again, and minds the shop's habit.
pub async fn check_completeness(app: &App, id: ShopId) -> Result<Checked, FlowError> {
    let line = line(app, id).await?;
    let mut report = Checked::default();
    let Some(channel) = channel_of(app, &line.shop)? else { return Ok(report) };
    let Some(cursor) = line.shop.cursor_at.filter(|_| line.shop.state == ShopState::Active) else { return Ok(report) };
    report.silent = app.store.write(move |tx| mind_silence(tx, id).map_err(FlowError::from)).await?;
    let known = app.store.read(move |tx| completeness::hours(tx, id, cursor.plus(-HOURS_BACK * HOUR)).map_err(FlowError::from)).await?;
    let due = due_hours(&known, cursor, &channel.window_rules());
    report.more = due.iter().skip(HOURS_A_RUN).any(|hour| known.iter().all(|k| k.hour != *hour));
    for hour in due.into_iter().take(HOURS_A_RUN) {
        let window = PullWindow { from: hour, to: hour.plus(HOUR), page: None, initial: true };
        let theirs = channel.count_orders(&calling(app, &line)?.call(), &window).await?.theirs;
        let mut now = save_hour(app, id, hour, theirs).await?;
        if now.gap() > 0 {
            reread(app, &line, channel, &window).await?;
            now = save_hour(app, id, hour, theirs).await?;
        }
        report.gaps += usize::from(now.gap() > 0);
        report.hours.push(now);
    }
    Ok(report)
}

async fn save_hour(app: &App, id: ShopId, hour: Timestamp, theirs: i64) -> Result<Hour, FlowError> {
    app.store.write(move |tx| completeness::save(tx, id, hour, theirs).map_err(FlowError::from)).await
}

/// Whole hours behind the cursor that were never asked, have a gap, or were asked too early to be final; the newest first.
fn due_hours(known: &[Hour], cursor: Timestamp, rules: &WindowRules) -> Vec<Timestamp> {
    let last = cursor.plus(-rules.overlap).hour_floor().plus(-HOUR);
    (0..HOURS_BACK)
        .map(|back| last.plus(-back * HOUR))
        .filter(|hour| {
            known
                .iter()
                .find(|k| k.hour == *hour)
                .is_none_or(|k| k.gap() > 0 || (k.checked_at < hour.plus(3 * HOUR) && cursor >= hour.plus(3 * HOUR)))
        })
        .collect()
}

async fn reread(app: &App, line: &Line, channel: &dyn Channel, hour: &PullWindow) -> Result<(), FlowError> {
    let mut window = hour.clone();
    for _ in 0..PAGES_AN_HOUR {
        let page = channel.pull_orders(&calling(app, line)?.call(), &window, &NothingHeld).await?;
        ingest(app, line.shop.id, Batch { orders: page.orders, unreadable: page.unreadable }, Source::Channel, CursorMove::Stay).await?;
        match page.next {
            Some(next) => window.page = Some(next),
            None => break,
        }
    }
    Ok(())
}

/// Sets or ends the alarm of silence, against the shop's own habit and against the hours that its owner set. `Ok(true)` when the shop fell silent just now.
pub fn mind_silence(tx: &mut Tx<'_>, id: ShopId) -> Result<bool, StoreError> {
    const HABIT: i64 = 14 * DAY;
    let Some(shop) = shops::get(tx, id)? else { return Ok(false) };
    let now = tx.now();
    let from = now.plus(-HABIT);
    let habit = completeness::habit(tx, id, from, now)?;
    let too_long = |last: Timestamp| shop.policy.alarms.silent_hours.is_some_and(|hours| now.since(last) >= i64::from(hours) * HOUR);
    let alarm = shop.last_order_at.filter(|last| too_long(*last) || metrics::silent_since(&habit, *last, now));
    let news = shops::set_silent(tx, id, alarm)?;
    let about = About::ShopSilent { shop: id };
    match alarm {
        Some(last) => alerts::raise(tx, &[(about, json!({ "shop": shop.name, "last_order_at": last }))])?,
        None => alerts::clear(tx, &[about])?,
    };
    Ok(news && alarm.is_some())
}
