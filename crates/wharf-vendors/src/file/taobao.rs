//! Taobao's order list (three vintages, and the newer sheet) and its item list (both vintages), joined on the order id.
//! Either file alone is read with what it can say; both together give each order once.

use super::division;
use super::header::Header;
use super::layouts::Reading;
use wharf_connect::files::merge::{SUMMARY_LINE, ordinals};
use super::plan::{Cells, Context, Fault, Plan, empty_line, empty_order, product, version};
use wharf_connect::files::{Cause, Document, Knows, ReadOrder};
use wharf_domain::address::{PersonalData, Recipient};
use wharf_domain::money::CNY;
use wharf_domain::order::channel::ChannelShipment;
use wharf_domain::order::{ChannelStatus, LineRefund, Payment};
use wharf_domain::word::Observed;

const ORDERS: &[&[&str]] = &[
    &["订单编号", "主订单编号"], &["买家会员名"], &["买家应付货款"], &["买家应付邮费"], &["总金额"],
    &["买家实际支付金额", "买家实付金额"], &["订单状态"], &["买家留言"], &["收货人姓名"], &["收货地址"], &["联系电话"], &["联系手机"],
    &["订单创建时间", "买家下单时间"], &["订单付款时间", "买家付款时间"], &["发货时间"], &["宝贝标题"], &["宝贝规格"], &["宝贝种类"],
    &["物流单号", "运单号"], &["物流公司"], &["订单备注"], &["宝贝总数量"], &["店铺名称"], &["订单关闭原因"], &["修改后的sku"],
    &["修改后的收货地址"], &["异常信息"], &["退款金额"], &["确认收货时间"],
];
const ORDERS_IGNORED: &[&str] = &[
    "主订单编号", "买家支付宝账号", "支付单号", "支付详情", "买家支付积分", "返点积分", "买家实际支付积分", "运送方式", "店铺Id", "卖家服务费", "买家服务费", "发票抬头",
    "是否手机订单", "分阶段订单信息", "特权订金订单id", "是否上传合同照片", "是否上传小票", "是否代付", "定金排名", "天猫卡券抵扣", "集分宝抵扣",
    "是否是O2O交易", "新零售交易类型", "新零售导购门店名称", "新零售导购门店id", "新零售发货门店名称", "新零售发货门店id", "预约门店", "打款商家金额",
    "含应开票给个人的个人红包", "满返红包金额", "是否信用购", "体验期结束时间", "前N有礼", "配送类型", "直播返现状态", "返现金额", "新零售成交门店昵称",
    "新零售成交门店id", "新零售成交经销商id",
];
const LINES: &[&[&str]] = &[
    &["主订单编号", "订单编号"], &["子订单编号"], &["标题"], &["价格"], &["购买数量"], &["外部系统编号"], &["商品属性"], &["套餐信息"], &["备注"],
    &["订单状态"], &["商家编码"], &["买家应付货款"], &["买家实际支付金额"], &["退款状态"], &["退款金额"], &["订单创建时间"], &["订单付款时间"],
];
const LINES_IGNORED: &[&str] = &["支付单号"];

pub(crate) fn plan(reading: Reading, layout: &'static str, header: &Header) -> Plan {
    if reading == Reading::TaobaoOrders {
        Plan::layout(reading, layout, header, ORDERS, ORDERS_IGNORED)
    } else {
        Plan::layout(reading, layout, header, LINES, LINES_IGNORED)
    }
}

pub(crate) fn order_id(cells: &Cells<'_>) -> Result<Option<String>, Cause> {
    let column = if cells.plan.reading == Reading::TaobaoOrders { "订单编号" } else { "主订单编号" };
    cells.identifier(cells.text(column), "订单编号")
}

