//! A vendor against its own sandbox on the simulated market: the whole way of a page, of a confirmation and of a waybill,
//! with faults. The market's truth stands beside what the vendor says of it.

use crate::carrier::{BookRequest, ParcelOrder, Sender};
use crate::channel::{Channel, Confirmed, Held, NothingHeld, PullWindow, ShipmentConfirmation};
use crate::sandbox::SandboxHttp;
use crate::world::orders::{LineDraft, Order};
use crate::world::{Act, Fault, FaultKind, MarketPlan, OrderDraft, World};
use crate::{Call, ConnectError, Credentials, Settings, Vendor};
use async_trait::async_trait;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use wharf_domain::address::{PersonalData, Recipient};
use wharf_domain::money::{Currency, Money};
use wharf_domain::order::Payment;
use wharf_domain::order::channel::ChannelOrder;
use wharf_domain::time::{HOUR, MINUTE, SECOND, Timestamp};
use wharf_domain::word::Observed;

/// 2026-03-18T15:20:00Z: the platforms of China pass midnight while the tests run.
const OPENING: Timestamp = Timestamp::from_seconds(1_773_847_200);

/// A quiet market with a clock of its own, and an account of the vendor under test for its first shop.
pub struct Stage {
    http: SandboxHttp,
    clock: Arc<AtomicI64>,
    shop: String,
    credentials: Credentials,
    settings: Settings,
}

impl Stage {
    /// A stage for `vendor` on a market where `vendors` have their shops.
    pub fn new(vendor: &'static dyn Vendor, vendors: &[&'static dyn Vendor]) -> Stage {
        let plan = MarketPlan::quiet(vendors, 7, OPENING);
        let own = plan.shops.iter().find(|shop| shop.vendor == vendor.manifest().id).or_else(|| plan.shops.first());
        let shop = own.map(|shop| shop.key.clone()).expect("a shop on the market");
        let clock = Arc::new(AtomicI64::new(OPENING.micros()));
        let hand = clock.clone();
        let http =
            SandboxHttp::new(Arc::new(World::in_memory(plan)), vendors.to_vec(), Arc::new(move || Timestamp(hand.load(Ordering::SeqCst))));
        let (credentials, settings) = http.account(vendor.manifest().id, &shop).expect("an account of the shop");
        Stage { http, clock, shop, credentials, settings }
    }

    fn call(&self) -> Call<'_> {
        Call { http: &self.http, now: self.now(), nonce: "0123456789abcdef", credentials: &self.credentials, settings: &self.settings }
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.clock.load(Ordering::SeqCst))
    }

    fn pass(&self, micros: i64) {
        self.clock.fetch_add(micros, Ordering::SeqCst);
    }

    fn world(&self) -> &World {
        self.http.world()
    }

    fn place(&self, draft: OrderDraft) -> i64 {
        self.world().place(self.now(), &self.shop, draft).expect("placed")
    }

    fn act(&self, order: i64, act: Act) {
        self.world().act(self.now(), order, act).expect("acted");
    }

    fn truth<T>(&self, order: i64, look: impl FnOnce(&Order) -> T) -> T {
        self.world().read(|market| look(market.order(order).expect("known")))
    }

    /// Every page of one window.
    async fn window(&self, channel: &dyn Channel, from: Timestamp, to: Timestamp, initial: bool) -> Vec<ChannelOrder> {
        let mut window = PullWindow { from, to, page: None, initial };
        let mut orders = Vec::new();
        for _ in 0..200 {
            let page = channel.pull_orders(&self.call(), &window, &NothingHeld).await.unwrap_or_else(|error| panic!("{error}"));
            if let Some(odd) = page.unreadable.first() {
                panic!("{:?} cannot be read: {}", odd.external_id, odd.why);
            }
            orders.extend(page.orders);
            match page.next {
                Some(next) => window.page = Some(next),
                None => return orders,
            }
        }
        panic!("the paging of a window does not end");
    }

    /// All windows from the opening to now, as the channel wants them cut.
    async fn pull_all(&self, channel: &dyn Channel) -> BTreeMap<String, ChannelOrder> {
        let rules = channel.window_rules();
        let (mut from, end) = (OPENING.plus(-rules.overlap), self.now().plus(-rules.lag));
        let mut known: BTreeMap<String, ChannelOrder> = BTreeMap::new();
        while from < end {
            let to = end.min(from.plus(rules.longest));
            for order in self.window(channel, from, to, false).await {
                match known.get(&order.external_id) {
                    Some(newer) if newer.modified_at > order.modified_at => {}
                    _ => drop(known.insert(order.external_id.clone(), order)),
                }
            }
            if to == end {
                break;
            }
            from = to.plus(-rules.overlap);
        }
        known
    }
}

