//! The platform's types, as far as we read them. Every field is optional; `map.rs` says which an order cannot do without.

use crate::top::wire::{Maybe, wire};
use serde_json::Value;
use wharf_domain::time::Timestamp;

wire! {
    /// A trade: an order of one buyer.
    pub(crate) struct Trade {
        tid: Option<String>,
        tid_str: Option<String>,
        seller_nick: Option<String>,
        buyer_nick: Option<String>,
        buyer_open_uid: Option<String>,
        r#type: Option<String>,
        status: Option<String>,
        created: Option<Timestamp>,
        pay_time: Option<Timestamp>,
        modified: Option<Timestamp>,
        consign_time: Option<Timestamp>,
        end_time: Option<Timestamp>,
        payment: Option<String>,
        post_fee: Option<String>,
        discount_fee: Option<String>,
        step_trade_status: Option<String>,
        shipping_type: Option<String>,
        buyer_message: Option<String>,
        seller_memo: Option<String>,
        seller_flag: Option<i64>,
        receiver_name: Option<String>,
        receiver_country: Option<String>,
        receiver_state: Option<String>,
        receiver_city: Option<String>,
        receiver_district: Option<String>,
        receiver_town: Option<String>,
        receiver_address: Option<String>,
        receiver_zip: Option<String>,
        receiver_mobile: Option<String>,
        receiver_phone: Option<String>,
        oaid: Option<String>,
        est_con_time: Option<String>,
        send_time: Option<String>,
        promise_collect_time: Option<String>,
        collect_time: Option<String>,
        dispatch_time: Option<String>,
        top_hold: Option<String>,
        is_sh_ship: Option<String>,
        forbid_consign: Option<String>,
        team_buy_hold: Option<String>,
        share_group_hold: Option<String>,
        ofp_hold: Option<String>,
        rx_audit_status: Option<String>,
        trade_attr: Option<String>,
        ob_tag: Option<String>,
        lm: Option<String>,
        is_force_wlb: Option<bool>,
        is_force_dc: Option<bool>,
        invoice_no: Option<String>,
        logistics_company: Option<String>,
        orders: Vec<Order>,
        logistics_infos: Vec<LogisticsInfo>,
        logistics_agreement: Maybe<LogisticsAgreement>,
    }

    /// A sub-order: one line of a trade.
    pub(crate) struct Order {
        oid: Option<String>,
        oid_str: Option<String>,
        num_iid: Option<String>,
        sku_id: Option<String>,
        outer_iid: Option<String>,
        outer_sku_id: Option<String>,
        title: Option<String>,
        sku_properties_name: Option<String>,
        pic_path: Option<String>,
        price: Option<String>,
        num: Option<i64>,
        total_fee: Option<String>,
        discount_fee: Option<String>,
        adjust_fee: Option<String>,
        divide_order_fee: Option<String>,
        part_mjz_discount: Option<String>,
        status: Option<String>,
        refund_status: Option<String>,
        consign_time: Option<Timestamp>,
        logistics_company: Option<String>,
        invoice_no: Option<String>,
        estimate_con_time: Option<String>,
        bind_oid: Option<String>,
        bind_oids: Option<Value>,
        is_free_gift: Option<bool>,
        combine_item_info: Option<Value>,
        is_oversold: Option<bool>,
        is_sh_ship: Option<String>,
        modify_address: Option<String>,
    }

    /// Who sends a line: `SC` the seller, `CN` the platform's warehouse.
    pub(crate) struct LogisticsInfo {
        sub_trade_id: Option<String>,
        consign_type: Option<String>,
    }

    /// What the buyer was promised of the delivery.
    pub(crate) struct LogisticsAgreement {
        asdp_ads: Option<String>,
        logistics_service_msg: Option<String>,
    }

    /// The answer of the list calls. The trades stay raw: one that cannot be read must not hide the others.
    pub(crate) struct TradeList {
        total_results: Option<i64>,
        has_next: Option<bool>,
        trades: Vec<Value>,
    }

    /// What a list row must tell.
    pub(crate) struct TradeRow {
        tid: Option<String>,
        tid_str: Option<String>,
        modified: Option<Timestamp>,
    }

    /// The answer of the shipping calls.
    pub(crate) struct Shipping {
        is_success: Option<bool>,
    }

    /// A carrier as the platform knows it.
    pub(crate) struct LogisticsCompany {
        code: Option<String>,
        name: Option<String>,
    }

    /// The seller.
    pub(crate) struct User {
        user_id: Option<String>,
        nick: Option<String>,
    }

    /// A recipient behind a token.
    pub(crate) struct Receiver {
        tid: Option<String>,
        name: Option<String>,
        mobile: Option<String>,
        phone: Option<String>,
        address_detail: Option<String>,
        matched: Option<bool>,
        desensitize_rule: Option<String>,
    }
}

impl Trade {
    /// The id with all its digits: the text where there is one, for the number may have gone through a careless relay.
    pub(crate) fn id(&self) -> Option<&str> {
        self.tid_str.as_deref().or(self.tid.as_deref()).map(str::trim)
    }
}

impl TradeRow {
    /// As [`Trade::id`].
    pub(crate) fn id(&self) -> Option<&str> {
        self.tid_str.as_deref().or(self.tid.as_deref()).map(str::trim)
    }
}

impl Order {
    /// As [`Trade::id`].
    pub(crate) fn id(&self) -> Option<&str> {
        self.oid_str.as_deref().or(self.oid.as_deref()).map(str::trim)
    }

    /// The lines that must travel in one call with this one.
    pub(crate) fn bound(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.bind_oid.iter().flat_map(|text| text.split(',')).map(|id| id.trim().to_owned()).collect();
        match &self.bind_oids {
            Some(Value::String(text)) => ids.extend(text.split(',').map(|id| id.trim().to_owned())),
            Some(other) => ids.extend(<Vec<String> as crate::top::wire::FromWire>::read(other).unwrap_or_default()),
            None => {}
        }
        ids.retain(|id| !id.is_empty() && id != "0" && Some(id.as_str()) != self.id());
        ids.sort();
        ids.dedup();
        ids
    }
}
