//! Taobao's two exports.

use super::*;
use wharf_domain::order::{ChannelStatus, LineRefund, Payment};
use wharf_domain::word::Observed;

const BASE: &[&str] = &[
    "订单编号", "买家会员名", "买家支付宝账号", "买家应付货款", "买家应付邮费", "买家支付积分", "总金额", "返点积分", "买家实际支付金额", "买家实际支付积分",
    "订单状态", "买家留言", "收货人姓名", "收货地址 ", "运送方式", "联系电话 ", "联系手机", "订单创建时间", "订单付款时间 ", "宝贝标题 ", "宝贝种类 ",
    "物流单号 ", "物流公司", "订单备注", "宝贝总数量", "店铺Id", "店铺名称", "订单关闭原因", "卖家服务费", "买家服务费", "发票抬头", "是否手机订单",
    "分阶段订单信息", "特权订金订单id", "是否上传合同照片", "是否上传小票", "是否代付", "定金排名", "修改后的sku", "修改后的收货地址", "异常信息",
    "天猫卡券抵扣", "集分宝抵扣", "是否是O2O交易",
];
const LATER: &[&str] = &[
    "新零售交易类型", "新零售导购门店名称", "新零售导购门店id", "新零售发货门店名称", "新零售发货门店id", "退款金额", "预约门店", "确认收货时间",
    "打款商家金额", "含应开票给个人的个人红包",
];
const NEWEST: &[&str] = &[
    "支付单号", "支付详情", "满返红包金额", "是否信用购", "体验期结束时间", "前N有礼", "配送类型", "直播返现状态", "返现金额", "新零售成交门店昵称",
    "新零售成交门店id", "新零售成交经销商id", "主订单编号",
];
const OLD_LINES: &[&str] = &["订单编号", "标题", "价格", "购买数量", "外部系统编号", "商品属性", "套餐信息", "备注", "订单状态", "商家编码"];
const NEW_LINES: &[&str] = &[
    "子订单编号", "主订单编号", "标题", "价格", "购买数量", "外部系统编号", "商品属性", "套餐信息", "备注", "订单状态", "商家编码", "支付单号",
    "买家应付货款", "买家实际支付金额", "退款状态", "退款金额", "订单创建时间", "订单付款时间",
];

type Row<'a> = Vec<(&'a str, &'a str)>;

fn order<'a>(id: &'a str, more: &[(&'a str, &'a str)]) -> Row<'a> {
    let mut row: Row<'a> = vec![
        ("订单编号", id), ("买家会员名", "小明2020"), ("买家应付货款", "90.00"), ("买家应付邮费", "0元"), ("总金额", "90.00"), ("买家实际支付金额", "85.50"),
        ("订单状态", "买家已付款，等待卖家发货"), ("收货人姓名", "张三"), ("收货地址 ", "浙江省 杭州市 余杭区 五常街道 文一西路969号(310000)"),
        ("联系电话 ", "'-"), ("联系手机", "'13812345678"), ("订单创建时间", "2026-01-15 08:30:00"), ("订单付款时间 ", "2026/1/15 8:31"),
        ("宝贝标题 ", "纯棉短袖 ，帆布袋"), ("宝贝种类 ", "2"), ("宝贝总数量", "3"), ("店铺名称", "测试店"), ("订单关闭原因", "订单未关闭"),
    ];
    row.retain(|(n, _)| !more.iter().any(|(m, _)| m == n));
    row.extend_from_slice(more);
    row
}

fn csv(columns: &[&str], rows: &[Row<'_>]) -> String {
    let rows: Vec<&[(&str, &str)]> = rows.iter().map(Vec::as_slice).collect();
    table(columns, &rows, ",")
}

fn old_line<'a>(id: &'a str, title: &'a str, price: &'a str, n: &'a str, sku: &'a str) -> Row<'a> {
    vec![("订单编号", id), ("标题", title), ("价格", price), ("购买数量", n), ("外部系统编号", sku), ("商品属性", "颜色分类：白；尺码：L；"), ("订单状态", "买家已付款，等待卖家发货")]
}

#[test]
fn all_three_vintages_of_the_order_list_in_gb18030() {
    let second: Vec<&str> = BASE.iter().chain(LATER).copied().collect();
    let third: Vec<&str> = second.iter().chain(NEWEST).copied().collect();
    for columns in [BASE.to_vec(), second, third] {
        let text = csv(&columns, &[order("=\"351512345678901234\"", &[])]);
        let got = read(vec![("whatever.xls", gbk(&text))]);
        assert_eq!((got.reports[0].layout.as_str(), got.reports[0].format.as_str()), ("taobao_orders", "gb18030"));
        assert!(got.reports[0].unknown_columns.is_empty(), "{:?}", got.reports[0].unknown_columns);
        assert!(got.odd.is_empty(), "{:?}", got.odd);
        let read = &got.orders[0];
        let order = &read.order;
        assert_eq!(order.external_id, "351512345678901234");
        assert_eq!(order.status, Observed::Known(ChannelStatus::ToShip));
        assert_eq!((order.total_minor, order.shipping_minor, order.discount_minor), (8550, 0, 450));
        assert_eq!(order.placed_at, at("2026-01-15T00:30:00Z"), "Taobao's clock is Chinese");
        assert_eq!(order.paid_at, Some(at("2026-01-15T00:31:00Z")));
        let recipient = order.recipient.as_ref().expect("a recipient");
        assert!(recipient.personal.phone == "13812345678" && recipient.personal.address == "文一西路969号" && !recipient.masked);
        assert_eq!([&recipient.region.province, &recipient.region.city, &recipient.region.district, &recipient.region.town, &recipient.region.postal_code], ["浙江省", "杭州市", "余杭区", "五常街道", "310000"]);
        assert_eq!((order.lines.len(), order.lines[0].quantity, order.lines[0].total_minor), (1, 3, 9000), "alone it knows the sum of its lines");
        assert!(!read.knows.lines && read.knows.money);
    }
}

