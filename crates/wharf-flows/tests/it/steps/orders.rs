//! The flows of orders before there is a parcel: pull, ingest, amend, review, approve, hold, edit, link, undo, import.

use super::harness::{Rig, Step, Subject};
use crate::parcels::bed::channel_order;
use wharf_connect::files::Input;
use wharf_domain::access::Scope;
use wharf_domain::address::Recipient;
use wharf_domain::catalog::LinkTarget;
use wharf_domain::id::{ImportBatchId, ListingId, OperationId, OrderId, ShopId, UserId};
use wharf_domain::order::channel::ChannelOrder;
use wharf_domain::order::{ChannelStatus, LineRefund};
use wharf_domain::time::MINUTE;
use wharf_domain::timeline::Actor;
use wharf_domain::word::Observed;
use wharf_flows::app::FlowError;
use wharf_flows::bulk::Asker;
use wharf_flows::edit::{AddressEdit, NoteEdit};
use wharf_flows::import::{self, ImportOptions, IntoShop, TreatAs};
use wharf_flows::ingest::{Batch, CursorMove, Source, ingest};
use wharf_flows::{approve, edit, hold, link, pull, undo};

pub fn person() -> Asker {
    Asker::new(Actor::User { id: UserId(7), name: "韩梅梅".into() }, Scope::ALL)
}

/// A clean order of two socks, as its channel tells it.
pub fn clean(name: &str) -> ChannelOrder {
    let mut order = channel_order(&format!("{name}-1"), &[("SKU0".to_owned(), 2)], name);
    order.recipient = order.recipient.map(|recipient: Recipient| {
        let mut recipient = recipient;
        recipient.region.town = "春熙路街道".into();
        recipient.personal.name = "王小明".into();
        recipient.personal.address = format!("春熙路 {name} 号");
        recipient
    });
    sealed(order)
}

/// The payload of an order as it stands.
pub fn sealed(mut order: ChannelOrder) -> ChannelOrder {
    order.raw = Vec::new();
    order.raw = serde_json::to_vec(&order).expect("serialises");
    order
}

/// The same order, later and different.
pub fn later(order: &ChannelOrder, change: impl FnOnce(&mut ChannelOrder)) -> ChannelOrder {
    let mut next = order.clone();
    next.modified_at = next.modified_at.plus(MINUTE);
    change(&mut next);
    sealed(next)
}

pub async fn put(rig: &Rig, shop: ShopId, order: ChannelOrder) -> Result<(), FlowError> {
    let batch = Batch { orders: vec![order], unreadable: Vec::new() };
    ingest(&rig.house.app, shop, batch, Source::Channel, CursorMove::Stay).await.map(drop)
}

pub async fn id_of(rig: &Rig, name: &str) -> OrderId {
    let name = format!("{name}-1");
    rig.house
        .write(move |tx| {
            let row = tx.query_opt("SELECT id FROM orders WHERE external_id = $1", &[name.into()])?;
            row.expect("the order").id(0)
        })
        .await
}

/// An order that is there, as its channel told it.
pub async fn placed_in(rig: &Rig, shop: ShopId, name: String, change: impl FnOnce(&mut ChannelOrder)) -> Subject {
    let mut order = clean(&name);
    change(&mut order);
    put(rig, shop, sealed(order)).await.expect("placed");
    Subject { order: id_of(rig, &name).await, ..Subject::called(name) }
}

pub async fn placed(rig: &Rig, name: String) -> Subject {
    placed_in(rig, rig.house.shop, name, |_| {}).await
}

fn cancelled(order: &mut ChannelOrder) {
    order.status = Observed::Known(ChannelStatus::Cancelled);
    order.observed_status = "TRADE_CLOSED".into();
}

fn abnormal(order: &mut ChannelOrder) {
    order.buyer_note = "麻烦改地址".into();
    order.total_minor += 30;
}

fn moved() -> AddressEdit {
    AddressEdit { address: Some("人民路 5 号".into()), ..AddressEdit::default() }
}

const SALES: &str = "订单号,下单时间,订单状态,商品名称,商家编码,数量,单价,币种,收货人,手机,收货地址,买家会员名\n\
NAME-1,2026-01-15 08:30:00,已发货,帽子,HAT,2,10.00,CNY,张三,13812345678,浙江省 杭州市 余杭区 文一西路969号,小明\n\
NAME-2,2026-01-16 08:30:00,待发货,围巾,SCARF,1,20.00,CNY,李四,13987654321,江苏省 苏州市 昆山市 人民路5号,小红\n\
NAME-3,2026-02-01 08:30:00,已取消,手套,GLOVE,1,5.50,CNY,王五,13711112222,上海 上海市 浦东新区 世纪大道1号,小刚\n";