fn shown(order: &ChannelOrder) -> String {
    serde_json::to_string(order).unwrap_or_default()
}

/// A page is complete, the same twice, exact to the last unit, and nothing is lost while orders change during paging.
pub async fn channel_reads_the_market(vendor: &'static dyn Vendor, vendors: &[&'static dyn Vendor]) {
    let channel = vendor.channel().expect("a channel");
    let stage = Stage::new(vendor, vendors);
    let mut numbers = Vec::new();
    for index in 0..130 {
        numbers.push(stage.place(OrderDraft {
            paid: Some(index % 4 != 0),
            postage_minor: 600,
            discount_minor: (index % 3) * 50,
            ..OrderDraft::default()
        }));
        stage.pass(40 * SECOND);
    }
    stage.act(numbers[0], Act::Cancel);
    stage.act(numbers[4], Act::Pay);
    stage.act(numbers[5], Act::Note { note: Some("加赠".into()), flag: 3 });
    stage.pass(5 * MINUTE);

    let known = stage.pull_all(channel).await;
    assert_eq!(known.len(), numbers.len(), "every order is there, none twice");
    for number in &numbers {
        let order = &known[&number.to_string()];
        let (total, units, paid, placed, modified) = stage.truth(*number, |truth| {
            (
                truth.payment_minor(),
                truth.lines.iter().map(|line| line.quantity).sum::<i64>(),
                truth.paid_at.is_some(),
                truth.placed_at,
                truth.modified_at,
            )
        });
        assert_eq!(order.total_minor, total, "{number}");
        assert_eq!(
            order.lines.iter().map(|line| line.total_minor).sum::<i64>() + order.shipping_minor + order.tax_minor - order.discount_minor,
            total,
            "{number}: the parts make the total"
        );
        assert_eq!(order.lines.iter().map(|line| line.quantity).sum::<i64>(), units, "{number}");
        assert_eq!(order.payment != Payment::Unpaid, paid, "{number}");
        assert_eq!(
            (order.placed_at.seconds(), order.modified_at.seconds()),
            (placed.seconds(), modified.seconds()),
            "{number}: instants are UTC"
        );
    }
    assert_eq!((known[&numbers[5].to_string()].seller_note.as_str(), known[&numbers[5].to_string()].seller_flag), ("加赠", Some(3)));
    assert!(known[&numbers[0].to_string()].lines.iter().all(|line| line.cancelled == line.quantity), "a closed order sends nothing");

    // The same windows again agree, and the first pull, which goes its own way, agrees with them.
    let again = stage.pull_all(channel).await;
    assert!(known.iter().all(|(id, order)| again.get(id).is_some_and(|twin| shown(twin) == shown(order))), "reading twice gives the same");
    let first = stage.window(channel, OPENING.plus(-HOUR), stage.now().plus(-MINUTE), true).await;
    assert_eq!(first.len(), numbers.len());
    let counted =
        channel.count_orders(&stage.call(), &PullWindow { from: OPENING.plus(-HOUR), to: stage.now(), page: None, initial: false }).await;
    assert_eq!(counted.map(|count| count.theirs), Ok(numbers.len() as i64));
    for number in numbers.iter().take(3) {
        let single = channel.get_order(&stage.call(), &number.to_string()).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(shown(&single), shown(&known[&number.to_string()]), "an order alone is the order of the page");
        assert_eq!(single.raw, known[&number.to_string()].raw, "and has the same bytes");
    }

    // What is held in the listed version is not told again.
    let held = Versions(known.iter().map(|(id, order)| (id.clone(), order.modified_at)).collect());
    let mut window = PullWindow { from: OPENING.plus(-HOUR), to: stage.now().plus(-MINUTE), page: None, initial: true };
    loop {
        let page = channel.pull_orders(&stage.call(), &window, &held).await.unwrap_or_else(|error| panic!("{error}"));
        assert!(page.orders.is_empty() && page.unreadable.is_empty(), "what is held came again");
        match page.next {
            Some(next) => window.page = Some(next),
            None => break,
        }
    }

    // Orders change and arrive between the pages of a window: what leaves it is in the next one.
    let (from, to) = (OPENING.plus(-MINUTE), stage.now().plus(-MINUTE));
    let mut window = PullWindow { from, to, page: None, initial: false };
    let mut seen = std::collections::BTreeSet::new();
    let mut step = 0;
    loop {
        let page = channel.pull_orders(&stage.call(), &window, &NothingHeld).await.unwrap_or_else(|error| panic!("{error}"));
        seen.extend(page.orders.into_iter().map(|order| order.external_id));
        for number in numbers.iter().rev().skip(step * 3).take(3) {
            stage.act(*number, Act::Note { note: None, flag: 1 });
        }
        numbers.push(stage.place(OrderDraft::default()));
        step += 1;
        stage.pass(SECOND);
        match page.next {
            Some(next) if step < 200 => window.page = Some(next),
            Some(_) => panic!("the paging of a window does not end while the market lives"),
            None => break,
        }
    }
    stage.pass(5 * MINUTE);
    let rules = channel.window_rules();
    let end = stage.now().plus(-rules.lag);
    let mut from = to.plus(-rules.overlap);
    while from < end {
        let to = end.min(from.plus(rules.longest));
        seen.extend(stage.window(channel, from, to, false).await.into_iter().map(|order| order.external_id));
        from = to;
    }
    let missing: Vec<&i64> = numbers.iter().filter(|number| !seen.contains(&number.to_string())).collect();
    assert!(missing.is_empty(), "lost while the market moved: {missing:?}");
}

