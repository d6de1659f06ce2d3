//! Scans of a parcel: where it is now, out of scans that may arrive late, twice or in any order.

use crate::shipment::{ShipmentState, Stage};
use crate::time::Timestamp;
use crate::word::Observed;

/// One scan, as much of it as the stage depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// When.
    pub at: Timestamp,
    /// What it means; an unknown word is shown and moves nothing.
    pub meaning: Observed<ShipmentState>,
}

/// The next stage after a scan. Trouble is left by any later movement; what is delivered, returned or lost stays so,
/// except that a delivered or lost parcel may come back and a lost one may be found and delivered.
pub const fn advance(from: Stage, to: Stage) -> Stage {
    match (from, to) {
        (Stage::Delivered, Stage::Returning | Stage::Returned) | (Stage::Lost, Stage::Delivered | Stage::Returning | Stage::Returned) => to,
        (Stage::Delivered | Stage::Lost | Stage::Returned, _) => from,
        (Stage::Returning, Stage::Returned | Stage::Lost | Stage::Delivered) => to,
        (Stage::Returning, _) => from,
        (Stage::HandedOver | Stage::InTransit | Stage::OutForDelivery | Stage::Exception, Stage::HandedOver) => from,
        (Stage::HandedOver | Stage::InTransit | Stage::OutForDelivery | Stage::Exception, _) => to,
    }
}

/// Where a parcel is after all its scans, whatever order they came in.
pub fn stage(start: Stage, scans: &[Scan]) -> Stage {
    let mut ordered: Vec<&Scan> = scans.iter().collect();
    ordered.sort_by_key(|scan| scan.at);
    ordered.into_iter().filter_map(|scan| scan.meaning.known().copied().and_then(Stage::of)).fold(start, advance)
}

/// When it was delivered, if the scans say so.
pub fn delivered_at(scans: &[Scan]) -> Option<Timestamp> {
    scans.iter().filter(|s| s.meaning.known() == Some(&ShipmentState::Delivered)).map(|s| s.at).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scan(at: i64, state: ShipmentState) -> Scan {
        Scan { at: Timestamp(at), meaning: Observed::Known(state) }
    }

    #[test]
    fn trouble_passes_and_delivery_stays() {
        let mut scans = vec![scan(1, ShipmentState::InTransit), scan(2, ShipmentState::Exception), scan(3, ShipmentState::InTransit)];
        assert_eq!(stage(Stage::HandedOver, &scans), Stage::InTransit);
        scans.push(Scan { at: Timestamp(4), meaning: Observed::Unknown("GOT_WET".into()) });
        assert_eq!(stage(Stage::HandedOver, &scans), Stage::InTransit);
        scans.push(scan(5, ShipmentState::Delivered));
        scans.push(scan(6, ShipmentState::InTransit));
        assert_eq!(stage(Stage::HandedOver, &scans), Stage::Delivered);
        assert_eq!(delivered_at(&scans), Some(Timestamp(5)));
    }

    proptest! {
        #[test]
        fn the_order_of_arrival_does_not_matter(mut scans in prop::collection::vec((0i64..1_000_000, 0usize..8), 0..12), seed in any::<u64>()) {
            const STATES: [ShipmentState; 8] = [
                ShipmentState::HandedOver, ShipmentState::InTransit, ShipmentState::OutForDelivery, ShipmentState::Delivered,
                ShipmentState::Exception, ShipmentState::Returning, ShipmentState::Returned, ShipmentState::Lost,
            ];
            scans.sort();
            scans.dedup_by_key(|s| s.0);
            let told: Vec<Scan> = scans.iter().map(|(at, s)| scan(*at, STATES[*s])).collect();
            let mut mixed = told.clone();
            let len = mixed.len().max(1);
            mixed.rotate_left(seed as usize % len);
            prop_assert_eq!(stage(Stage::HandedOver, &told), stage(Stage::HandedOver, &mixed));
        }
    }
}
