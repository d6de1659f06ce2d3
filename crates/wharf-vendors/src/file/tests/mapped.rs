//! Tables that a mapping explains, and mappings that are proposed.

use super::*;
use serde_json::json;
use wharf_connect::files::{Balance, Document};
use wharf_domain::order::ChannelStatus;
use wharf_domain::word::Observed;

fn uci() -> serde_json::Value {
    serde_json::from_str(include_str!("../../../../../docs/guide/uci-mapping.json")).expect("JSON")
}

const UCI: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n\
536365,85123A,WHITE HANGING HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n\
536365,85123A,WHITE HANGING HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n\
536365,POST,POSTAGE,1,2010-12-01 08:27:00,18,17850,United Kingdom\n\
C536379,D,Discount,-1,2010-12-01 09:41:00,27.50,14527,EIRE\n\
536589,21777,,-10,2010-12-01 16:50:00,0,,United Kingdom\n\
A563185,B,Adjust bad debt,1,2011-08-12 14:50:00,11062.06,,United Kingdom\n\
A563186,B,Adjust bad debt,1,2011-08-12 14:51:00,-11062.06,,United Kingdom\n\
550193,PADS,PADS TO MATCH,1,2011-04-15 09:27:00,0.001,13952,Channel Islands\n";

#[test]
fn invoices_credit_notes_adjustments_and_write_offs_keep_every_cent() {
    let got = read_mapped(UCI, uci());
    assert!(got.odd.is_empty(), "{:?}", got.odd);
    let by = |id: &str| got.orders.iter().find(|o| o.order.external_id == id).expect(id);
    let sale = &by("536365").order;
    assert_eq!((sale.lines.len(), sale.total_minor), (3, 2 * 1530 + 1800));
    assert_eq!(sale.lines.iter().map(|l| l.external_id.as_str()).collect::<Vec<_>>(), vec!["~85123A#1", "~85123A#2", "~POST#1"]);
    assert_eq!(sale.placed_at, at("2010-12-01T08:26:00Z"), "the first of its minutes");
    assert_eq!(sale.status, Observed::Known(ChannelStatus::Completed));
    let credit = by("C536379");
    assert_eq!((credit.document, credit.order.total_minor), (Document::Cancellation, -2750));
    assert_eq!((credit.order.lines[0].quantity, credit.order.lines[0].cancelled), (1, 1));
    assert_eq!(credit.order.status, Observed::Known(ChannelStatus::Cancelled));
    let written_off = &by("536589").order;
    assert_eq!((written_off.lines[0].quantity, written_off.total_minor, written_off.lines[0].observed_status.as_str()), (0, 0, "adjustment -10"));
    assert_eq!(by("A563186").order.total_minor, -1_106_206);
    assert_eq!(by("A563185").document, Document::Adjustment);
    assert_eq!((by("550193").order.total_minor, by("550193").rounded_lines), (0, 1));
    assert!(by("536589").order.buyer.external_id.is_none());
    let mut balance = Balance::default();
    let zone = jiff::tz::TimeZone::get("Europe/London").expect("zone");
    got.orders.iter().for_each(|o| balance.count(o, &zone));
    let total = &balance.totals()[0].sums;
    assert_eq!((total.orders, total.cancellations, total.adjustments, total.lines, total.rounded_lines), (5, 1, 2, 8, 1));
    assert_eq!((total.total_minor, total.cancelled_minor), (4860 - 2750, -2750));
    let countries: Vec<String> = balance.rows().iter().map(|r| format!("{} {}", r.month, r.country)).collect();
    assert_eq!(countries, vec!["2010-12 GB", "2010-12 IE", "2011-04 Channel Islands", "2011-08 GB"]);
}