/// Everything is held in these versions.
struct Versions(HashMap<String, Timestamp>);

#[async_trait]
impl Held for Versions {
    async fn versions(&self, _: &[String]) -> HashMap<String, Timestamp> {
        self.0.clone()
    }
}

fn confirmation(order: i64, number: &str) -> ShipmentConfirmation {
    ShipmentConfirmation {
        external_id: order.to_string(),
        carrier_code: "YTO".into(),
        carrier_name: "圆通速递".into(),
        number: number.to_owned(),
        lines: Vec::new(),
        shipped_at: OPENING,
    }
}

/// A confirmation takes effect once: again is `already`, with another number it is refused, a lost answer is unsure and
/// settles itself when it is asked again.
pub async fn channel_confirms_once(vendor: &'static dyn Vendor, vendors: &[&'static dyn Vendor]) {
    let channel = vendor.channel().expect("a channel");
    let stage = Stage::new(vendor, vendors);
    let told = |number: i64| {
        stage.truth(number, |order| order.parcels.iter().map(|parcel| (parcel.number.clone(), parcel.effects)).collect::<Vec<_>>())
    };
    let order = stage.place(OrderDraft::default());
    stage.pass(MINUTE);
    let sent = confirmation(order, "YT8800000000011");
    assert!(matches!(channel.confirm_shipment(&stage.call(), &sent).await, Ok(Confirmed::Accepted { .. })));
    for _ in 0..3 {
        assert_eq!(channel.confirm_shipment(&stage.call(), &sent).await, Ok(Confirmed::Already));
    }
    match channel.confirm_shipment(&stage.call(), &confirmation(order, "YT8800000000029")).await {
        Err(ConnectError::Refused { message, .. }) => {
            assert!(message.contains("YT8800000000011") && message.contains("YT8800000000029"), "both numbers are named: {message}")
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(told(order), [("YT8800000000011".to_owned(), 1)]);
    let read = channel.get_order(&stage.call(), &order.to_string()).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read.shipments.iter().map(|parcel| parcel.number.as_str()).collect::<Vec<_>>(), ["YT8800000000011"]);

    for (kind, took_effect) in [(FaultKind::CutAfter, true), (FaultKind::Truncate, true), (FaultKind::CutBefore, false)] {
        let order = stage.place(OrderDraft::default());
        let sent = confirmation(order, &format!("YT88000000{}", order % 100_000));
        stage.world().arm(Fault::times(kind, 1));
        let lost = channel.confirm_shipment(&stage.call(), &sent).await;
        assert!(matches!(lost, Err(ConnectError::Unsure(_))), "{kind:?}: {lost:?}");
        stage.pass(MINUTE);
        let settled = channel.confirm_shipment(&stage.call(), &sent).await;
        match took_effect {
            true => assert_eq!(settled, Ok(Confirmed::Already), "{kind:?}"),
            false => assert!(matches!(settled, Ok(Confirmed::Accepted { .. })), "{kind:?}: {settled:?}"),
        }
        assert_eq!(told(order).iter().map(|parcel| parcel.1).collect::<Vec<_>>(), [1], "{kind:?}: once");
    }

    // Lines of one order in two parcels, where the channel can say so.
    if vendor.manifest().splits_orders {
        let skus: Vec<String> = stage
            .world()
            .read(|market| {
                market.shop(&stage.shop).map(|shop| shop.listings.iter().take(3).map(|listing| listing.sku_id.to_string()).collect())
            })
            .expect("a shop");
        let lines = skus.into_iter().map(|external_sku_id| LineDraft { external_sku_id, quantity: 1, ..LineDraft::default() }).collect();
        let order = stage.place(OrderDraft { lines, ..OrderDraft::default() });
        let lines: Vec<String> = stage.truth(order, |truth| truth.lines.iter().map(|line| line.number.to_string()).collect());
        for (index, line) in lines.iter().enumerate() {
            let part = ShipmentConfirmation {
                lines: vec![(line.clone(), 1)],
                ..confirmation(order, &format!("YT990000000{index:02}{}", order % 97))
            };
            assert!(matches!(channel.confirm_shipment(&stage.call(), &part).await, Ok(Confirmed::Accepted { .. })), "line {index}");
            assert_eq!(channel.confirm_shipment(&stage.call(), &part).await, Ok(Confirmed::Already), "line {index} again");
        }
        assert_eq!(told(order).len(), lines.len());
    }
}

/// Each trouble of the platform becomes the reaction that it wants, for a read and for a write.
pub async fn channel_reacts_to_each_trouble(vendor: &'static dyn Vendor, vendors: &[&'static dyn Vendor]) {
    let channel = vendor.channel().expect("a channel");
    let stage = Stage::new(vendor, vendors);
    let order = stage.place(OrderDraft::default());
    stage.pass(5 * MINUTE);
    let name = |error: &ConnectError| match error {
        ConnectError::Reauthorize(_) => "reauthorize",
        ConnectError::Throttled { .. } => "throttled",
        ConnectError::Transient(_) => "transient",
        ConnectError::Unsure(_) => "unsure",
        ConnectError::Refused { .. } => "refused",
        ConnectError::Drift(_) => "drift",
    };
    for (kind, read, write) in [
        (FaultKind::Throttle, "throttled", "throttled"),
        (FaultKind::ServerError, "transient", "unsure"),
        (FaultKind::BadGateway, "transient", "unsure"),
        (FaultKind::ExpireToken, "reauthorize", "reauthorize"),
        (FaultKind::CutBefore, "transient", "unsure"),
        (FaultKind::CutAfter, "transient", "unsure"),
        (FaultKind::Truncate, "drift", "unsure"),
    ] {
        let fresh = stage.place(OrderDraft::default());
        stage.world().arm(Fault { seconds: Some(3), ..Fault::times(kind, 1) });
        let result = channel.get_order(&stage.call(), &order.to_string()).await.err();
        assert_eq!(result.as_ref().map(name), Some(read), "{kind:?} of a read: {result:?}");
        if let Some(ConnectError::Throttled { retry_after, .. }) = &result {
            assert!((3..=5).contains(&retry_after.as_secs()), "the platform names its wait: {retry_after:?}");
        }
        stage.world().arm(Fault { seconds: Some(3), ..Fault::times(kind, 1) });
        let result = channel.confirm_shipment(&stage.call(), &confirmation(fresh, &format!("YT77000000{}", fresh % 100_000))).await.err();
        assert_eq!(result.as_ref().map(name), Some(write), "{kind:?} of a write: {result:?}");
        stage.world().clear_faults();
        assert!(channel.get_order(&stage.call(), &order.to_string()).await.is_ok(), "{kind:?} passes");
    }

    stage.act(order, Act::StatusWord { word: Some("WAIT_FOR_ROBOT".into()) });
    let read = channel.get_order(&stage.call(), &order.to_string()).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        (read.observed_status.as_str(), &read.status),
        ("WAIT_FOR_ROBOT", &Observed::Unknown("WAIT_FOR_ROBOT".into())),
        "an unknown word stays itself"
    );
    stage.pass(5 * MINUTE);
    assert!(stage.pull_all(channel).await.contains_key(&order.to_string()), "and its order is not skipped");

    let mut wrong = stage.credentials.clone();
    for value in wrong.0.values_mut() {
        value.push('x');
    }
    let call = Call { credentials: &wrong, ..stage.call() };
    assert!(matches!(channel.identify(&call).await, Err(ConnectError::Reauthorize(_))), "wrong credentials ask for a person");
    assert!(channel.identify(&stage.call()).await.is_ok_and(|shop| !shop.name.is_empty()));
}

