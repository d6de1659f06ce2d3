//! A mapping proposed from the names of columns, in Chinese and in English. It is a proposal: the preview shows it, and
//! a person may change it before anything is written.

use super::error::FileError;
use super::header::{Header, loose, normal};
use super::mapping::{Field, Mapping};
use wharf_domain::word::Word;

/// Names that mean a field, most telling first. A name is taken by the first field that wants it.
const NAMES: &[(Field, &[&str])] = &[
    (Field::OrderId, &["线上订单号", "平台订单号", "原始单号", "交易编号", "主订单编号", "订单编号", "订单号", "order-id", "order number", "order no", "order no.", "order", "ordernumber", "invoice no", "invoiceno", "invoice", "订单id", "单号"]),
    (Field::LineId, &["子订单编号", "子订单号", "线上子订单编号", "原始子单号", "order-item-id", "order item id", "line id", "lineitem id", "item line id"]),
    (Field::PlacedAt, &["订单创建时间", "下单时间", "买家下单时间", "拍下时间", "交易时间", "订单日期", "purchase-date", "order date", "date - order date", "invoicedate", "invoice date", "created at", "created", "date", "placed at", "日期"]),
    (Field::PaidAt, &["订单付款时间", "付款时间", "付款日期", "支付时间", "买家付款时间", "payments-date", "paid at", "payment date", "date - paid date"]),
    (Field::ShippedAt, &["发货时间", "发货日期", "shipment-date", "shipped at", "ship date", "date - shipped date"]),
    (Field::ClosedAt, &["确认收货时间", "订单完成时间", "完成时间", "completed at"]),
    (Field::ModifiedAt, &["最后修改时间", "修改时间", "更新时间", "last-updated-date", "updated at", "modified"]),
    (Field::ShipBy, &["最晚发货时间", "最后发货期限", "计划发货日期", "promise-date", "ship by"]),
    (Field::Status, &["订单状态", "状态", "order-status", "status", "order status", "financial status"]),
    (Field::Currency, &["币种", "货币", "currency", "currency code"]),
    (Field::Total, &["买家实付金额", "买家实际支付金额", "实付金额", "用户实付金额(元)", "订单金额", "订单总金额", "应收金额", "应付金额", "总金额", "实付款", "amount - order total", "order total", "total", "grand total"]),
    (Field::Shipping, &["运费", "邮费", "运费金额", "邮费(元)", "买家应付邮费", "运费收入", "amount - order shipping", "shipping", "shipping-price", "postage"]),
    (Field::Tax, &["税费", "税额", "amount - order tax", "tax", "taxes"]),
    (Field::Discount, &["订单优惠", "订单总优惠", "优惠金额", "discount", "discount amount"]),
    (Field::Quantity, &["数量", "购买数量", "商品数量", "商品数量(件)", "订购数量", "下单数量", "货品数量", "宝贝总数量", "quantity", "qty", "item - qty", "quantity-purchased", "lineitem quantity", "units"]),
    (Field::UnitPrice, &["单价", "商品单价", "价格", "货品价格", "京东价", "成交价", "商品销售单价", "unitprice", "unit price", "price", "item - price", "lineitem price"]),
    (Field::LineTotal, &["商品金额", "金额", "货品总价", "小计", "分摊后总价", "商品总金额", "line total", "amount", "item-price", "subtotal"]),
    (Field::LineDiscount, &["商品优惠", "货品优惠", "货品总优惠", "line discount", "lineitem discount"]),
    (Field::SellerCode, &["商家编码", "商家编码-规格维度", "商品编码", "商家SKUID", "外部系统编号", "货号", "sku", "sku编码", "seller-sku", "seller sku", "item - sku", "lineitem sku", "stockcode", "stock code", "item code", "product code"]),
    (Field::ItemId, &["商品id", "宝贝id", "平台货品ID", "item id", "asin", "product id"]),
    (Field::SkuId, &["样式ID", "规格id", "平台规格ID", "sku id", "variant id"]),
    (Field::Title, &["商品名称", "宝贝标题", "标题", "货品名称", "货品标题", "商品", "商品标题", "商品中文名称", "product-name", "product name", "item - name", "lineitem name", "title", "description", "item name", "product"]),
    (Field::Variant, &["商品规格", "颜色及规格", "规格", "规格名称", "宝贝规格", "商品属性", "颜色规格", "item - options", "variant", "options"]),
    (Field::ImageUrl, &["图片", "商品图片", "image url", "image"]),
    (Field::BuyerId, &["买家id", "客户编号", "customerid", "customer id", "buyer id"]),
    (Field::BuyerNick, &["买家会员名", "买家账号", "客户网名", "下单帐号", "下单账号", "网名", "客户账号", "买家昵称", "买家", "买家名称", "buyer-name", "buyer", "customer", "customer name", "buyer username"]),
    (Field::BuyerNote, &["买家留言", "买家备注", "客户留言", "buyer note", "customer note", "notes - from buyer", "note"]),
    (Field::SellerNote, &["卖家备注", "商家备注", "客服备注", "订单备注", "备注", "seller note", "notes", "remark"]),
    (Field::Recipient, &["收货人姓名", "收件人姓名", "收货人", "收件人", "收货人名称", "客户姓名", "姓名", "recipient-name", "recipient", "recipient name", "ship to - name", "shipping name", "ship to name"]),
    (Field::Phone, &["收件人手机", "联系手机", "手机", "手机号", "收货人手机", "电话", "ship-phone-number", "phone", "shipping phone", "recipient phone", "mobile"]),
    (Field::Phone2, &["联系电话", "收件人电话", "固话", "座机", "buyer-phone-number", "telephone"]),
    (Field::Country, &["收货国家", "国家", "国家/地区", "ship-country", "country", "shipping country", "ship to - country"]),
    (Field::Province, &["省份", "省", "州/省", "所属地区（省/州）", "ship-state", "state", "province", "shipping province", "ship to - state"]),
    (Field::City, &["城市", "市", "所属城市", "ship-city", "city", "shipping city", "ship to - city"]),
    (Field::District, &["区县", "区", "县", "district", "county"]),
    (Field::Town, &["街道", "乡镇", "town"]),
    (Field::PostalCode, &["邮编", "邮政编码", "ship-postal-code", "postal code", "zip", "postcode", "zip code", "shipping zip", "ship to - postal code"]),
    (Field::FullAddress, &["收货地址", "收件地址", "客户地址", "full address"]),
    (Field::Address, &["详细地址", "地址", "邮寄地址", "ship-address-1", "address", "address1", "address 1", "street", "shipping address1", "ship to - address 1"]),
    (Field::Address2, &["ship-address-2", "address2", "address 2", "shipping address2", "ship to - address 2"]),
    (Field::Address3, &["ship-address-3", "address3", "address 3"]),
    (Field::Carrier, &["物流公司", "快递公司", "承运商", "carrier", "shipping carrier"]),
    (Field::TrackingNumber, &["物流单号", "快递单号", "运单号", "货运单号", "tracking number", "tracking-number", "tracking"]),
];