#[test]
fn row_order_and_parts_of_a_file_do_not_matter() {
    let mut lines: Vec<&str> = UCI.lines().collect();
    lines[1..].reverse();
    let shuffled = lines.join("\n");
    let (a, b) = (read_mapped(UCI, uci()), read_mapped(&shuffled, uci()));
    let ids = |got: &Got| got.orders.iter().map(|o| {
        let mut lines: Vec<_> = o.order.lines.iter().map(|l| (l.external_id.clone(), l.quantity, l.total_minor)).collect();
        lines.sort();
        (o.order.external_id.clone(), o.order.total_minor, lines)
    }).collect::<Vec<_>>();
    assert_eq!(ids(&a), ids(&b));
    // One export in two parts: the cut goes through an order.
    let lines: Vec<&str> = UCI.lines().collect();
    let part = |rows: &[&str]| format!("{}\n{}\n", lines[0], rows.join("\n")).into_bytes();
    let options = ReadOptions { mapping: Some(uci()), ..options() };
    let whole = try_read(vec![("1", part(&lines[1..3])), ("2", part(&lines[3..]))], &options).expect("reads");
    assert_eq!(whole.orders.iter().map(|o| o.order.total_minor).sum::<i64>(), a.orders.iter().map(|o| o.order.total_minor).sum::<i64>());
    // The same file twice in one import is one file.
    let twice = try_read(vec![("1", UCI.into()), ("2", UCI.into())], &options).expect("reads");
    assert_eq!(ids(&twice), ids(&a));
}

#[test]
fn order_amounts_repeat_stand_once_or_come_in_parts() {
    let base = json!({"columns": {"order_id": "no", "title": "t", "quantity": "q", "unit_price": "p", "shipping": "s", "total": "sum", "placed_at": "d"}, "constants": {"currency": "EUR"}, "dates": {"zone": "Europe/Berlin", "format": "%d.%m.%Y"}});
    let got = read_mapped("no;t;q;p;s;sum;d\n1;a;2;1.000,50;5;2.010,00;31.12.2026\n1;b;1;4,00;5;2.010,00;31.12.2026\n2;c;1;3,00;1,00;4,00;01.02.2026\n2;d;1;;;;01.02.2026\n", base.clone());
    assert!(got.odd.is_empty(), "{:?}", got.odd);
    assert_eq!(got.orders.iter().map(|o| (o.order.total_minor, o.order.shipping_minor)).collect::<Vec<_>>(), vec![(201_000, 500), (400, 100)]);
    assert_eq!(got.orders[0].order.placed_at, at("2026-12-30T23:00:00Z"));
    let parts = "no;t;q;p;s;sum;d\n1;a;1;1;2;4;1.1.2026\n1;b;1;1;1;4;1.1.2026\n";
    let got = read_mapped(parts, base.clone());
    assert_eq!(got.odd.iter().map(|o| o.cause.code.as_str()).collect::<Vec<_>>(), vec!["same_order", "contradiction"]);
    let mut summed = base;
    summed["summed"] = json!(["shipping"]);
    summed["columns"].as_object_mut().expect("object").remove("total");
    let got = read_mapped(parts, summed);
    assert_eq!((got.orders[0].order.shipping_minor, got.orders[0].order.total_minor), (300, 500));
}

#[test]
fn cells_filled_down_and_statuses_in_their_words() {
    let mapping = json!({"columns": {"order_id": "交易编号", "seller_code": "SKU", "quantity": "商品数量", "unit_price": "单价", "status": "订单状态", "full_address": "地址", "recipient": "客户"}, "constants": {"currency": "CNY"}, "status_words": {"已到手": "delivered"}, "fill_down": true});
    let got = read_mapped("交易编号,SKU,商品数量,单价,订单状态,地址,客户\nT1,A,1,RMB 12.3,已到手,浙江省 杭州市 余杭区 路1号,王五\n,B,2,1.00,,,\nT2,C,1,5,weird,,\n", mapping);
    assert!(got.odd.is_empty(), "{:?}", got.odd);
    let first = &got.orders[0].order;
    assert_eq!((first.lines.len(), first.total_minor), (2, 1430));
    assert!(first.recipient.as_ref().is_some_and(|r| r.region.district == "余杭区" && r.personal.name == "王五"));
    assert_eq!(got.orders[1].order.status, Observed::Unknown("weird".into()));
}

