//! A vendor that is channel and carrier at once, counts what took effect, and fails as it is told.

use super::bed::channel_order;
use async_trait::async_trait;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Mutex;
use tokio::sync::Notify;
use wharf_connect::carrier::{BookRequest, Booked, Carrier, ParcelOrder, TrackingUpdate};
use wharf_connect::channel::{
    CancelOrders, CancelTerms, Channel, Confirmed, Count, Held, OrderPage, PullWindow, ShipmentConfirmation, ShopIdentity, WindowRules,
    WriteNotes,
};
use wharf_connect::manifest::Pace;
use wharf_connect::{Call, ConnectError, Http, HttpRequest, HttpResponse, Label, LabelSource, Manifest, TransportError, Vendor};
use wharf_domain::cancellation::CancelReason;
use wharf_domain::money::{CNY, Money};
use wharf_domain::order::ChannelStatus;
use wharf_domain::order::channel::{ChannelOrder, ChannelShipment};
use wharf_domain::word::Observed;

/// What goes wrong with the next call of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing happened, and it is known.
    NotSent,
    /// Nothing happened, and nobody knows.
    LostBefore,
    /// It happened, and the answer was lost.
    LostAfter,
    /// It happened, and the answer cannot be read.
    Garbled,
    /// A business no.
    Refused,
    /// The credentials are dead.
    Reauthorize,
    /// The process dies before the effect.
    DiesBefore,
    /// The process dies after the effect.
    DiesAfter,
}

/// The truth on the other side.
#[derive(Default)]
pub struct Truth {
    /// Numbers sold, by client reference: more than one is a second purchase.
    pub sold: BTreeMap<String, Vec<String>>,
    /// Numbers given back.
    pub voided: Vec<String>,
    /// Confirmations that took effect: (order, number) → how often.
    pub confirmed: BTreeMap<(String, String), usize>,
    /// Orders closed for their seller: which, and how many calls took effect.
    pub closed: BTreeMap<String, usize>,
    /// What was told of each: order, lines with their units.
    pub told: Vec<(String, Vec<(String, i64)>)>,
    /// Faults of the next calls, by kind of call.
    pub faults: HashMap<&'static str, VecDeque<Fault>>,
    /// What a parcel's scans say.
    pub scans: Vec<TrackingUpdate>,
    /// What the channel lists.
    pub for_sale: Vec<ChannelOrder>,
    /// Notes as they stand on the channel, by order.
    pub notes: BTreeMap<String, String>,
    /// Calls made, by kind.
    pub calls: HashMap<&'static str, usize>,
    serial: usize,
}

pub struct Fake {
    manifest: &'static Manifest,
    pub truth: Mutex<Truth>,
    pub hung: Notify,
}