/// The export's sentences, whatever commas stand in them.
pub(crate) fn status(word: &str) -> Observed<ChannelStatus> {
    let key: String = word.chars().filter(|c| !c.is_whitespace() && !matches!(c, ',' | '，' | '、')).collect();
    Observed::Known(match key.as_str() {
        "等待买家付款" | "没有创建支付宝交易" | "等待付款" | "定金未付" => ChannelStatus::AwaitingPayment,
        "付款确认中" | "定金已付尾款未付" => ChannelStatus::AwaitingPayment,
        "买家已付款等待卖家发货" | "等待卖家发货" | "买家已付款" | "待发货" => ChannelStatus::ToShip,
        "拼团中" | "买家已付款等待拼团成功" | "买家已付款等待成团" => ChannelStatus::PaidOnHold,
        "卖家部分发货" | "部分发货" => ChannelStatus::PartShipped,
        "卖家已发货等待买家确认" | "等待买家确认收货" | "卖家已发货" | "已发货" => ChannelStatus::Shipped,
        "买家已签收" => ChannelStatus::Delivered,
        "交易成功" => ChannelStatus::Completed,
        "交易关闭" | "交易自动关闭" | "付款以前卖家或买家主动关闭交易" | "付款以后用户退款成功交易自动关闭" => ChannelStatus::Cancelled,
        _ => return Observed::Unknown(word.to_owned()),
    })
}

/// What a buyer asked back, in the export's words.
fn refund(word: &str) -> LineRefund {
    if word.is_empty() || word.contains("没有") || word.contains("无退款") || word.contains("未申请") {
        LineRefund::None
    } else if word.contains("成功") || word.contains("已退款") || word.contains("退款完成") {
        LineRefund::Refunded
    } else if word.contains("关闭") || word.contains("拒绝") || word.contains("撤销") {
        LineRefund::Closed
    } else {
        LineRefund::Requested
    }
}

/// An amount where words such as 无退款申请 stand for none.
fn refunded(cells: &Cells<'_>) -> Result<i64, Cause> {
    let text = cells.text("退款金额");
    if text.chars().any(|c| c.is_ascii_digit()) { cells.money("退款金额", CNY).map(|m| m.unwrap_or(0)) } else { Ok(0) }
}

fn payment(status: &Observed<ChannelStatus>, paid: bool, refunded: i64, total: i64) -> Payment {
    match status {
        Observed::Known(ChannelStatus::AwaitingPayment) => Payment::Unpaid,
        Observed::Known(ChannelStatus::Cancelled) if !paid => Payment::Unpaid,
        Observed::Known(ChannelStatus::Cancelled) => Payment::Refunded,
        Observed::Unknown(_) if !paid => Payment::Unpaid,
        _ if refunded > 0 && refunded >= total => Payment::Refunded,
        _ if refunded > 0 => Payment::PartRefunded,
        _ => Payment::Paid,
    }
}

