//! The seller's contract carrier: numbers that the carrier gave in advance, labels that we draw, nothing on the network.
//! The store keeps which numbers are taken and allots one to the client reference in the transaction of the intent;
//! here it is known how they are made and what the label says of the destination.

mod manifest;
mod numbers;

#[cfg(test)]
mod tests;

use wharf_connect::carrier::ParcelOrder;
use wharf_connect::{
    BookRequest, Booked, Call, Carrier, ConnectError, Label, LabelSource, Manifest, OwnNumbers, Settings, TrackingUpdate, Vendor,
};
use wharf_domain::address::Region;
use wharf_domain::divisions;

/// The vendor of this folder.
pub struct Connector;

/// Its one instance.
pub static VENDOR: Connector = Connector;

impl Vendor for Connector {
    fn manifest(&self) -> &'static Manifest {
        &manifest::MANIFEST
    }
    fn carrier(&self) -> Option<&dyn Carrier> {
        Some(self)
    }
}

const SERVICES: &[(&str, Label)] = &[
    ("standard", Label { en: "Standard", zh: "标准快递" }),
    ("express", Label { en: "Express", zh: "特快" }),
    ("economy", Label { en: "Economy", zh: "经济快递" }),
];

#[async_trait::async_trait]
impl Carrier for Connector {
    async fn book(&self, call: &Call<'_>, request: &BookRequest) -> Result<Booked, ConnectError> {
        match self.find(call, request).await? {
            Some(booked) => Ok(booked),
            None => Err(ConnectError::Refused {
                code: "number_pool".into(),
                message: "号段已用完，请补充单号 / the number range is used up: add numbers to the account".into(),
            }),
        }
    }

    /// What the store allotted is what was bought: there is nobody else to ask.
    async fn find(&self, call: &Call<'_>, request: &BookRequest) -> Result<Option<Booked>, ConnectError> {
        let Some(number) = request.allotted_number.as_deref().map(str::trim).filter(|number| !number.is_empty()) else {
            return Ok(None);
        };
        let carrier_code = call.settings.get_or("carrier_code", "OTHER").to_ascii_uppercase();
        let (routing_code, routing_name) = routing(&request.recipient.region);
        Ok(Some(Booked {
            number: number.to_owned(),
            carrier_name: call.settings.get("carrier_name").unwrap_or(&carrier_code).to_owned(),
            carrier_code,
            label: LabelSource::Drawn { routing_code, routing_name },
            cost: None,
        }))
    }

    /// The store frees the number when the waybill is voided; the carrier bills by what it picks up.
    async fn void(&self, _call: &Call<'_>, _carrier_code: &str, _number: &str) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn track(
        &self,
        _call: &Call<'_>,
        _carrier_code: &str,
        _number: &str,
        _order: Option<&ParcelOrder>,
    ) -> Result<Option<Vec<TrackingUpdate>>, ConnectError> {
        Ok(None)
    }

    fn services(&self) -> &'static [(&'static str, Label)] {
        SERVICES
    }

    fn numbers(&self) -> Option<&dyn OwnNumbers> {
        Some(self)
    }
}

impl OwnNumbers for Connector {
    fn numbers_after(&self, settings: &Settings, after: Option<i64>, count: usize) -> Result<Vec<(i64, String)>, ConnectError> {
        Ok(numbers::Range::of(settings)?.map(|range| range.after(after, count)).unwrap_or_default())
    }

    fn check(&self, settings: &Settings, number: &str) -> Result<(), ConnectError> {
        numbers::check(settings, number)
    }
}

/// The big code of a label and its words. At home it is the destination's administrative code in threes and twos
/// (`330-110` 余杭区), as far as the address names places we know; abroad it is country and postal code.
fn routing(region: &Region) -> (String, String) {
    let words = |parts: &[&str]| parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    if !region.country.is_empty() && region.country != "CN" {
        return (words(&[&region.country, &region.postal_code]), words(&[&region.city, &region.province]));
    }
    let province = divisions::province(&region.province);
    let city = province.and_then(|province| province.city(&region.city));
    let district = city.and_then(|city| city.district(&region.district));
    let code = district.map(|d| d.place.code).or(city.map(|c| c.place.code)).or(province.map(|p| p.place.code)).unwrap_or_default();
    let mut six = code.to_owned();
    while !six.is_empty() && six.len() < 6 {
        six.push('0');
    }
    let routing_code =
        six.split_at_checked(3).filter(|(_, tail)| !tail.is_empty()).map(|(head, tail)| format!("{head}-{tail}")).unwrap_or_default();
    (routing_code, words(&[&region.city, &region.district]))
}
