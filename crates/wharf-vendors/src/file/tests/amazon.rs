//! Amazon's order reports.

use super::*;
use wharf_domain::order::{ChannelStatus, FulfilledBy, LineRefund, Payment};
use wharf_domain::word::Observed;

const ALL: &[&str] = &[
    "amazon-order-id", "merchant-order-id", "purchase-date", "last-updated-date", "order-status", "fulfillment-channel", "sales-channel",
    "order-channel", "url", "ship-service-level", "product-name", "sku", "asin", "item-status", "quantity", "currency", "item-price", "item-tax",
    "shipping-price", "shipping-tax", "gift-wrap-price", "gift-wrap-tax", "item-promotion-discount", "ship-promotion-discount", "ship-city",
    "ship-state", "ship-postal-code", "ship-country", "promotion-ids", "is-business-order", "purchase-order-number", "price-designation",
];
const TO_SHIP: &[&str] = &[
    "order-id", "order-item-id", "purchase-date", "payments-date", "reporting-date", "promise-date", "days-past-promise", "buyer-email",
    "buyer-name", "buyer-phone-number", "sku", "product-name", "quantity-purchased", "quantity-shipped", "quantity-to-ship", "ship-service-level",
    "recipient-name", "ship-address-1", "ship-address-2", "ship-address-3", "ship-city", "ship-state", "ship-postal-code", "ship-country",
    "is-business-order", "purchase-order-number", "price-designation", "is-iba", "verge-of-cancellation", "verge-of-lateShipment",
];

type Row<'a> = Vec<(&'a str, &'a str)>;

fn item<'a>(order: &'a str, sku: &'a str, more: &[(&'a str, &'a str)]) -> Row<'a> {
    let mut row: Row<'a> = vec![
        ("amazon-order-id", order), ("purchase-date", "2026-01-15T08:30:00+00:00"), ("last-updated-date", "2026-01-16T09:00:00-08:00"),
        ("order-status", "Shipped"), ("fulfillment-channel", "Merchant"), ("sales-channel", "Amazon.com"), ("product-name", "Mug"), ("sku", sku),
        ("asin", "B0TEST0001"), ("item-status", "Shipped"), ("quantity", "1"), ("currency", "USD"), ("item-price", "10.00"), ("ship-country", "US"),
    ];
    for (name, value) in more {
        row.retain(|(n, _)| n != name);
        row.push((name, value));
    }
    row
}