/// A waybill is bought once for a client reference, found after a lost answer, and given back twice without harm.
pub async fn carrier_sells_once(vendor: &'static dyn Vendor, vendors: &[&'static dyn Vendor], service: &str) {
    let carrier = vendor.carrier().expect("a carrier");
    let stage = Stage::new(vendor, vendors);
    let order = stage.place(OrderDraft::default());
    let sender = match carrier.subscriptions() {
        Some(subscriptions) => {
            let branches = subscriptions.branches(&stage.call(), Some(service)).await.unwrap_or_else(|error| panic!("{error}"));
            let (region, address) =
                branches.into_iter().find_map(|branch| branch.addresses.into_iter().next()).expect("a place to send from");
            Sender { name: "仓库甲".into(), phone: "13300000000".into(), region, address }
        }
        None => Sender::default(),
    };
    let channel = vendors.iter().find(|v| v.channel().is_some() && v.sandbox().is_some()).map(|v| v.manifest().id).unwrap_or_default();
    let request = |reference: &str| BookRequest {
        client_reference: reference.to_owned(),
        service: service.to_owned(),
        sender: sender.clone(),
        recipient: Recipient {
            region: sender.region.clone(),
            personal: PersonalData { name: "张三".into(), phone: "13300000001".into(), address: "示例路 9 号".into() },
            token: None,
            masked: false,
        },
        orders: vec![ParcelOrder { channel: channel.to_owned(), external_id: order.to_string(), seller_id: None }],
        items: vec![("棉袜".into(), 2)],
        weight_grams: 500,
        size_mm: [200, 150, 100],
        value: Money::new(5_000, Currency::new(vendor.manifest().currency).expect("currency")),
        allotted_number: None,
    };
    let booked = |result: Result<crate::Booked, ConnectError>| result.unwrap_or_else(|error| panic!("{error}"));
    let found = |result: Result<Option<crate::Booked>, ConnectError>| result.unwrap_or_else(|error| panic!("{error}"));

    assert!(found(carrier.find(&stage.call(), &request("9001")).await).is_none(), "a certain no before anything is bought");
    let first = booked(carrier.book(&stage.call(), &request("9001")).await);
    let again = booked(carrier.book(&stage.call(), &request("9001")).await);
    assert_eq!(first.number, again.number, "the same reference, the same number");
    let looked_up = found(carrier.find(&stage.call(), &request("9001")).await).expect("found");
    assert_eq!((looked_up.number.as_str(), looked_up.carrier_code.as_str()), (first.number.as_str(), first.carrier_code.as_str()));
    let other = booked(carrier.book(&stage.call(), &request("9002")).await);
    assert_ne!(first.number, other.number, "another parcel, another number");

    for (reference, kind, bought) in
        [("9003", FaultKind::CutAfter, true), ("9004", FaultKind::CutBefore, false), ("9005", FaultKind::Truncate, true)]
    {
        stage.world().arm(Fault::times(kind, 1));
        let lost = carrier.book(&stage.call(), &request(reference)).await.err();
        assert!(matches!(lost, Some(ConnectError::Unsure(_))), "{kind:?}: {lost:?}");
        let looked_up = found(carrier.find(&stage.call(), &request(reference)).await);
        assert_eq!(looked_up.is_some(), bought, "{kind:?}");
        let settled = booked(carrier.book(&stage.call(), &request(reference)).await);
        assert!(looked_up.is_none_or(|known| known.number == settled.number), "{kind:?}: bought once");
    }

    for _ in 0..2 {
        assert_eq!(carrier.void(&stage.call(), &first.carrier_code, &first.number).await, Ok(()), "given back, and again");
    }
}

/// Runs the market part of the suite for a channel: `conformance_channel!(VENDOR, all_vendors)`.
#[macro_export]
macro_rules! conformance_channel {
    ($vendor:expr, $vendors:expr) => {
        #[tokio::test]
        async fn conformance_the_market_is_read_whole() {
            $crate::conformance::channel_reads_the_market($vendor, $vendors).await;
        }
        #[tokio::test]
        async fn conformance_a_confirmation_takes_effect_once() {
            $crate::conformance::channel_confirms_once($vendor, $vendors).await;
        }
        #[tokio::test]
        async fn conformance_each_trouble_has_its_reaction() {
            $crate::conformance::channel_reacts_to_each_trouble($vendor, $vendors).await;
        }
    };
}

/// Runs the market part of the suite for a carrier with one of its services: `conformance_carrier!(VENDOR, all_vendors, "ZTO")`.
#[macro_export]
macro_rules! conformance_carrier {
    ($vendor:expr, $vendors:expr, $service:expr) => {
        #[tokio::test]
        async fn conformance_a_waybill_is_sold_once() {
            $crate::conformance::carrier_sells_once($vendor, $vendors, $service).await;
        }
    };
}
