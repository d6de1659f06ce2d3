//! The layouts of other tools' files, told by two of their columns and never by the file's name. Some are read, the
//! rest are named, so that a person knows that the file was understood and that a mapping is wanted.

use super::header::Header;
use wharf_connect::Label;

/// How the rows of a layout become orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// One row per item, no buyer, both kinds of fulfillment.
    AmazonAllOrders,
    /// One row per item to be shipped by the seller, with the recipient.
    AmazonToShip,
    /// One row per order; its lines stand in the other file.
    TaobaoOrders,
    /// One row per line; joined to the orders on the order id.
    TaobaoLines,
    /// Whatever a mapping says.
    Mapped,
    /// Known, and read only through a mapping.
    Named,
}

/// One layout.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Stable word in the database, in JSON and in messages.
    pub(crate) id: &'static str,
    /// What people call it.
    pub(crate) name: Label,
    /// Pairs of columns; any one pair tells it.
    pub(crate) told_by: &'static [[&'static str; 2]],
    /// How it is read.
    pub(crate) reading: Reading,
}

/// The layout of a table that only a mapping explains.
pub(crate) static MAPPED: Layout =
    Layout { id: "mapped", name: Label { en: "Table with a column mapping", zh: "按列映射的表格" }, told_by: &[], reading: Reading::Mapped };

macro_rules! layouts {
    ($($id:literal, $en:literal, $zh:literal, $reading:ident, [$([$a:literal, $b:literal]),+ $(,)?];)+) => {
        /// All that can be told. The first that fits wins: narrow ones stand before wide ones.
        pub(crate) static LAYOUTS: &[Layout] = &[$(Layout { id: $id, name: Label { en: $en, zh: $zh }, told_by: &[$([$a, $b]),+], reading: Reading::$reading }),+];
    };
}

layouts! {
    "amazon_all_orders", "Amazon all orders report", "亚马逊全部订单报告", AmazonAllOrders,
        [["amazon-order-id", "item-status"], ["amazon-order-id", "order-status"]];
    "amazon_fulfilled_shipments", "Amazon fulfilled shipments report", "亚马逊 FBA 发货报告", Named,
        [["amazon-order-item-id", "shipment-item-id"], ["shipment-item-id", "fulfillment-center-id"]];
    "amazon_to_ship", "Amazon unshipped or new orders report", "亚马逊待发货订单报告", AmazonToShip,
        [["order-item-id", "days-past-promise"], ["order-item-id", "quantity-purchased"], ["order-item-id", "quantity-to-ship"]];
    "amazon_shipping_confirmation", "Amazon shipping confirmation upload", "亚马逊发货确认模板", Named,
        [["order-item-id", "carrier-code"], ["ship-date", "carrier-code"]];
    "amazon_settlement", "Amazon settlement report", "亚马逊结算报告", Named,
        [["settlement-id", "amount-description"], ["settlement-id", "transaction-type"], ["settlement-id", "shipment-fee-type"]];
    "amazon_payments", "Amazon payments date range report", "亚马逊日期范围付款报告", Named, [["date/time", "settlement id"]];
    "amazon_returns", "Amazon FBA returns report", "亚马逊 FBA 退货报告", Named, [["return-date", "detailed-disposition"], ["return-date", "license-plate-number"]];
    "amazon_reimbursements", "Amazon FBA reimbursements report", "亚马逊 FBA 赔偿报告", Named, [["reimbursement-id", "amount-total"]];
    "amazon_stock", "Amazon FBA stock report", "亚马逊 FBA 库存报告", Named,
        [["fulfillment-channel-sku", "Quantity Available"], ["snapshot-date", "fnsku"], ["received-date", "fnsku"], ["adjusted-date", "fnsku"]];
    "amazon_listings", "Amazon listings report", "亚马逊商品报告", Named, [["listing-id", "seller-sku"]];
    "taobao_lines", "Taobao order lines (ExportOrderDetailList)", "淘宝宝贝报表", TaobaoLines,
        [["外部系统编号", "套餐信息"], ["子订单编号", "套餐信息"], ["子订单编号", "外部系统编号"]];
    "taobao_orders", "Taobao orders (ExportOrderList)", "淘宝订单报表", TaobaoOrders,
        [["买家会员名", "宝贝标题"], ["宝贝标题", "宝贝种类"], ["买家应付邮费", "宝贝总数量"]];
    "alipay_statement", "Alipay statement", "支付宝账务明细", Named, [["业务流水号", "商户订单号"]];
    "ali1688_orders", "1688 orders", "1688 订单", Named, [["货品标题", "实付款"]];
    "jd_orders", "JD orders", "京东订单", Named, [["下单帐号", "京东价"]];
    "pdd_orders", "Pinduoduo orders", "拼多多订单", Named, [["商家实收金额(元)", "样式ID"]];
    "aliexpress_orders", "AliExpress orders", "速卖通订单", Named, [["买家选择物流", "发货期限"]];
    "jst_after_sales", "Jushuitan sales detail", "聚水潭销售主题分析", Named, [["售后进仓单号", "供销支付时间"]];
    "jst_stock", "Jushuitan stock", "聚水潭库存", Named, [["款式编码", "主仓实际库存数"], ["款式编码", "主仓实际库存"]];
    "jst_orders", "Jushuitan orders", "聚水潭订单", Named, [["线上订单号", "颜色及规格"], ["线上订单号", "原始线上订单号"]];
    "wdt_import", "Wangdiantong import template", "旺店通订单导入模板", Named, [["COD买家费用", "货品优惠"]];
    "wdt_orders", "Wangdiantong orders", "旺店通订单", Named, [["子单原始单号", "客服标旗"]];
    "wdt_outbound", "Wangdiantong outbound detail", "旺店通出库明细", Named, [["出库单编号", "子单原始单号"]];
    "dxm_bundles", "Dianxiaomi combined SKUs", "店小秘组合 SKU", Named, [["组合sku", "包含的商品sku"]];
    "dxm_products", "Dianxiaomi product SKUs", "店小秘商品 SKU", Named, [["*SKU(必填)", "英文报关名"]];
    "mabang_orders", "Mabang orders", "马帮订单", Named, [["交易编号", "订单核算金额（人民币）"]];
    "shipstation_orders", "ShipStation orders", "ShipStation 订单", Named, [["Order - Number", "Amount - Order Total"]];
}

/// The layout of a header line.
pub(crate) fn recognise(header: &Header) -> Option<&'static Layout> {
    LAYOUTS.iter().find(|layout| layout.told_by.iter().any(|pair| pair.iter().all(|name| header.has(name))))
}