fn tsv(columns: &[&str], rows: &[Row<'_>]) -> String {
    let rows: Vec<&[(&str, &str)]> = rows.iter().map(Vec::as_slice).collect();
    table(columns, &rows, "\t")
}

#[test]
fn all_orders_with_both_vocabularies_and_many_currencies() {
    let text = tsv(ALL, &[
        item("111-1", "A", &[("quantity", "2"), ("item-price", "20.00"), ("item-tax", "1.65"), ("shipping-price", "3.00"), ("shipping-tax", "0.25"), ("item-promotion-discount", "2.00"), ("ship-promotion-discount", "3.00"), ("product-name", "15\" \"Cute\" mug")]),
        item("111-1", "A", &[]),
        item("111-1", "A", &[]),
        item("222-2", "B", &[("fulfillment-channel", "AFN"), ("sales-channel", "Amazon.co.jp"), ("currency", "JPY"), ("item-price", "1980"), ("item-tax", "180"), ("ship-country", "JP")]),
        item("333-3", "C", &[("fulfillment-channel", "Amazon"), ("sales-channel", "Amazon.de"), ("currency", "EUR"), ("item-price", "19.99"), ("item-tax", "3.19"), ("ship-country", "DE")]),
        item("444-4", "D", &[("fulfillment-channel", "MFN"), ("order-status", "Pending"), ("item-status", ""), ("currency", ""), ("item-price", ""), ("sales-channel", "Amazon.co.uk")]),
        item("555-5", "E", &[("order-status", "Cancelled"), ("item-status", "Cancelled"), ("quantity", "0"), ("item-price", "")]),
        item("666-6", "F", &[("order-status", "Shipped - Delivered to Buyer")]),
        item("777-7", "G", &[("order-status", "Teleported")]),
    ]);
    let got = read_text(&text);
    assert_eq!(got.reports[0].layout, "amazon_all_orders");
    assert!(got.reports[0].unknown_columns.is_empty(), "{:?}", got.reports[0].unknown_columns);
    assert!(got.odd.is_empty(), "{:?}", got.odd);
    let by = |id: &str| got.orders.iter().find(|o| o.order.external_id == id).expect(id);
    let first = &by("111-1").order;
    assert_eq!(first.lines.len(), 3, "equal lines stay apart");
    assert_eq!(first.lines.iter().filter(|l| l.external_id.starts_with("~A#")).count(), 3);
    assert_eq!(first.lines.iter().find(|l| l.quantity == 2).expect("a pair").title, "15\" \"Cute\" mug");
    // 20 − 2 + 10 + 10 goods, 3 postage, 1.90 tax on top, 3 off the postage.
    assert_eq!((first.total_minor, first.tax_minor, first.discount_minor, first.shipping_minor), (3990, 190, 300, 300));
    assert_eq!(first.placed_at, at("2026-01-15T08:30:00Z"));
    assert_eq!(first.modified_at, at("2026-01-16T17:00:00Z"));
    assert_eq!(first.fulfilled_by, FulfilledBy::Seller);
    let japan = by("222-2");
    assert_eq!((code(japan.order.currency), japan.order.total_minor, japan.order.tax_minor, japan.tax_included_minor), ("JPY".into(), 1980, 0, 180));
    assert_eq!(japan.order.fulfilled_by, FulfilledBy::Channel);
    assert_eq!(by("333-3").order.fulfilled_by, FulfilledBy::Channel);
    assert_eq!(by("333-3").order.total_minor, 1999);
    let pending = &by("444-4").order;
    assert_eq!((code(pending.currency), pending.payment, pending.total_minor), ("GBP".into(), Payment::Unpaid, 0));
    assert_eq!(by("555-5").order.status, Observed::Known(ChannelStatus::Cancelled));
    assert_eq!(by("666-6").order.status, Observed::Known(ChannelStatus::Delivered));
    assert_eq!(by("777-7").order.status, Observed::Unknown("Teleported".into()));
    assert_eq!(by("777-7").order.observed_status, "Teleported");
}

#[test]
fn columns_may_be_missing_added_and_reordered() {
    let mut columns: Vec<&str> = ALL.iter().copied().filter(|c| *c != "url" && *c != "gift-wrap-tax").rev().collect();
    columns.push("is-sold-by-ab");
    columns.push("brand-new-column");
    let text = tsv(&columns, &[item("111-1", "A", &[])]);
    let got = read_text(&text);
    assert_eq!(got.orders.len(), 1);
    assert_eq!(got.reports[0].unknown_columns, vec!["brand-new-column"]);
    assert_eq!(got.reports[0].missing_columns, vec!["gift-wrap-tax"]);
}

fn due<'a>(order: &'a str, item: &'a str, sku: &'a str, more: &[(&'a str, &'a str)]) -> Row<'a> {
    let mut row: Row<'a> = vec![
        ("order-id", order), ("order-item-id", item), ("purchase-date", "2026-01-15T08:30:00+00:00"), ("payments-date", "2026-01-15T08:31:00+00:00"),
        ("promise-date", "2026-01-18T07:59:59+00:00"), ("days-past-promise", "-2"), ("buyer-email", "x1@marketplace.amazon.com"), ("sku", sku),
        ("product-name", "Mug"), ("quantity-purchased", "2"), ("quantity-shipped", "0"), ("quantity-to-ship", "2"), ("recipient-name", "Hélène O'Neil"),
        ("ship-address-1", "1 Main St"), ("ship-address-2", "Apt 4"), ("ship-city", "Austin"), ("ship-state", "TX"), ("ship-postal-code", "78701"),
        ("ship-country", "US"), ("buyer-phone-number", "+1 512-555-0100"), ("verge-of-lateShipment", "true"), ("is-business-order", "false"),
    ];
    row.retain(|(n, _)| !more.iter().any(|(m, _)| m == n));
    row.extend_from_slice(more);
    row
}

