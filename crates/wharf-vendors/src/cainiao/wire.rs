//! The e-waybill service's types, as far as we read them. Every field is optional.

use crate::top::wire::{Maybe, wire};
use wharf_domain::time::Timestamp;

wire! {
    /// A waybill with its print data.
    pub(crate) struct Waybill {
        object_id: Option<String>,
        waybill_code: Option<String>,
        cp_code: Option<String>,
        real_cp_code: Option<String>,
        print_data: Option<String>,
    }

    /// One result of a query, which may fail by itself.
    pub(crate) struct Found {
        object_id: Option<String>,
        success: Option<bool>,
        error_message: Option<String>,
        waybill_cloud_print_response: Maybe<Waybill>,
    }

    /// The answer to a cancellation.
    pub(crate) struct Cancelled {
        cancel_result: Option<bool>,
    }

    /// A carrier that the account may use.
    pub(crate) struct CarrierSubscription {
        cp_code: Option<String>,
        cp_type: Option<i64>,
        branch_account_cols: Vec<Branch>,
    }

    /// A branch of it.
    pub(crate) struct Branch {
        branch_code: Option<String>,
        branch_name: Option<String>,
        quantity: Option<i64>,
        shipp_address_cols: Vec<Address>,
    }

    /// A place parcels may be sent from.
    pub(crate) struct Address {
        province: Option<String>,
        city: Option<String>,
        district: Option<String>,
        town: Option<String>,
        detail: Option<String>,
    }

    /// Standard templates of a carrier.
    pub(crate) struct CarrierTemplates {
        cp_code: Option<String>,
        standard_templates: Vec<Template>,
    }

    /// One template.
    pub(crate) struct Template {
        standard_template_url: Option<String>,
        brand_code: Option<String>,
    }

    /// The answer that holds them.
    pub(crate) struct Templates {
        datas: Vec<CarrierTemplates>,
    }

    /// Scans of a parcel.
    pub(crate) struct Trace {
        out_sid: Option<String>,
        trace_list: Vec<Step>,
    }

    /// One scan.
    pub(crate) struct Step {
        status_time: Option<Timestamp>,
        status_desc: Option<String>,
        action: Option<String>,
    }
}