pub(crate) fn build(context: &Context, external_id: String, rows: &[Cells<'_>]) -> Result<ReadOrder, Fault> {
    if rows[0].plan.reading == Reading::TaobaoOrders { from_list(context, external_id, rows) } else { from_lines(context, external_id, rows) }
}

/// One row is one order. Should it stand twice, the row that is further on counts.
fn from_list(context: &Context, external_id: String, rows: &[Cells<'_>]) -> Result<ReadOrder, Fault> {
    let mut best: Option<ReadOrder> = None;
    for (at, cells) in rows.iter().enumerate() {
        let read = list_row(context, external_id.clone(), cells).map_err(Fault::at(at))?;
        if best.as_ref().is_none_or(|b| read.order.modified_at >= b.order.modified_at) {
            best = Some(read);
        }
    }
    best.ok_or_else(|| Fault { at: 0, cause: Cause::new("no_goods", None, "no row") })
}

fn list_row(context: &Context, external_id: String, cells: &Cells<'_>) -> Result<ReadOrder, Cause> {
    let zone = &context.zone;
    let placed = cells.time("订单创建时间", zone)?;
    let mut order = empty_order(external_id, CNY, placed.unwrap_or(context.now));
    order.observed_status = cells.text("订单状态").to_owned();
    order.status = status(&order.observed_status);
    order.paid_at = cells.time("订单付款时间", zone)?;
    order.shipped_at = cells.time("发货时间", zone)?;
    order.closed_at = cells.time("确认收货时间", zone)?;
    let money = |column: &str| cells.money(column, CNY);
    let (goods, shipping, due, paid) = (money("买家应付货款")?, money("买家应付邮费")?, money("总金额")?, money("买家实际支付金额")?);
    order.shipping_minor = shipping.unwrap_or(0);
    // Before payment, and on closed orders, the paid amount is 0: what was due is the order's amount then.
    let total = paid.filter(|p| *p > 0).or(due).or(paid).or(goods.map(|g| g + order.shipping_minor)).unwrap_or(0);
    let goods = goods.unwrap_or(due.unwrap_or(total) - order.shipping_minor);
    order.total_minor = total;
    order.discount_minor = goods + order.shipping_minor - total;
    order.payment = payment(&order.status, order.paid_at.is_some() || paid.is_some_and(|p| p > 0), refunded(cells)?, total);
    let nick = cells.text("买家会员名");
    order.buyer.nick = nick.to_owned();
    order.buyer.external_id = (!nick.is_empty() && !nick.contains('*')).then(|| nick.to_owned());
    order.buyer_note = cells.text("买家留言").to_owned();
    order.seller_note = cells.text("订单备注").to_owned();
    order.recipient = recipient(cells);
    if let Some(number) = Some(cells.text("物流单号").trim_start_matches("No:").trim_start_matches("NO:").trim()).filter(|n| !n.is_empty()) {
        for number in number.split([',', ';', '，', ' ']).filter(|n| !n.is_empty()) {
            order.shipments.push(ChannelShipment { carrier: cells.text("物流公司").to_owned(), number: number.to_owned(), line_ids: Vec::new(), shipped_at: order.shipped_at });
        }
    }
    let anomaly = cells.text("异常信息");
    if !anomaly.is_empty() {
        order.tags.push(anomaly.to_owned());
    }
    let mut line = empty_line(&order.status, &order.observed_status);
    line.external_id = SUMMARY_LINE.to_owned();
    line.title = cells.text("宝贝标题").to_owned();
    line.variant = [cells.text("修改后的sku"), cells.text("宝贝规格")].into_iter().find(|v| !v.is_empty()).unwrap_or("").to_owned();
    line.quantity = cells.units("宝贝总数量")?.unwrap_or(1).max(1);
    line.total_minor = goods;
    line.unit_price_minor = goods / line.quantity;
    if order.status == Observed::Known(ChannelStatus::Cancelled) {
        line.cancelled = line.quantity;
    }
    if refunded(cells)? > 0 {
        line.refund = LineRefund::Refunded;
    }
    order.lines.push(line);
    order.modified_at = version(&order);
    let knows = Knows { money: cells.has("买家实际支付金额") || cells.has("总金额") || cells.has("买家应付货款"), placed: placed.is_some(), status: cells.has("订单状态"), notes: cells.has("订单备注"), ..Knows::default() };
    Ok(ReadOrder { order, document: Document::Order, knows, tax_included_minor: 0, rounded_lines: 0, shares: Vec::new(), rows: Vec::new(), cells: vec![cells.record()] })
}

fn recipient(cells: &Cells<'_>) -> Option<Recipient> {
    let mut name = cells.text("收货人姓名").to_owned();
    let mut phone = [cells.text("联系手机"), cells.text("联系电话")].into_iter().find(|p| !p.is_empty()).unwrap_or("").to_owned();
    let mut address = cells.text("收货地址").to_owned();
    let changed = cells.text("修改后的收货地址");
    if !changed.is_empty() {
        // Either an address alone, or name, phone and address with commas between.
        let parts: Vec<&str> = changed.split(['，', ',']).map(str::trim).filter(|p| !p.is_empty()).collect();
        let is_phone = |t: &&str| t.chars().filter(char::is_ascii_digit).count() >= 7 && t.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '+' | ' ' | '*'));
        match parts.iter().position(is_phone) {
            Some(at) if parts.len() >= 3 => {
                phone = parts[at].to_owned();
                let rest: Vec<&str> = parts.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, p)| *p).collect();
                let longest = rest.iter().position(|p| !division::split(p).region.province.is_empty()).unwrap_or(rest.len() - 1);
                if longest > 0 {
                    name = rest[0].to_owned();
                }
                address = rest[longest..].join("，");
            }
            _ => address = changed.to_owned(),
        }
    }
    if name.is_empty() && phone.is_empty() && address.is_empty() {
        return None;
    }
    let masked = [&name, &phone, &address].iter().any(|t| t.contains('*'));
    let split = division::split(&address);
    let mut region = split.region;
    if region.country.is_empty() {
        region.country = "CN".to_owned();
    }
    Some(Recipient { region, personal: PersonalData { name, phone, address: split.street }, token: None, masked })
}

