//! A channel that says what a test wrote for it: orders by shop, pages, failures. It talks to nobody.

use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};
use wharf_connect::channel::{
    Channel, Confirmed, Count, Held, OrderPage, PullWindow, ShipmentConfirmation, ShopIdentity, Unreadable, WindowRules, WriteNotes,
};
use wharf_connect::manifest::Pace;
use wharf_connect::{Call, ConnectError, Label, Manifest, Vendor};
use wharf_domain::order::channel::ChannelOrder;
use wharf_domain::time::{DAY, HOUR, MINUTE};

/// What one shop's channel holds.
#[derive(Default)]
pub struct Market {
    /// Orders.
    pub orders: Vec<ChannelOrder>,
    /// Ids that come as unreadable.
    pub unreadable: Vec<String>,
    /// Ids that lists leave out, as a channel does that loses a row while it pages.
    pub hidden: Vec<String>,
    /// The n-th call from now fails so.
    pub failure: Option<(usize, ConnectError)>,
    /// Notes that were written.
    pub notes: Vec<(String, String, Option<i64>)>,
    /// Windows that were asked.
    pub windows: Vec<PullWindow>,
    /// Orders that were told, each time.
    pub told: Vec<String>,
}

static MARKETS: LazyLock<Mutex<HashMap<String, Market>>> = LazyLock::new(Mutex::default);

/// Changes or reads the market of a shop, by its name.
pub fn market<T>(shop: &str, work: impl FnOnce(&mut Market) -> T) -> T {
    work(MARKETS.lock().expect("no test fails here").entry(shop.to_owned()).or_default())
}

pub struct Scripted;

pub static SCRIPTED: Scripted = Scripted;

static MANIFEST: Manifest = Manifest {
    id: "scripted",
    name: Label { en: "Scripted", zh: "脚本" },
    credentials: &[],
    settings: &[],
    hosts: &[],
    pace: Pace { per_minute: 1_000_000, burst: 10_000 },
    secret_headers: &[],
    logo_svg: "",
    zone: "Asia/Shanghai",
    currency: "CNY",
    docs_url: "",
    splits_orders: true,
    splits_lines: true,
    keep_personal_days: None,
};

impl Vendor for Scripted {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
    fn channel(&self) -> Option<&dyn Channel> {
        Some(self)
    }
}

fn fail(m: &mut Market) -> Result<(), ConnectError> {
    match &mut m.failure {
        Some((0, _)) => Err(m.failure.take().expect("just seen").1),
        Some((n, _)) => {
            *n -= 1;
            Ok(())
        }
        None => Ok(()),
    }
}

#[async_trait]
impl Channel for Scripted {
    async fn pull_orders(&self, call: &Call<'_>, window: &PullWindow, held: &dyn Held) -> Result<OrderPage, ConnectError> {
        const SIZE: usize = 5;
        let token = call.credentials.need("token")?;
        let listed: Vec<String> = market(token, |m| m.orders.iter().map(|o| o.external_id.clone()).collect());
        let versions = held.versions(&listed).await;
        market(token, |m| {
            m.windows.push(window.clone());
            fail(m)?;
            let mut hits: Vec<&ChannelOrder> = m
                .orders
                .iter()
                .filter(|o| {
                    let at = if window.initial { o.placed_at } else { o.modified_at };
                    at >= window.from && at < window.to && (window.initial || !m.hidden.contains(&o.external_id))
                })
                .collect();
            hits.sort_by_key(|o| (o.modified_at, o.external_id.clone()));
            let start: usize = window.page.as_deref().map_or(Ok(0), str::parse).map_err(|_| ConnectError::Drift("page".into()))?;
            let page: Vec<&ChannelOrder> = hits.iter().skip(start).take(SIZE).copied().collect();
            let next = (start + SIZE < hits.len()).then(|| (start + SIZE).to_string());
            let page: Vec<&ChannelOrder> = page.into_iter().filter(|o| versions.get(&o.external_id) != Some(&o.modified_at)).collect();
            m.told.extend(page.iter().map(|o| o.external_id.clone()));
            let (bad, good): (Vec<&ChannelOrder>, Vec<&ChannelOrder>) =
                page.into_iter().partition(|o| m.unreadable.contains(&o.external_id));
            let unreadable = bad
                .into_iter()
                .map(|o| Unreadable { external_id: Some(o.external_id.clone()), why: "a new field".into(), raw: o.raw.clone() })
                .collect();
            Ok(OrderPage { orders: good.into_iter().cloned().collect(), unreadable, next })
        })
    }

    async fn get_order(&self, call: &Call<'_>, external_id: &str) -> Result<ChannelOrder, ConnectError> {
        market(call.credentials.need("token")?, |m| {
            fail(m)?;
            if m.unreadable.iter().any(|id| id == external_id) {
                return Err(ConnectError::Drift("a new field".into()));
            }
            let found = m.orders.iter().find(|o| o.external_id == external_id).cloned();
            found.ok_or(ConnectError::Refused { code: "404".into(), message: "没有这个订单".into() })
        })
    }

    async fn count_orders(&self, call: &Call<'_>, window: &PullWindow) -> Result<Count, ConnectError> {
        market(call.credentials.need("token")?, |m| {
            fail(m)?;
            Ok(Count { theirs: m.orders.iter().filter(|o| o.placed_at >= window.from && o.placed_at < window.to).count() as i64 })
        })
    }

    async fn confirm_shipment(&self, _: &Call<'_>, _: &ShipmentConfirmation) -> Result<Confirmed, ConnectError> {
        Ok(Confirmed::Already)
    }

    async fn identify(&self, _: &Call<'_>) -> Result<ShopIdentity, ConnectError> {
        Ok(ShopIdentity { external_id: "1".into(), name: "scripted".into() })
    }

    fn window_rules(&self) -> WindowRules {
        WindowRules { longest: 30 * MINUTE, overlap: 2 * MINUTE, lag: MINUTE, history: 3 * DAY + HOUR }
    }

    fn notes(&self) -> Option<&dyn WriteNotes> {
        Some(self)
    }
}

#[async_trait]
impl WriteNotes for Scripted {
    async fn write_note(&self, call: &Call<'_>, external_id: &str, note: &str, flag: Option<i64>) -> Result<(), ConnectError> {
        market(call.credentials.need("token")?, |m| {
            fail(m)?;
            m.notes.push((external_id.to_owned(), note.to_owned(), flag));
            Ok(())
        })
    }
}
