//! The waybill service from both sides: a number is bought once whatever becomes of the answer, found again, given back
//! once, and refused in the service's words.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use wharf_connect::carrier::{ParcelOrder, Sender};
use wharf_connect::sandbox::SandboxHttp;
use wharf_connect::world::parcels::Declaration;
use wharf_connect::world::{Command, Fault, FaultKind, OrderDraft, World, demo};
use wharf_connect::{BookRequest, Call, Carrier, ConnectError, Credentials, LabelSource, Settings};
use wharf_domain::address::{PersonalData, Recipient, Region};
use wharf_domain::money::{CNY, Money};
use wharf_domain::shipment::ShipmentState;
use wharf_domain::time::{DAY, Timestamp};
use wharf_domain::word::Observed;

const OPENED: Timestamp = Timestamp::from_seconds(1_795_000_000);

struct Stand {
    http: SandboxHttp,
    clock: Arc<AtomicI64>,
    credentials: Credentials,
    settings: Settings,
}

impl Stand {
    fn new() -> Self {
        let vendors = crate::all();
        let world = Arc::new(World::quiet(&vendors, 42, OPENED));
        let clock = Arc::new(AtomicI64::new(OPENED.micros()));
        let told = clock.clone();
        let shop = world.read(|m| m.shops[0].key.clone());
        let http = SandboxHttp::new(world, vendors, Arc::new(move || Timestamp(told.load(Ordering::SeqCst))));
        let (credentials, settings) = http.account("cainiao", &shop).expect("account");
        Stand { http, clock, credentials, settings }
    }
    fn world(&self) -> &World {
        self.http.world()
    }
    fn call(&self) -> Call<'_> {
        Call {
            http: &self.http,
            now: Timestamp(self.clock.load(Ordering::SeqCst)),
            nonce: "n",
            credentials: &self.credentials,
            settings: &self.settings,
        }
    }
    /// A parcel of one order of the market, sent from a demo warehouse, its recipient behind a token.
    fn parcel(&self, reference: &str, order: i64) -> BookRequest {
        let house = self.world().read(demo::house);
        let from = &house.warehouses[0];
        let (to, vendor) = self.world().read(|m| (m.order(order).map(|o| m.recipient(o)).expect("recipient"), m.shops[0].vendor.clone()));
        BookRequest {
            client_reference: reference.into(),
            service: "ZTO".into(),
            sender: Sender {
                name: from.contact.clone(),
                phone: from.phone.clone(),
                region: Region {
                    country: "CN".into(),
                    province: from.province.clone(),
                    city: from.city.clone(),
                    district: from.district.clone(),
                    town: from.town.clone(),
                    postal_code: String::new(),
                },
                address: from.address.clone(),
            },
            recipient: Recipient {
                region: Region {
                    country: "CN".into(),
                    province: to.province,
                    city: to.city,
                    district: to.district,
                    town: to.town,
                    postal_code: String::new(),
                },
                personal: PersonalData { name: "王**".into(), phone: "*******1234".into(), address: "人**路**号".into() },
                token: Some("1token".into()),
                masked: true,
            },
            orders: vec![ParcelOrder { channel: vendor, external_id: order.to_string(), seller_id: None }],
            items: vec![("复古波点午餐袋".into(), 2)],
            weight_grams: 320,
            size_mm: [240, 180, 60],
            value: Money::new(2380, CNY),
            allotted_number: None,
        }
    }
    fn order(&self) -> i64 {
        let shop = self.world().read(|m| m.shops[0].key.clone());
        self.world().place(OPENED, &shop, OrderDraft::default()).expect("placed")
    }
    fn bought(&self) -> usize {
        self.world().read(|m| m.waybills.len())
    }
}

fn refused(result: Result<impl Sized, ConnectError>) -> String {
    match result {
        Err(ConnectError::Refused { message, .. }) => message,
        Err(other) => format!("{other}"),
        Ok(_) => "taken".into(),
    }
}

