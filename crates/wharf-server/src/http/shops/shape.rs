//! Shops, vendors, warehouses and carriers as the API shows and takes them.

use crate::http::dto::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use wharf_connect::manifest::{CredentialField, Label, Manifest};

/// A text in both languages of the screens.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LabelDto {
    /// English.
    pub en: String,
    /// 简体中文.
    #[serde(rename = "zh-CN")]
    pub zh: String,
}

impl From<Label> for LabelDto {
    fn from(label: Label) -> Self {
        LabelDto { en: label.en.to_owned(), zh: label.zh.to_owned() }
    }
}

/// A field of a form.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Field {
    /// Key in the object that is sent.
    pub name: String,
    /// What the form shows.
    pub label: LabelDto,
    /// One sentence of help.
    pub help: LabelDto,
    /// Never shown again.
    pub secret: bool,
    /// The form insists.
    pub required: bool,
    /// What stands there when nothing is typed.
    pub default: String,
}

impl From<&CredentialField> for Field {
    fn from(field: &CredentialField) -> Self {
        Field {
            name: field.name.to_owned(),
            label: field.label.into(),
            help: field.help.into(),
            secret: field.secret,
            required: field.required,
            default: field.default.to_owned(),
        }
    }
}

/// A company that Wharf can talk to.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct VendorDto {
    /// The one word.
    pub id: String,
    /// What people call it.
    pub name: LabelDto,
    /// It is a marketplace: shops can be connected.
    pub channel: bool,
    /// It is a carrier: waybills can be bought.
    pub carrier: bool,
    /// The credential form.
    pub credentials: Vec<Field>,
    /// The settings form.
    pub settings: Vec<Field>,
    /// Hosts it talks to unless `base_url` says otherwise.
    pub hosts: Vec<String>,
    /// Zone of the shop's business day.
    pub zone: String,
    /// Default currency.
    pub currency: String,
    /// Its own documentation.
    pub docs_url: String,
    /// Days after its end that an order's personal data are kept, at most.
    pub keep_personal_days: u32,
    /// Carrier services, by word.
    pub services: BTreeMap<String, LabelDto>,
    /// What its channel lets sellers cancel; `null`: nothing.
    pub cancel: Option<CancelTermsDto>,
    /// Its logo, as an SVG document.
    pub logo_svg: String,
}

/// What a channel lets its sellers cancel.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CancelTermsDto {
    /// The reasons that it takes.
    pub reasons: Vec<String>,
    /// Paid orders too; otherwise those end by the buyer's refund.
    pub paid: bool,
}

impl VendorDto {
    /// From a vendor.
    pub fn of(vendor: &dyn wharf_connect::Vendor) -> Self {
        let Manifest { id, name, credentials, settings, hosts, logo_svg, zone, currency, docs_url, .. } = *vendor.manifest();
        VendorDto {
            id: id.to_owned(),
            name: name.into(),
            channel: vendor.channel().is_some(),
            carrier: vendor.carrier().is_some(),
            credentials: credentials.iter().map(Field::from).collect(),
            settings: settings.iter().map(Field::from).collect(),
            hosts: hosts.iter().map(|h| (*h).to_owned()).collect(),
            zone: zone.to_owned(),
            currency: currency.to_owned(),
            docs_url: docs_url.to_owned(),
            keep_personal_days: vendor.manifest().personal_days(),
            services: vendor
                .carrier()
                .map(|c| c.services().iter().map(|(word, label)| ((*word).to_owned(), (*label).into())).collect())
                .unwrap_or_default(),
            cancel: vendor.channel().and_then(|channel| channel.cancel()).map(|cancel| {
                let terms = cancel.terms();
                CancelTermsDto { reasons: terms.reasons.iter().map(ToString::to_string).collect(), paid: terms.paid }
            }),
            logo_svg: logo_svg.to_owned(),
        }
    }
}

/// One seller account, and how it is doing.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ShopDto {
    /// Id.
    pub id: String,
    /// Manifest id.
    pub vendor: String,
    /// Name.
    pub name: String,
    /// The channel's id of the seller.
    pub external_id: String,
    /// `active · paused · reauthorize`.
    pub shop_state: String,
    /// Why, in words.
    pub state_detail: String,
    /// `ok · silent · stopped`: what Home counts.
    pub health: String,
    /// Open settings.
    pub settings: BTreeMap<String, String>,
    /// Check and approval policy.
    #[schema(value_type = Object)]
    pub policy: serde_json::Value,
    /// Zone of its business day.
    pub zone: String,
    /// Currency.
    pub currency: String,
    /// Everything modified before this is stored or parked.
    pub cursor_at: Option<Time>,
    /// Last pull that completed a window.
    pub pulled_at: Option<Time>,
    /// Seconds between now and the cursor.
    pub lag_seconds: Option<i64>,
    /// What went wrong last.
    pub pull_error: Option<String>,
    /// The newest order.
    pub last_order_at: Option<Time>,
    /// Silent against its own habit since.
    pub silent_since: Option<Time>,
    /// Payloads that could not be stored.
    pub parked: i64,
    /// For `If-Match`.
    pub version: i64,
}

/// A shop to connect.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewShop {
    /// Manifest id.
    pub vendor: String,
    /// Name.
    pub name: String,
    /// The manifest's credential fields. Sealed, never shown again.
    #[serde(default)]
    pub credentials: BTreeMap<String, String>,
    /// The manifest's settings; `base_url` lets a relay, a sandbox or a test server stand in.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

/// What changes in a shop; absent fields stay.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShopChange {
    /// New name.
    pub name: Option<String>,
    /// New credentials: given ones replace, others stay.
    pub credentials: Option<BTreeMap<String, String>>,
    /// New settings: given ones replace, others stay.
    pub settings: Option<BTreeMap<String, String>>,
    /// New policy, whole.
    #[schema(value_type = Object)]
    pub policy: Option<serde_json::Value>,
}

/// One hour of a shop.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CompletenessHour {
    /// Start of the hour, by placing time.
    pub hour: Time,
    /// The channel's count.
    pub theirs: i64,
    /// Ours.
    pub ours: i64,
    /// When the channel was asked.
    pub checked_at: Time,
    /// `complete · closing · gap`.
    pub verdict: String,
}