#[test]
fn every_state_and_refund_is_told() {
    let later: Vec<&str> = BASE.iter().chain(LATER).copied().collect();
    let rows = [
        order("1", &[("订单状态", "等待买家付款"), ("买家实际支付金额", "0.00"), ("订单付款时间 ", "")]),
        order("2", &[]),
        order("3", &[("订单状态", "卖家已发货，等待买家确认"), ("物流单号 ", "No:YT123456"), ("物流公司", "圆通速递")]),
        order("4", &[("订单状态", "交易成功"), ("确认收货时间", "2026-01-20 10:00:00"), ("退款金额", "10.00")]),
        order("5", &[("订单状态", "交易关闭"), ("买家实际支付金额", "0.00"), ("订单付款时间 ", ""), ("订单关闭原因", "买家未付款")]),
        order("6", &[("订单状态", "交易关闭"), ("退款金额", "85.50")]),
        order("7", &[("订单状态", "飞走了")]),
        order("8", &[("订单状态", "交易成功"), ("退款金额", "无退款申请")]),
    ];
    let got = read(vec![("f", gbk(&csv(&later, &rows)))]);
    let facts: Vec<_> = got.orders.iter().map(|r| (r.order.status.clone(), r.order.payment)).collect();
    let known = Observed::Known;
    assert_eq!(facts, vec![
        (known(ChannelStatus::AwaitingPayment), Payment::Unpaid),
        (known(ChannelStatus::ToShip), Payment::Paid),
        (known(ChannelStatus::Shipped), Payment::Paid),
        (known(ChannelStatus::Completed), Payment::PartRefunded),
        (known(ChannelStatus::Cancelled), Payment::Unpaid),
        (known(ChannelStatus::Cancelled), Payment::Refunded),
        (Observed::Unknown("飞走了".into()), Payment::Paid),
        (known(ChannelStatus::Completed), Payment::Paid),
    ]);
    assert_eq!(got.orders[0].order.total_minor, 9000, "before payment the order costs what is due");
    assert_eq!((got.orders[2].order.shipments[0].number.as_str(), got.orders[2].order.shipments[0].carrier.as_str()), ("YT123456", "圆通速递"));
    assert_eq!(got.orders[3].order.closed_at, Some(at("2026-01-20T02:00:00Z")));
}

#[test]
fn the_two_files_are_joined_and_never_doubled() {
    let orders = csv(BASE, &[order("=\"100\"", &[]), order("=\"200\"", &[("宝贝种类 ", "1"), ("宝贝总数量", "1")])]);
    let lines = csv(OLD_LINES, &[old_line("=\"100\"", "纯棉短袖", "40.00", "2", "TS-WHITE-L"), old_line("=\"100\"", "帆布袋", "20.00", "1", "BAG"), old_line("=\"200\"", "帽子", "90", "1", "-")]);
    for files in [vec![("a", gbk(&orders)), ("b", gbk(&lines))], vec![("b", gbk(&lines)), ("a", gbk(&orders))]] {
        let got = read(files);
        assert!(got.odd.is_empty(), "{:?}", got.odd);
        assert_eq!(got.orders.len(), 2);
        let order = &got.orders[0].order;
        assert_eq!(order.lines.len(), 2);
        // 90.00 due for goods that list at 100.00: split to the cent.
        assert_eq!(order.lines.iter().map(|l| l.total_minor).collect::<Vec<_>>(), vec![7200, 1800]);
        assert_eq!(order.lines.iter().map(|l| l.discount_minor).sum::<i64>(), 1000);
        assert_eq!(order.lines.iter().map(|l| l.total_minor).sum::<i64>() + order.shipping_minor - order.discount_minor, order.total_minor);
        assert_eq!(order.lines[0].variant, "颜色分类：白；尺码：L");
        assert_eq!(order.lines[0].seller_code, "TS-WHITE-L");
        assert!(order.recipient.is_some());
    }
}

