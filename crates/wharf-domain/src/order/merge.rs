//! Who may share a parcel. Putting orders into one parcel changes none of them: each keeps its identity and gets its own
//! confirmation. The answer always says why not.

use crate::id::{OrderId, ShopId, WarehouseId};
use crate::words;
use std::collections::BTreeMap;

words! {
    /// Why an order cannot share a parcel with another.
    pub enum MergeRefusal {
        /// Another shop, and the policies of both do not allow the pair.
        OtherShop = "other_shop",
        /// Not provably the same buyer.
        OtherBuyer = "other_buyer",
        /// Not provably the same recipient.
        OtherRecipient = "other_recipient",
        /// Another warehouse ships it.
        OtherWarehouse = "other_warehouse",
        /// It is held.
        Held = "held",
        /// Its parcel is too far to be changed.
        TooLate = "too_late",
    }
}

/// One order's part of what one warehouse ships, as far as sharing cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The order.
    pub order_id: OrderId,
    /// Its shop.
    pub shop_id: ShopId,
    /// The keyed hash of the buyer's identity; empty when the channel gives none.
    pub buyer_key: String,
    /// The keyed hash of the recipient, or of the channel's token for it; empty when neither proves anything.
    pub recipient_print: String,
    /// Who ships it.
    pub warehouse_id: WarehouseId,
    /// It has an open hold.
    pub held: bool,
    /// Its parcel is too far to be changed.
    pub fixed: bool,
}

/// Pairs of shops that may share: both policies name the other, or it is one shop.
pub type AllowedPair<'a> = &'a dyn Fn(ShopId, ShopId) -> bool;

/// Why `b` cannot join the parcel of `a`; `None` when it can. Equality of prints proves one recipient, inequality
/// proves nothing but is enough to refuse.
pub fn refusal(a: &Candidate, b: &Candidate, allowed: AllowedPair<'_>) -> Option<MergeRefusal> {
    if a.held || b.held {
        return Some(MergeRefusal::Held);
    }
    if a.fixed || b.fixed {
        return Some(MergeRefusal::TooLate);
    }
    if a.shop_id != b.shop_id && !(allowed(a.shop_id, b.shop_id) && allowed(b.shop_id, a.shop_id)) {
        return Some(MergeRefusal::OtherShop);
    }
    if a.warehouse_id != b.warehouse_id {
        return Some(MergeRefusal::OtherWarehouse);
    }
    if a.recipient_print.is_empty() || a.recipient_print != b.recipient_print {
        return Some(MergeRefusal::OtherRecipient);
    }
    if a.order_id != b.order_id && (a.buyer_key.is_empty() || a.buyer_key != b.buyer_key) {
        return Some(MergeRefusal::OtherBuyer);
    }
    None
}

/// Groups candidates into parcels: every pair of a group may share. In the order given; a candidate joins the first
/// group all of whose members take it.
pub fn group(candidates: &[Candidate], allowed: AllowedPair<'_>) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    // Only equal prints can meet, so each candidate looks at the groups of its own print.
    let mut by_print: BTreeMap<(&str, WarehouseId), Vec<usize>> = BTreeMap::new();
    for (index, candidate) in candidates.iter().enumerate() {
        let near = by_print.entry((candidate.recipient_print.as_str(), candidate.warehouse_id)).or_default();
        let home = near.iter().copied().find(|g| groups[*g].iter().all(|other| refusal(&candidates[*other], candidate, allowed).is_none()));
        match home {
            Some(home) => groups[home].push(index),
            None => {
                near.push(groups.len());
                groups.push(vec![index]);
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(order: i64) -> Candidate {
        Candidate {
            order_id: OrderId(order),
            shop_id: ShopId(1),
            buyer_key: "b".into(),
            recipient_print: "r".into(),
            warehouse_id: WarehouseId(1),
            held: false,
            fixed: false,
        }
    }

    fn nobody(_: ShopId, _: ShopId) -> bool {
        false
    }

    #[test]
    fn only_the_provably_same_share_and_the_reason_is_named() {
        let a = candidate(1);
        let differs = |change: fn(&mut Candidate)| {
            let mut b = candidate(2);
            change(&mut b);
            refusal(&a, &b, &nobody)
        };
        assert_eq!(differs(|_| {}), None);
        assert_eq!(differs(|b| b.held = true), Some(MergeRefusal::Held));
        assert_eq!(differs(|b| b.fixed = true), Some(MergeRefusal::TooLate));
        assert_eq!(differs(|b| b.shop_id = ShopId(2)), Some(MergeRefusal::OtherShop));
        assert_eq!(differs(|b| b.buyer_key = "c".into()), Some(MergeRefusal::OtherBuyer));
        assert_eq!(differs(|b| b.recipient_print = "s".into()), Some(MergeRefusal::OtherRecipient));
        assert_eq!(differs(|b| b.warehouse_id = WarehouseId(2)), Some(MergeRefusal::OtherWarehouse));
        let mut masked = candidate(3);
        masked.recipient_print.clear();
        assert_eq!(refusal(&masked, &masked.clone(), &nobody), Some(MergeRefusal::OtherRecipient), "a masked name proves nothing");
    }

    #[test]
    fn two_shops_share_only_when_both_say_so() {
        let (a, mut b) = (candidate(1), candidate(2));
        b.shop_id = ShopId(2);
        assert_eq!(refusal(&a, &b, &|x, y| (x, y) == (ShopId(1), ShopId(2))), Some(MergeRefusal::OtherShop));
        assert_eq!(refusal(&a, &b, &|_, _| true), None);
    }

    proptest! {
        #[test]
        fn groups_are_a_partition_and_every_pair_may_share(kinds in prop::collection::vec((0u8..2, 0u8..2, 0u8..2, any::<bool>()), 0..24)) {
            let candidates: Vec<Candidate> = kinds.iter().enumerate().map(|(i, (shop, buyer, print, held))| Candidate {
                shop_id: ShopId(i64::from(*shop)), buyer_key: format!("b{buyer}"), recipient_print: format!("r{print}"), held: *held, ..candidate(i as i64)
            }).collect();
            let groups = group(&candidates, &nobody);
            let mut all: Vec<usize> = groups.iter().flatten().copied().collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..candidates.len()).collect::<Vec<_>>());
            for group in groups {
                for a in &group { for b in &group { if a != b {
                    prop_assert_eq!(refusal(&candidates[*a], &candidates[*b], &nobody), None);
                }}}
            }
        }
    }
}