async fn previewed(rig: &Rig, name: String) -> Subject {
    let options = ImportOptions {
        shop: IntoShop::Named("旧店".into()),
        mapping: None,
        treat_as: TreatAs::ByStatus,
        zone: None,
        currency: None,
        user_id: None,
        scope: Scope::ALL,
    };
    // A buyer of one's own: the same one with the same goods would be a duplicate.
    let digits = &name[1..6];
    let text = SALES.replace("NAME", &name).replace("12345678", &format!("123{digits}")).replace("87654321", &format!("876{digits}"));
    let text = text.replace("11112222", &format!("111{digits}")).replace("小", &name);
    let file = Input::new("f.csv", text.into_bytes());
    let view = import::preview(&rig.house.app, vec![file], &options).await.expect("a preview");
    Subject { other: view.batch.id.0, ..Subject::called(name) }
}

/// The table.
pub const STEPS: &[Step] = &[
    Step {
        flow: "pull",
        // Nothing; the page stored with its cursor, and the next window not looked for.
        states: 2,
        calls: &["pull"],
        repeats: true,
        prepare: |rig, name| {
            Box::pin(async move {
                rig.house.bed.clock.advance(MINUTE);
                rig.house.fake.truth.lock().expect("truth").for_sale = vec![clean(&name)];
                Subject::called(name)
            })
        },
        act: |rig, _| Box::pin(async move { pull::pull(&rig.house.app, rig.house.shop).await.map(drop) }),
    },
    Step {
        flow: "ingest",
        states: 1,
        calls: &[],
        repeats: true,
        prepare: |_, name| Box::pin(async move { Subject::called(name) }),
        act: |rig, s| Box::pin(put(rig, rig.house.shop, clean(&s.name))),
    },
    Step {
        flow: "review",
        states: 1,
        calls: &[],
        repeats: true,
        prepare: |rig, name| Box::pin(placed(rig, name)),
        act: |rig, s| Box::pin(put(rig, rig.house.shop, later(&clean(&s.name), abnormal))),
    },
    Step {
        flow: "amend",
        states: 1,
        calls: &[],
        repeats: true,
        prepare: |rig, name| {
            Box::pin(async move {
                let subject = placed(rig, name).await;
                rig.house.work().await;
                subject
            })
        },
        act: |rig, s| {
            let next = later(&clean(&s.name), |o| {
                o.lines[0].quantity = 1;
                o.lines[0].total_minor = 500;
                let mut more = o.lines[0].clone();
                more.external_id.push('b');
                (more.item_id, more.seller_code) = ("SKU1".into(), "SKU1".into());
                o.lines.push(more);
                o.seller_note = "vip".into();
            });
            Box::pin(put(rig, rig.house.shop, next))
        },
    },
    Step {
        flow: "amend (refund asked)",
        states: 1,
        calls: &[],
        repeats: true,
        prepare: |rig, name| {
            Box::pin(async move {
                let subject = placed(rig, name).await;
                rig.house.work().await;
                subject
            })
        },
        act: |rig, s| Box::pin(put(rig, rig.house.shop, later(&clean(&s.name), |o| o.lines[0].refund = LineRefund::Requested))),
    },
    Step {
        flow: "amend (cancelled by the channel)",
        states: 1,
        calls: &[],
        repeats: true,
        prepare: |rig, name| {
            Box::pin(async move {
                let subject = placed(rig, name).await;
                rig.house.work().await;
                subject
            })
        },
        act: |rig, s| Box::pin(put(rig, rig.house.shop, later(&clean(&s.name), cancelled))),
    },
    Step {
        flow: "approve",
        states: 2,
        calls: &[],
        repeats: true,
        prepare: |rig, name| Box::pin(placed_in(rig, rig.manual, name, |_| {})),
        act: |rig, s| Box::pin(async move { approve::approve(&rig.house.app, &person(), vec![s.order], false).await.map(drop) }),
    },
    Step {
        flow: "hold",
        states: 2,
        calls: &[],
        repeats: true,
        prepare: |rig, name| Box::pin(placed(rig, name)),
        act: |rig, s| Box::pin(async move { hold::hold(&rig.house.app, &person(), vec![s.order], "等等".into(), false).await.map(drop) }),
    },
    Step {
        flow: "release",
        states: 2,
        calls: &[],
        repeats: true,
        prepare: |rig, name| Box::pin(placed_in(rig, rig.house.shop, name, abnormal)),
        act: |rig, s| Box::pin(async move { hold::release(&rig.house.app, &person(), vec![s.order], None, false).await.map(drop) }),
    },
    Step {
        flow: "edit (address)",
        states: 2,
        calls: &[],
        repeats: true,
        prepare: |rig, name| Box::pin(placed(rig, name)),
        act: |rig, s| Box::pin(async move { edit::edit_address(&rig.house.app, &person(), vec![s.order], moved(), false).await.map(drop) }),
    },
    Step {
        flow: "edit (note)",
        states: 2,
        calls: &[],
        repeats: true,
        prepare: |rig, name| Box::pin(placed(rig, name)),
        act: |rig, s| {
            let note = NoteEdit { note: Some("加一张贺卡".into()), copy_buyer_note: false, flag: Some(3) };
            Box::pin(async move { edit::note(&rig.house.app, &person(), vec![s.order], note, false).await.map(drop) })
        },
    },
    Step {
        flow: "edit (note told to the channel)",
        states: 2,
        calls: &["note"],
        repeats: true,
        prepare: |rig, name| {
            Box::pin(async move {
                let subject = placed(rig, name).await;
                let note = NoteEdit { note: Some("加一张贺卡".into()), copy_buyer_note: false, flag: Some(3) };
                edit::note(&rig.house.app, &person(), vec![subject.order], note, false).await.expect("noted");
                subject
            })
        },
        act: |rig, s| Box::pin(edit::tell_note(&rig.house.app, s.order)),
    },
    Step {
        flow: "edit (tag)",
        states: 2,
        calls: &[],
        repeats: true,
        prepare: |rig, name| Box::pin(placed(rig, name)),
        act: |rig, s| Box::pin(async move { edit::tag(&rig.house.app, &person(), vec![s.order], "礼物".into(), false).await.map(drop) }),
    },
    Step {
        flow: "link",
        states: 1,
        calls: &[],
        repeats: true,
        prepare: |rig, name| {
            Box::pin(async move {
                let item = format!("item {name}");
                let subject = placed_in(rig, rig.house.shop, name, |o| {
                    (o.lines[0].item_id, o.lines[0].seller_code) = (item.clone(), String::new());
                })
                .await;
                let listing = rig
                    .house
                    .write(move |tx| tx.query_opt("SELECT id FROM listings WHERE item_id = $1", &[item.into()])?.expect("seen").int(0))
                    .await;
                Subject { other: listing, ..subject }
            })
        },
        act: |rig, s| {
            let target = LinkTarget::Sku { sku_id: rig.house.skus[0], quantity: 1 };
            let by = person().actor;
            Box::pin(async move { link::link(&rig.house.app, &Scope::ALL, vec![ListingId(s.other)], Some(target), by).await.map(drop) })
        },
    },
    Step {
        flow: "undo",
        // Nothing; the undo is taken and its job will end it; it is done and not yet told as ended.
        states: 3,
        calls: &[],
        repeats: false,
        prepare: |rig, name| {
            Box::pin(async move {
                let subject = placed(rig, name).await;
                let held = hold::hold(&rig.house.app, &person(), vec![subject.order], "等等".into(), false).await.expect("held");
                Subject { other: held.operation_id.expect("an operation").0, ..subject }
            })
        },
        act: |rig, s| Box::pin(async move { undo::undo(&rig.house.app, &person(), OperationId(s.other)).await.map(drop) }),
    },
    Step {
        flow: "import (commit)",
        // Nothing; the orders of a chunk; the same with the import told as committed.
        states: 3,
        calls: &[],
        repeats: true,
        prepare: |rig, name| Box::pin(previewed(rig, name)),
        act: |rig, s| Box::pin(async move { import::commit(&rig.house.app, &Scope::ALL, ImportBatchId(s.other)).await.map(drop) }),
    },
    Step {
        flow: "import (withdraw)",
        states: 1,
        calls: &[],
        repeats: true,
        prepare: |rig, name| {
            Box::pin(async move {
                let subject = previewed(rig, name).await;
                import::commit(&rig.house.app, &Scope::ALL, ImportBatchId(subject.other)).await.expect("committed");
                subject
            })
        },
        act: |rig, s| Box::pin(async move { import::withdraw(&rig.house.app, &Scope::ALL, ImportBatchId(s.other), None).await.map(drop) }),
    },
];