#[tokio::test]
async fn a_parcel_has_one_number_however_often_it_is_asked_for() {
    let stand = Stand::new();
    let carrier = &super::VENDOR;
    let parcel = stand.parcel("W1001", stand.order());
    assert!(carrier.find(&stand.call(), &parcel).await.expect("answer").is_none());
    let first = carrier.book(&stand.call(), &parcel).await.expect("booked");
    let again = carrier.book(&stand.call(), &parcel).await.expect("booked");
    assert_eq!((first.number.as_str(), stand.bought()), (again.number.as_str(), 1));
    assert!(first.number.starts_with("78") && first.carrier_code == "ZTO");
    let found = carrier.find(&stand.call(), &parcel).await.expect("answer").expect("found");
    assert_eq!(found.number, first.number);
    let LabelSource::PrintData { data, fields } = &first.label else { panic!("print data") };
    assert!(fields.contains_key("routing_code") && fields.contains_key("routing_name"), "{fields:?}");
    assert!(data.contains("\"signature\":\"MD:") && data.contains("AES:"), "street and phone stay sealed");
    let second = carrier.book(&stand.call(), &BookRequest { client_reference: "W1002".into(), ..parcel }).await.expect("booked");
    assert_ne!(second.number, first.number);
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_and_not_bought_again() {
    let stand = Stand::new();
    let carrier = &super::VENDOR;
    for (n, kind, bought) in [(1, FaultKind::CutAfter, 1), (2, FaultKind::CutBefore, 1)] {
        let parcel = stand.parcel(&format!("W{n}"), stand.order());
        stand.world().arm(Fault::times(kind, 1).on("cainiao.waybill.ii.get"));
        assert!(matches!(carrier.book(&stand.call(), &parcel).await, Err(ConnectError::Unsure(_))), "{kind:?}");
        assert_eq!(stand.bought(), bought, "{kind:?}");
        let found = carrier.find(&stand.call(), &parcel).await.expect("answer");
        assert_eq!(found.is_some(), kind == FaultKind::CutAfter, "{kind:?}");
    }
}

#[tokio::test]
async fn a_number_is_given_back_until_the_parcel_is_picked_up() {
    let stand = Stand::new();
    let carrier = &super::VENDOR;
    let order = stand.order();
    let parcel = stand.parcel("W1", order);
    let first = carrier.book(&stand.call(), &parcel).await.expect("booked");
    assert_eq!(carrier.void(&stand.call(), "ZTO", &first.number).await, Ok(()));
    assert_eq!(carrier.void(&stand.call(), "ZTO", &first.number).await, Ok(()), "giving back twice is success");
    assert!(carrier.find(&stand.call(), &parcel).await.expect("answer").is_none());
    let second = carrier.book(&stand.call(), &parcel).await.expect("booked");
    assert_ne!(second.number, first.number);
    let told =
        Declaration { at: OPENED, shop: 0, order, lines: vec![], carrier: "ZTO".into(), number: second.number.clone(), online: true };
    stand.world().apply(Command::Confirm(told)).expect("shipped");
    stand.clock.fetch_add(4 * DAY, Ordering::SeqCst);
    assert_eq!(refused(carrier.void(&stand.call(), "ZTO", &second.number).await), "面单已揽收,不能取消");
    let scans = carrier.track(&stand.call(), "ZTO", &second.number, Some(&parcel.orders[0])).await.expect("answer").expect("scans");
    assert!(!scans.is_empty() && scans.windows(2).all(|w| w[0].at <= w[1].at));
    assert!(scans.iter().all(|s| matches!(s.meaning, Observed::Known(_))));
    stand.clock.fetch_add(4 * DAY, Ordering::SeqCst);
    let scans = carrier.track(&stand.call(), "ZTO", &second.number, Some(&parcel.orders[0])).await.expect("answer").expect("scans");
    assert_eq!(scans.last().map(|s| s.meaning.clone()), Some(Observed::Known(ShipmentState::Delivered)));
    assert!(scans[0].place.contains("杭州"), "scans begin where the waybill's sender is: {}", scans[0].text);
}

#[tokio::test]
async fn the_service_refuses_in_its_own_words() {
    let stand = Stand::new();
    let carrier = &super::VENDOR;
    let good = stand.parcel("W1", stand.order());
    let mut elsewhere = good.clone();
    elsewhere.sender.address = "别处 1 号".into();
    let mut nobody = good.clone();
    nobody.recipient.personal.name.clear();
    let mut untold = good.clone();
    untold.recipient.token = None;
    let mut empty = good.clone();
    empty.items.clear();
    for (parcel, words) in
        [(&elsewhere, "发货地址未在网点订购"), (&nobody, "收件人信息不完整"), (&untold, "必须传oaid和tid"), (&empty, "包裹商品信息不正确")]
    {
        let said = refused(carrier.book(&stand.call(), parcel).await);
        assert!(said.contains(words), "{said}");
    }
    stand.world().apply(Command::Balance { carrier: "ZTO".into(), quantity: 0 }).expect("balance");
    assert_eq!(refused(carrier.book(&stand.call(), &good).await), "电子面单余额不足");
    assert_eq!(stand.bought(), 0);
    let places = carrier.subscriptions().expect("subscriptions").branches(&stand.call(), Some("ZTO")).await.expect("answer");
    assert_eq!((places.len(), places[0].balance, places[0].addresses.len()), (1, Some(0), 3));
}

#[tokio::test]
async fn every_demo_warehouse_may_send_and_every_rated_carrier_sells() {
    let stand = Stand::new();
    let house = stand.world().read(demo::house);
    let places = super::VENDOR.subscriptions().expect("subscriptions").branches(&stand.call(), None).await.expect("answer");
    for warehouse in &house.warehouses {
        assert!(
            places.iter().all(|p| p.addresses.iter().any(|(region, street)| region.city == warehouse.city && *street == warehouse.address))
        );
    }
    for rate in &house.rates {
        assert!(places.iter().any(|p| p.carrier_code == rate.carrier), "{}", rate.carrier);
    }
    let sealed = Settings([("need_encrypt".to_owned(), "true".to_owned())].into_iter().chain(stand.settings.0.clone()).collect());
    let booked = super::VENDOR.book(&Call { settings: &sealed, ..stand.call() }, &stand.parcel("W9", stand.order())).await.expect("booked");
    let LabelSource::PrintData { data, fields } = booked.label else { panic!("print data") };
    assert!(data.starts_with("{\"encryptedData\":\"AES:") && !fields.contains_key("routing_code"));
}