#[test]
fn orders_to_ship_with_recipients_and_without_prices() {
    let got = read_text(&tsv(TO_SHIP, &[due("111-1", "9001", "A", &[]), due("111-1", "9002", "A", &[("quantity-purchased", "1"), ("quantity-shipped", "1")])]));
    assert_eq!(got.reports[0].layout, "amazon_to_ship");
    assert!(got.reports[0].unknown_columns.is_empty(), "{:?}", got.reports[0].unknown_columns);
    let read = &got.orders[0];
    let order = &read.order;
    assert_eq!(order.lines.iter().map(|l| l.external_id.as_str()).collect::<Vec<_>>(), vec!["9001", "9002"]);
    assert_eq!(order.status, Observed::Known(ChannelStatus::PartShipped));
    assert_eq!(order.ship_by, Some(at("2026-01-18T07:59:59Z")));
    let recipient = order.recipient.as_ref().expect("a recipient");
    assert!(recipient.personal.name == "Hélène O'Neil" && recipient.personal.address == "1 Main St, Apt 4" && recipient.region.province == "TX");
    assert_eq!(order.urgent, vec!["verge_of_late_shipment"]);
    assert!(!read.knows.money && !read.knows.prices);
}

#[test]
fn new_orders_in_the_old_layout_with_prices_in_shift_jis() {
    let mut columns: Vec<&str> = TO_SHIP.iter().copied().filter(|c| !["days-past-promise", "quantity-to-ship", "verge-of-cancellation", "verge-of-lateShipment", "is-iba"].contains(c)).collect();
    columns.extend(["currency", "item-price", "item-tax", "shipping-price", "shipping-tax", "ship-phone-number", "delivery-Instructions", "sales-channel"]);
    let mut row = due("503-1", "9001", "A", &[("recipient-name", "山田 太郎"), ("product-name", "ステンレス マグカップ"), ("ship-address-1", "丸の内1-1"), ("ship-country", "JP"), ("purchase-date", "2026-01-15T17:30:00+09:00")]);
    row.retain(|(n, _)| columns.contains(n));
    row.extend([("currency", "JPY"), ("item-price", "3960"), ("item-tax", "360"), ("shipping-price", "500"), ("ship-phone-number", "03-1234-5678"), ("delivery-Instructions", "玄関前")]);
    let bytes = encoding_rs::SHIFT_JIS.encode(&tsv(&columns, &[row])).0.into_owned();
    let got = read(vec![("orders.txt", bytes)]);
    assert_eq!((got.reports[0].layout.as_str(), got.reports[0].format.as_str()), ("amazon_to_ship", "Shift_JIS"));
    let order = &got.orders[0].order;
    assert_eq!((order.total_minor, order.lines[0].unit_price_minor, order.lines[0].title.as_str()), (4460, 1980, "ステンレス マグカップ"));
    assert_eq!(order.placed_at, at("2026-01-15T08:30:00Z"));
    assert_eq!(order.buyer_note, "玄関前");
    assert!(order.recipient.as_ref().is_some_and(|r| r.personal.phone == "03-1234-5678"));
}

#[test]
fn both_reports_together_give_each_order_once_with_prices_and_people() {
    let all = tsv(ALL, &[item("111-1", "A", &[("quantity", "2"), ("item-price", "20.00"), ("order-status", "Unshipped"), ("item-status", "Unshipped")])]);
    let ship = tsv(TO_SHIP, &[due("111-1", "9001", "A", &[])]);
    let got = read(vec![("a.txt", all.into_bytes()), ("b.txt", ship.into_bytes())]);
    assert_eq!((got.orders.len(), got.odd.len()), (1, 0));
    let order = &got.orders[0].order;
    assert_eq!((order.total_minor, order.lines.len(), order.lines[0].total_minor), (2000, 1, 2000));
    assert!(order.recipient.as_ref().is_some_and(|r| r.personal.name == "Hélène O'Neil"));
    assert!(got.orders[0].knows.money);
}