#[test]
fn a_mapping_is_proposed_for_chinese_and_english_columns() {
    let got = read_text("订单号,下单时间,商品名称,规格,数量,单价,收货人,手机,收货地址,国家\n1,2026-01-15 08:30:00,帽子,红,2,10.00,张三,13812345678,浙江省 杭州市 余杭区 路1号,中国\n");
    assert!(got.odd.iter().all(|o| o.cause.code == "no_currency"), "no currency is guessed");
    let with = ReadOptions { currency: Some(wharf_domain::money::CNY), ..options() };
    let text = "Order Number,Order Date,Product Name,SKU,Qty,Price,Ship To - Name,Shipping Country,Status\n7,2026-01-15,Hat,H1,2,10.00,Ann,Germany,paid\n";
    let got = try_read(vec![("f", text.into())], &with).expect("reads");
    assert!(got.reports[0].proposed);
    let order = &got.orders[0].order;
    assert_eq!((order.total_minor, order.lines[0].seller_code.as_str()), (2000, "H1"));
    assert!(order.recipient.as_ref().is_some_and(|r| r.region.country == "DE"));
    assert_eq!(order.status, Observed::Known(ChannelStatus::ToShip));
    let refused = try_read(vec![("f", "colour,size\nred,L\n".into())], &with).err().expect("refused");
    assert_eq!(refused.code, "file_needs_mapping");
}

#[test]
fn a_wrong_mapping_says_what_is_wrong() {
    let refuse = |mapping: serde_json::Value| {
        let options = ReadOptions { mapping: Some(mapping), ..options() };
        try_read(vec![("f", "no,t\n1,a\n".into())], &options).err().expect("refused").why
    };
    assert!(refuse(json!({"columns": {"title": "t"}})).contains("order_id"));
    assert!(refuse(json!({"columns": {"order_id": "no", "title": "t", "colour": "x"}})).contains("colour"));
    assert!(refuse(json!({"columns": {"order_id": "no", "title": "absent"}})).contains("absent"));
    assert!(refuse(json!({"columns": {"order_id": "no", "title": "t"}, "dates": {"zone": "Mars/One"}})).contains("Mars"));
}

#[test]
fn other_tools_are_named_and_not_half_read() {
    for (header, layout) in [
        ("下单帐号,京东价,订单号,商品名称,订购数量", "jd"),
        ("商家实收金额(元),样式ID,订单号,商品,商品数量(件)", "Pinduoduo"),
        ("线上订单号,颜色及规格,商品名称,数量", "Jushuitan"),
        ("交易编号,订单核算金额（人民币）,SKU,商品数量", "Mabang"),
        ("\"*SKU\n(必填)\",英文报关名,中文名称", "Dianxiaomi"),
        ("settlement-id\tamount-description\tamount", "settlement"),
        ("Order - Number,Amount - Order Total,Item - Qty", "ShipStation"),
        ("子单原始单号,客服标旗,订单编号", "Wangdiantong"),
    ] {
        let refused = refusal(format!("{header}\n1,2,3,4,5\n").into_bytes());
        assert_eq!(refused.code, "file_not_readable", "{header}: {}", refused.why);
        assert!(refused.why.to_lowercase().contains(&layout.to_lowercase()), "{header}: {}", refused.why);
    }
    let preamble = "\"Includes Amazon Marketplace, Fulfillment by Amazon (FBA)\"\n\"All amounts in USD, unless specified\"\n\n\"date/time\",\"settlement id\",\"type\",\"total\"\n";
    assert_eq!(refusal(preamble.into()).code, "file_not_readable");
}
