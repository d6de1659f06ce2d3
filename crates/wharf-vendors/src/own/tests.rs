//! Bookings of the contract carrier.

use super::*;
use wharf_connect::http::TransportError;
use wharf_connect::{Credentials, Http, HttpRequest, HttpResponse};
use wharf_domain::address::Recipient;
use wharf_domain::money::{CNY, Money};
use wharf_domain::time::Timestamp;

/// There is no network for this carrier.
struct NoNetwork;

#[async_trait::async_trait]
impl Http for NoNetwork {
    async fn send(&self, _request: HttpRequest) -> Result<HttpResponse, TransportError> {
        panic!("this carrier must not call anybody")
    }
}

fn request(number: Option<&str>, region: Region) -> BookRequest {
    BookRequest {
        client_reference: "7001".into(),
        service: "standard".into(),
        sender: wharf_connect::carrier::Sender::default(),
        recipient: Recipient { region, ..Recipient::default() },
        orders: Vec::new(),
        items: vec![("棉袜".into(), 2)],
        weight_grams: 300,
        size_mm: [0; 3],
        value: Money::zero(CNY),
        allotted_number: number.map(str::to_owned),
    }
}

fn region(province: &str, city: &str, district: &str) -> Region {
    Region { country: "CN".into(), province: province.into(), city: city.into(), district: district.into(), ..Region::default() }
}

#[tokio::test]
async fn a_booking_is_the_allotted_number_however_often_it_is_asked() {
    let credentials = Credentials::default();
    let settings = Settings([("carrier_code", "zto"), ("carrier_name", "中通快递")].map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    let call = Call { http: &NoNetwork, now: Timestamp(0), nonce: "", credentials: &credentials, settings: &settings };
    let request_1 = request(Some("WH000000000017"), region("浙江省", "杭州市", "余杭区"));
    let first = VENDOR.book(&call, &request_1).await.expect("booked");
    let again = VENDOR.book(&call, &request_1).await.expect("booked");
    let found = VENDOR.find(&call, &request_1).await.ok().flatten().expect("found");
    assert!(first == again && first == found);
    assert_eq!((first.number.as_str(), first.carrier_code.as_str(), first.carrier_name.as_str()), ("WH000000000017", "ZTO", "中通快递"));
    assert!(VENDOR.void(&call, "ZTO", "WH000000000017").await.is_ok());
    assert!(VENDOR.void(&call, "ZTO", "WH000000000017").await.is_ok());
    assert_eq!(VENDOR.track(&call, "ZTO", "WH000000000017", None).await, Ok(None));

    let empty = request(None, Region::default());
    assert!(matches!(VENDOR.book(&call, &empty).await, Err(ConnectError::Refused { code, .. }) if code == "number_pool"));
    assert!(VENDOR.find(&call, &empty).await.is_ok_and(|found| found.is_none()));
}

#[test]
fn the_routing_code_says_as_much_as_the_address_does() {
    assert_eq!(routing(&region("浙江省", "杭州市", "余杭区")), ("330-110".into(), "杭州市 余杭区".into()));
    assert_eq!(routing(&region("浙江", "杭州", "")), ("330-100".into(), "杭州".into()));
    assert_eq!(routing(&region("浙江省", "无此市", "")), ("330-000".into(), "无此市".into()));
    assert_eq!(routing(&region("", "", "")), (String::new(), String::new()));
    let abroad = Region { country: "GB".into(), city: "London".into(), postal_code: "SW1A 1AA".into(), ..Region::default() };
    assert_eq!(routing(&abroad), ("GB SW1A 1AA".into(), "London".into()));
}

#[test]
fn the_manifest_is_complete() {
    wharf_connect::conformance::manifest_is_complete(VENDOR.manifest());
}