#[test]
fn odd_rows_come_back_whole_and_take_their_order_with_them() {
    let text = tsv(ALL, &[item("111-1", "A", &[]), item("111-1", "B", &[("item-price", "ten")]), item("", "C", &[]), item("222-2", "D", &[]), item("3.51512E+17", "E", &[])]);
    let got = read_text(&text);
    assert_eq!(got.orders.len(), 1);
    let causes: Vec<(u64, &str)> = got.odd.iter().map(|o| (o.row, o.cause.code.as_str())).collect();
    let mut sorted = causes.clone();
    sorted.sort();
    assert_eq!(sorted, vec![(2, "same_order"), (3, "bad_amount"), (4, "no_order_id"), (6, "bad_order_id")]);
    assert_eq!(got.odd.iter().find(|o| o.row == 3).expect("row 3").cells[16], "ten");
}

#[test]
fn a_buyer_who_asked_to_cancel_is_seen() {
    let mut columns = TO_SHIP.to_vec();
    columns.push("is-buyer-requested-cancellation");
    let got = read_text(&tsv(&columns, &[due("111-1", "9001", "A", &[("is-buyer-requested-cancellation", "true")])]));
    assert_eq!(got.orders[0].order.lines[0].refund, LineRefund::Requested);
}

#[test]
fn versions_in_one_file_and_items_that_disagree() {
    let text = tsv(ALL, &[
        item("111-1", "A", &[("order-status", "Unshipped"), ("item-status", "Unshipped"), ("last-updated-date", "2026-01-15T09:00:00+00:00")]),
        item("111-1", "A", &[]),
        item("222-2", "B", &[]),
        item("222-2", "C", &[("order-status", "Cancelled"), ("item-status", "Cancelled"), ("quantity", "1")]),
    ]);
    let got = read_text(&text);
    assert!(got.odd.is_empty(), "{:?}", got.odd);
    assert_eq!(got.orders.iter().map(|o| (o.order.lines.len(), o.order.observed_status.as_str())).collect::<Vec<_>>(), vec![(1, "Shipped"), (2, "Shipped")]);
    assert_eq!(got.orders[1].order.lines.iter().map(|l| l.cancelled).sum::<i64>(), 1);
}

/// A report that was cut in two within an order: what its rows say is added, and rows that stand in both count once.
#[test]
fn an_order_whose_rows_stand_in_two_files_has_the_money_of_all_of_them() {
    let row = |sku: &'static str, price: &'static str, shipping: &'static str| {
        item("111-1", sku, &[("currency", "USD"), ("item-price", price), ("item-tax", "1.00"), ("shipping-price", shipping), ("ship-promotion-discount", "0.50")])
    };
    let (a, b, c) = (row("A", "10.00", "4.00"), row("B", "20.00", ""), row("C", "5.00", "1.00"));
    let whole = read(vec![("whole", tsv(ALL, &[a.clone(), b.clone(), c.clone()]).into_bytes())]);
    assert_eq!(whole.orders[0].order.total_minor, 3500 + 300 + 500 - 150);
    let parts = [
        (vec![a.clone()], vec![b.clone(), c.clone()]),
        (vec![a.clone(), b.clone()], vec![b.clone(), c.clone()]),
        (vec![c, a.clone(), b.clone()], vec![b, a]),
    ];
    for (first, second) in parts {
        let got = read(vec![("1", tsv(ALL, &first).into_bytes()), ("2", tsv(ALL, &second).into_bytes())]);
        let (one, all) = (&got.orders[0].order, &whole.orders[0].order);
        assert_eq!(
            (one.lines.len(), one.total_minor, one.shipping_minor, one.tax_minor, one.discount_minor),
            (all.lines.len(), all.total_minor, all.shipping_minor, all.tax_minor, all.discount_minor)
        );
    }
}