impl Fake {
    pub fn new() -> &'static Fake {
        Fake::with(true)
    }

    /// A channel that takes a line whole or not at all.
    pub fn of_whole_lines() -> &'static Fake {
        Fake::with(false)
    }

    fn with(splits_lines: bool) -> &'static Fake {
        Box::leak(Box::new(Fake {
            manifest: Box::leak(Box::new(Manifest {
                id: "counting",
                name: Label { en: "Counting", zh: "计数" },
                credentials: &[],
                settings: &[],
                hosts: &[],
                pace: Pace { per_minute: 1_000_000, burst: 100_000 },
                secret_headers: &[],
                logo_svg: "",
                zone: "Asia/Shanghai",
                currency: "CNY",
                docs_url: "",
                splits_orders: true,
                splits_lines,
                keep_personal_days: None,
            })),
            truth: Mutex::new(Truth::default()),
            hung: Notify::new(),
        }))
    }

    pub fn fault(&self, call: &'static str, fault: Fault) {
        self.truth.lock().expect("truth").faults.entry(call).or_default().push_back(fault);
    }

    pub fn calls(&self, call: &'static str) -> usize {
        self.truth.lock().expect("truth").calls.get(call).copied().unwrap_or(0)
    }

    /// Purchases that were not given back, in all.
    pub fn live_numbers(&self) -> Vec<String> {
        let truth = self.truth.lock().expect("truth");
        truth.sold.values().flatten().filter(|n| !truth.voided.contains(n)).cloned().collect()
    }

    pub fn bought_twice(&self) -> bool {
        self.truth.lock().expect("truth").sold.values().any(|numbers| numbers.len() > 1)
    }

    pub fn confirmations(&self) -> BTreeMap<(String, String), usize> {
        self.truth.lock().expect("truth").confirmed.clone()
    }

    /// What was told, in order.
    pub fn told(&self) -> Vec<(String, Vec<(String, i64)>)> {
        self.truth.lock().expect("truth").told.clone()
    }

    fn next(&self, call: &'static str) -> Option<Fault> {
        let mut truth = self.truth.lock().expect("truth");
        *truth.calls.entry(call).or_default() += 1;
        truth.faults.get_mut(call).and_then(VecDeque::pop_front)
    }

    /// Runs an effect with the fault of this call around it.
    async fn perform<T>(&self, call: &'static str, effect: impl FnOnce(&mut Truth) -> T) -> Result<T, ConnectError> {
        let fault = self.next(call);
        match fault {
            Some(Fault::NotSent) => return Err(ConnectError::Transient("not sent".into())),
            Some(Fault::LostBefore) => return Err(ConnectError::Unsure("lost".into())),
            Some(Fault::Refused) => return Err(ConnectError::Refused { code: "B-17".into(), message: "地址不可达".into() }),
            Some(Fault::Reauthorize) => return Err(ConnectError::Reauthorize("session expired".into())),
            Some(Fault::DiesBefore) => {
                self.hung.notify_one();
                std::future::pending::<()>().await;
            }
            Some(Fault::LostAfter | Fault::Garbled | Fault::DiesAfter) | None => {}
        }
        let value = effect(&mut self.truth.lock().expect("truth"));
        match fault {
            Some(Fault::LostAfter) => Err(ConnectError::Unsure("lost".into())),
            Some(Fault::Garbled) => Err(ConnectError::Drift("what is this".into())),
            Some(Fault::DiesAfter) => {
                self.hung.notify_one();
                std::future::pending::<()>().await;
                Ok(value)
            }
            Some(Fault::NotSent | Fault::LostBefore | Fault::Refused | Fault::Reauthorize | Fault::DiesBefore) | None => Ok(value),
        }
    }
}

fn booked(number: String) -> Booked {
    Booked {
        number,
        carrier_code: "CNT".into(),
        carrier_name: "计数快递".into(),
        label: LabelSource::Drawn { routing_code: "A1-02".into(), routing_name: "杭州集散".into() },
        cost: Some(Money::new(350, CNY)),
    }
}

impl Vendor for Fake {
    fn manifest(&self) -> &'static Manifest {
        self.manifest
    }
    fn channel(&self) -> Option<&dyn Channel> {
        Some(self)
    }
    fn carrier(&self) -> Option<&dyn Carrier> {
        Some(self)
    }
}

#[async_trait]
impl Carrier for Fake {
    /// Never idempotent: asked twice, it sells twice.
    async fn book(&self, _: &Call<'_>, request: &BookRequest) -> Result<Booked, ConnectError> {
        let number = self
            .perform("book", |truth| {
                truth.serial += 1;
                let number = format!("CNT{:08}", truth.serial);
                truth.sold.entry(request.client_reference.clone()).or_default().push(number.clone());
                number
            })
            .await?;
        Ok(booked(number))
    }
    async fn find(&self, _: &Call<'_>, request: &BookRequest) -> Result<Option<Booked>, ConnectError> {
        self.perform("find", |truth| truth.sold.get(&request.client_reference).and_then(|n| n.first()).cloned().map(booked)).await
    }
    async fn void(&self, _: &Call<'_>, _: &str, number: &str) -> Result<(), ConnectError> {
        self.perform("void", |truth| {
            if !truth.voided.iter().any(|n| n == number) {
                truth.voided.push(number.to_owned());
            }
        })
        .await
    }
    async fn track(&self, _: &Call<'_>, _: &str, _: &str, _: Option<&ParcelOrder>) -> Result<Option<Vec<TrackingUpdate>>, ConnectError> {
        self.perform("track", |truth| Some(truth.scans.clone())).await
    }
    fn services(&self) -> &'static [(&'static str, Label)] {
        &[("standard", Label { en: "Standard", zh: "标准" })]
    }
}