/// The rows of one order in the item list.
fn from_lines(context: &Context, external_id: String, rows: &[Cells<'_>]) -> Result<ReadOrder, Fault> {
    let zone = &context.zone;
    let first = rows[0];
    let placed = first.time("订单创建时间", zone).map_err(Fault::at(0))?;
    let mut order = empty_order(external_id, CNY, placed.unwrap_or(context.now));
    order.paid_at = first.time("订单付款时间", zone).map_err(Fault::at(0))?;
    let mut totals_told = true;
    let (mut given_back, mut paid_sum, mut paid_told) = (0, 0, true);
    let mut statuses: Vec<(Observed<ChannelStatus>, String)> = Vec::new();
    for (at, cells) in rows.iter().enumerate() {
        let bad = Fault::at(at);
        let word = cells.text("订单状态");
        let line_status = status(word);
        if !statuses.iter().any(|(s, _)| *s == line_status) {
            statuses.push((line_status.clone(), word.to_owned()));
        }
        let mut line = empty_line(&line_status, word);
        line.external_id = cells.identifier(cells.text("子订单编号"), "子订单编号").map_err(&bad)?.unwrap_or_default();
        line.title = cells.text("标题").to_owned();
        // The outer id of the SKU says more than the outer id of the item.
        line.seller_code = [cells.text("外部系统编号"), cells.text("商家编码")].into_iter().find(|c| !c.is_empty()).unwrap_or("").to_owned();
        if line.title.is_empty() && line.seller_code.is_empty() {
            return Err(bad(Cause::new("no_goods", Some("标题"), "empty")));
        }
        let options: Vec<&str> = [cells.text("商品属性"), cells.text("套餐信息")].into_iter().map(|t| t.trim_end_matches([';', '；'])).filter(|t| !t.is_empty()).collect();
        line.variant = options.join(";");
        line.quantity = cells.units("购买数量").map_err(&bad)?.ok_or_else(|| bad(Cause::new("no_quantity", Some("购买数量"), "empty")))?;
        if line.quantity < 0 {
            return Err(bad(Cause::new("negative_quantity", Some("购买数量"), line.quantity.to_string())));
        }
        line.unit_price_minor = cells.money("价格", CNY).map_err(&bad)?.unwrap_or(0);
        let listed = product(line.quantity, line.unit_price_minor, "价格").map_err(&bad)?;
        match cells.money("买家应付货款", CNY).map_err(&bad)? {
            Some(due) => {
                line.total_minor = due;
                line.discount_minor = listed - due;
            }
            None => {
                totals_told = false;
                line.total_minor = listed;
            }
        }
        match cells.money("买家实际支付金额", CNY).map_err(&bad)? {
            Some(paid) => paid_sum += paid,
            None => paid_told = false,
        }
        line.refund = refund(cells.text("退款状态"));
        let back = refunded(cells).map_err(&bad)?;
        if back > 0 && line.refund == LineRefund::None {
            line.refund = LineRefund::Refunded;
        }
        if line.refund == LineRefund::Refunded {
            given_back += back;
        }
        if line_status == Observed::Known(ChannelStatus::Cancelled) {
            line.cancelled = line.quantity;
        }
        order.lines.push(line);
    }
    // A closed line among open ones does not close the order.
    let told: Vec<_> = statuses.iter().filter(|(s, _)| *s != Observed::Known(ChannelStatus::Cancelled)).collect();
    let leading = told.iter().min_by_key(|(s, _)| super::plan::rank(s)).copied().or(statuses.first());
    if let Some((status, word)) = leading {
        order.status = status.clone();
        order.observed_status.clone_from(word);
    }
    ordinals(&mut order.lines);
    let goods: i64 = order.lines.iter().map(|l| l.total_minor).sum();
    order.total_minor = goods;
    let paid = order.paid_at.is_some() || (paid_told && paid_sum > 0) || !matches!(order.status, Observed::Known(ChannelStatus::Cancelled | ChannelStatus::AwaitingPayment) | Observed::Unknown(_));
    order.payment = payment(&order.status, paid, given_back, goods);
    order.modified_at = version(&order);
    let knows = Knows { lines: true, prices: true, line_totals: totals_told, placed: placed.is_some(), status: first.has("订单状态"), ..Knows::default() };
    let cells = rows.iter().map(Cells::record).collect();
    Ok(ReadOrder { order, document: Document::Order, knows, tax_included_minor: 0, rounded_lines: 0, shares: Vec::new(), rows: Vec::new(), cells })
}