#[test]
fn the_newer_item_list_alone_and_joined() {
    let line = |sub: &'static str, refund: &'static str, back: &'static str| -> Row<'static> {
        vec![("子订单编号", sub), ("主订单编号", "='100'"), ("标题", "短袖"), ("价格", "50.00"), ("购买数量", "1"), ("外部系统编号", "A"), ("订单状态", "交易成功"), ("买家应付货款", "45.00"), ("买家实际支付金额", "45.00"), ("退款状态", refund), ("退款金额", back), ("订单创建时间", "2026-01-15 08:30:00"), ("订单付款时间", "2026-01-15 08:31:00")]
    };
    let mut rows = vec![line("=\"101\"", "没有申请退款", "无退款申请"), line("=\"102\"", "退款成功", "45.00"), line("=\"103\"", "买家已经申请退款，等待卖家同意", "45.00"), line("=\"104\"", "退款关闭", "无退款申请")];
    for row in &mut rows {
        row[1] = ("主订单编号", "=\"100\"");
    }
    let alone = read(vec![("f", gbk(&csv(NEW_LINES, &rows)))]);
    assert_eq!(alone.reports[0].layout, "taobao_lines");
    assert!(alone.reports[0].unknown_columns.is_empty());
    let order_alone = &alone.orders[0].order;
    assert_eq!(order_alone.lines.iter().map(|l| (l.external_id.as_str(), l.refund)).collect::<Vec<_>>(), vec![("101", LineRefund::None), ("102", LineRefund::Refunded), ("103", LineRefund::Requested), ("104", LineRefund::Closed)]);
    assert_eq!((order_alone.total_minor, order_alone.payment, order_alone.recipient.is_none()), (18000, Payment::PartRefunded, true));
    let list = csv(BASE, &[order("=\"100\"", &[("买家应付货款", "180.00"), ("总金额", "180.00"), ("买家实际支付金额", "180.00"), ("订单状态", "交易成功")])]);
    let joined = read(vec![("a", gbk(&list)), ("b", gbk(&csv(NEW_LINES, &rows)))]);
    assert_eq!((joined.orders.len(), joined.orders[0].order.lines.len(), joined.orders[0].order.total_minor), (1, 4, 18000));
}

#[test]
fn an_old_item_list_alone_says_what_it_can() {
    let got = read(vec![("f", gbk(&csv(OLD_LINES, &[old_line("100", "短袖", "40.00", "2", "A"), old_line("100", "短袖", "40.00", "2", "A")])))]);
    let read = &got.orders[0];
    assert_eq!((read.order.total_minor, read.order.lines.len(), read.knows.placed, read.order.placed_at), (16000, 2, false, NOW));
    assert_ne!(read.order.lines[0].external_id, read.order.lines[1].external_id);
}

#[test]
fn a_changed_address_overrides_and_masks_stay_masks() {
    let rows = [
        order("1", &[("修改后的收货地址", "上海 上海市 浦东新区 世纪大道1号(200120)")]),
        order("2", &[("修改后的收货地址", "李四，13987654321，江苏省 苏州市 昆山市 人民路5号")]),
        order("3", &[("收货人姓名", "张*"), ("联系手机", "'138****5678"), ("收货地址 ", "浙江省 杭州市 余杭区 *****"), ("买家会员名", "小**")]),
    ];
    let got = read(vec![("f", gbk(&csv(BASE, &rows)))]);
    let person = |n: usize| got.orders[n].order.recipient.clone().expect("a recipient");
    assert!(person(0).region.city == "上海市" && person(0).personal.address == "世纪大道1号" && person(0).personal.name == "张三");
    assert!(person(1).personal.name == "李四" && person(1).personal.phone == "13987654321" && person(1).region.district == "昆山市");
    assert!(person(2).masked && person(2).personal.phone == "138****5678" && person(2).region.district == "余杭区");
    assert_eq!(got.orders[2].order.buyer.external_id, None, "a masked nick is no identity");
    assert!(!person(0).masked);
}

#[test]
fn a_formula_in_a_note_stays_a_text() {
    let got = read(vec![("f", gbk(&csv(BASE, &[order("1", &[("买家留言", "=cmd|' /C calc'!A0"), ("订单备注", "'+发顺丰")])])))]);
    assert_eq!(got.orders[0].order.buyer_note, "=cmd|' /C calc'!A0");
    assert_eq!(got.orders[0].order.seller_note, "+发顺丰");
}

#[test]
fn other_channels_do_not_mix_and_an_overlap_counts_once() {
    let one = csv(BASE, &[order("1", &[]), order("2", &[])]);
    let two = csv(BASE, &[order("2", &[("订单状态", "交易成功")]), order("3", &[])]);
    let got = read(vec![("a", gbk(&one)), ("b", gbk(&two))]);
    assert_eq!(got.orders.len(), 3);
    assert_eq!(got.orders[1].order.status, Observed::Known(ChannelStatus::Completed), "the newer version counts");
    let amazon = "amazon-order-id\titem-status\n1\tShipped\n".as_bytes().to_vec();
    let refused = try_read(vec![("a", gbk(&one)), ("b", amazon)], &options()).err().expect("refused");
    assert_eq!(refused.code, "file_together");
}