/// The best mapping that the names of the columns allow, or what is missing.
pub(crate) fn propose(header: &Header) -> Result<Mapping, FileError> {
    let mut mapping = Mapping { name: String::new(), ..Mapping::default() };
    let mut taken = vec![false; header.names.len()];
    for (field, names) in NAMES {
        let found = names.iter().find_map(|name| {
            // The exact name first; hints in brackets may differ.
            let exact = header.names.iter().position(|n| normal(n) == normal(name));
            let near = || header.names.iter().position(|n| !n.is_empty() && loose(n) == loose(name));
            exact.or_else(near).filter(|index| !taken[*index])
        });
        if let Some(index) = found {
            taken[index] = true;
            mapping.columns.insert(*field, header.names[index].clone());
        }
    }
    let has = |field: Field| mapping.columns.contains_key(&field);
    let mut missing = Vec::new();
    if !has(Field::OrderId) {
        missing.push(Field::OrderId.as_str());
    }
    if !has(Field::Title) && !has(Field::SellerCode) && !has(Field::ItemId) {
        missing.push("title or seller_code");
    }
    if !has(Field::Quantity) {
        missing.push(Field::Quantity.as_str());
    }
    if !missing.is_empty() {
        return Err(FileError::NeedsMapping {
            why: format!("no column for {}", missing.join(", ")),
            columns: header.names.iter().filter(|n| !n.is_empty()).cloned().collect::<Vec<_>>().join(" · "),
        });
    }
    Ok(mapping)
}