#[async_trait]
impl Channel for Fake {
    async fn pull_orders(&self, _: &Call<'_>, _: &PullWindow, _: &dyn Held) -> Result<OrderPage, ConnectError> {
        let orders = self.perform("pull", |truth| truth.for_sale.clone()).await?;
        Ok(OrderPage { orders, unreadable: Vec::new(), next: None })
    }
    async fn get_order(&self, _: &Call<'_>, external_id: &str) -> Result<ChannelOrder, ConnectError> {
        let (numbers, closed) = self
            .perform("get_order", |truth| {
                let numbers = truth.confirmed.keys().filter(|(id, _)| id == external_id).map(|(_, n)| n.clone()).collect::<Vec<_>>();
                (numbers, truth.closed.contains_key(external_id))
            })
            .await?;
        let mut order = channel_order(external_id, &[], "");
        if closed {
            order.status = Observed::Known(ChannelStatus::Cancelled);
            order.observed_status = "TRADE_CLOSED".into();
        }
        order.shipments = numbers
            .into_iter()
            .map(|number| ChannelShipment { carrier: "CNT".into(), number, line_ids: Vec::new(), shipped_at: None })
            .collect();
        Ok(order)
    }
    async fn count_orders(&self, _: &Call<'_>, _: &PullWindow) -> Result<Count, ConnectError> {
        Ok(Count { theirs: 0 })
    }
    /// Never idempotent: every call that gets through counts.
    async fn confirm_shipment(&self, _: &Call<'_>, told: &ShipmentConfirmation) -> Result<Confirmed, ConnectError> {
        assert!(!told.number.is_empty(), "never without the number");
        self.perform("confirm", |truth| {
            *truth.confirmed.entry((told.external_id.clone(), told.number.clone())).or_default() += 1;
            truth.told.push((told.external_id.clone(), told.lines.clone()));
        })
        .await?;
        Ok(Confirmed::Accepted { receipt: "R1".into() })
    }
    async fn identify(&self, _: &Call<'_>) -> Result<ShopIdentity, ConnectError> {
        Ok(ShopIdentity { external_id: "1".into(), name: "counting".into() })
    }
    fn cancel(&self) -> Option<&dyn CancelOrders> {
        Some(self)
    }
    fn window_rules(&self) -> WindowRules {
        WindowRules { longest: i64::MAX, overlap: 0, lag: 0, history: i64::MAX }
    }
    fn notes(&self) -> Option<&dyn WriteNotes> {
        Some(self)
    }
}

#[async_trait]
impl WriteNotes for Fake {
    async fn write_note(&self, _: &Call<'_>, external_id: &str, note: &str, _: Option<i64>) -> Result<(), ConnectError> {
        self.perform("note", |truth| {
            truth.notes.insert(external_id.to_owned(), note.to_owned());
        })
        .await
    }
}

/// Takes what is paid, for two reasons. Never idempotent: every call that gets through counts.
#[async_trait]
impl CancelOrders for Fake {
    fn terms(&self) -> &'static CancelTerms {
        &CancelTerms { reasons: &[CancelReason::BuyerAsked, CancelReason::OutOfStock], paid: true }
    }
    async fn cancel(&self, _: &Call<'_>, external_id: &str, _: CancelReason) -> Result<Confirmed, ConnectError> {
        self.perform("cancel", |truth| *truth.closed.entry(external_id.to_owned()).or_default() += 1).await?;
        Ok(Confirmed::Accepted { receipt: "C1".into() })
    }
}

/// A vendor without a channel: its shops' orders are typed or come by files.
pub struct Plain(&'static Manifest);

pub static PLAIN: Plain = Plain(&Manifest {
    id: "plain",
    name: Label { en: "Plain", zh: "无平台" },
    credentials: &[],
    settings: &[],
    hosts: &[],
    pace: Pace { per_minute: 1_000_000, burst: 100_000 },
    secret_headers: &[],
    logo_svg: "",
    zone: "Asia/Shanghai",
    currency: "CNY",
    docs_url: "",
    splits_orders: false,
    splits_lines: false,
    keep_personal_days: None,
});

impl Vendor for Plain {
    fn manifest(&self) -> &'static Manifest {
        self.0
    }
}

/// Nobody answers.
pub struct NoHttp;

#[async_trait]
impl Http for NoHttp {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
        Err(TransportError::NotSent("there is no network here".into()))
    }
}
