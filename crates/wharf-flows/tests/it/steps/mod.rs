//! Every step of every flow, broken before and after its effect, and repeated: one harness, one table, both engines.

mod digest;
mod harness;
mod orders;
mod parcels;

use crate::parcels::bed::house;
use harness::{Rig, Step, prove};
use std::collections::BTreeMap;
use wharf_domain::money::CNY;
use wharf_domain::rules::{ApprovalPolicy, ShopPolicy};
use wharf_store::shops::{self, NewShop};
use wharf_store::testing::{Bed, both_engines_with};

async fn rig(bed: Bed) -> Rig {
    let house = house(bed).await;
    for sku in 0..2 {
        house.receive(1, sku, 100_000).await;
    }
    let shop = NewShop {
        vendor: "counting".into(),
        name: "二店".into(),
        external_id: "seller-2".into(),
        credentials: BTreeMap::new(),
        settings: BTreeMap::new(),
        policy: ShopPolicy { approval: ApprovalPolicy { automatic: false, ..ApprovalPolicy::default() }, ..ShopPolicy::default() },
        zone: "Asia/Shanghai".into(),
        currency: CNY,
    };
    let manual = house.write(move |tx| shops::create(tx, &shop)).await;
    Rig { house, manual }
}

/// Proves some flows of a table, then that the house as a whole is sound.
fn all_of(steps: &'static [Step]) {
    both_engines_with(|bed| async move {
        let rig = rig(bed).await;
        let mut serial = 0;
        let mut broken = Vec::new();
        for step in steps {
            match prove(&rig, step, &mut serial).await {
                Ok((statements, calls)) => println!("{}: {statements} statements and {calls} calls broken", step.flow),
                Err(why) => broken.push(format!("{}: {why}", step.flow)),
            }
            rig.house.bed.store.fail_at(0);
            rig.house.fake.truth.lock().expect("truth").faults.clear();
        }
        assert!(broken.is_empty(), "{}", broken.join("\n\n"));
        rig.house.lawful().await;
        let report = wharf_flows::doctor::examine(&rig.house.app, false).await.expect("doctor");
        assert!(report.drifts.is_empty(), "{:#?}", report.drifts);
        let left = rig
            .house
            .write(|tx| {
                let rows =
                    tx.query("SELECT kind, COALESCE(last_error, '') FROM jobs WHERE job_status IN ('ready', 'dead') ORDER BY kind", &[])?;
                rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect::<Result<Vec<_>, _>>()
            })
            .await;
        assert!(left.is_empty(), "jobs are left: {left:?}");
    });
}

#[test]
fn orders_break_at_every_step_and_end_the_same() {
    all_of(orders::STEPS);
}

#[test]
fn parcels_break_at_every_step_and_end_the_same() {
    all_of(parcels::STEPS);
}
