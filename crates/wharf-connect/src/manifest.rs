//! A vendor's manifest: names, forms, limits. Screens draw credential forms, logos and help from it, so that a vendor's
//! name stands in no other place.

use serde::Serialize;

/// A text in the two languages of the screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Label {
    /// English.
    pub en: &'static str,
    /// 简体中文.
    pub zh: &'static str,
}

/// One field of the credential or settings form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CredentialField {
    /// Key in the credentials or settings object.
    pub name: &'static str,
    /// What the form shows.
    pub label: Label,
    /// One sentence of help.
    pub help: Label,
    /// Sealed at rest and never shown again.
    pub secret: bool,
    /// The form insists.
    pub required: bool,
    /// What stands there when nothing is typed.
    pub default: &'static str,
}

/// How often an operation may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Pace {
    /// Calls per minute, steady.
    pub per_minute: u32,
    /// Calls at once.
    pub burst: u32,
}

/// Who a vendor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// The one word: folder name, `vendor` in JSON and SQL.
    pub id: &'static str,
    /// What people call it.
    pub name: Label,
    /// Secret and open fields that open an account. Sealed together.
    pub credentials: &'static [CredentialField],
    /// Open settings (`base_url`, and what a protocol sheet marks as unsure).
    pub settings: &'static [CredentialField],
    /// Hosts it talks to unless `base_url` says otherwise: the list of outbound connections.
    pub hosts: &'static [&'static str],
    /// Default pace per account and operation.
    pub pace: Pace,
    /// Header names whose values never reach a log or a cassette.
    pub secret_headers: &'static [&'static str],
    /// SVG logo.
    #[serde(skip)]
    pub logo_svg: &'static str,
    /// IANA zone of its wire and of the shop's business day.
    pub zone: &'static str,
    /// Default currency of its shops.
    pub currency: &'static str,
    /// Where its seller documentation is.
    pub docs_url: &'static str,
    /// True when a channel confirms a part of an order with its own number.
    pub splits_orders: bool,
    /// True when it confirms a part of a LINE's quantity, too; false when a line is sent whole or not at all.
    pub splits_lines: bool,
    /// Days after an order has ended by which the channel wants its personal data erased; `None` = it says nothing, and
    /// [`KEEP_PERSONAL_DAYS`] holds.
    pub keep_personal_days: Option<u32>,
}

/// How many days after its end an order's personal data are kept where its channel says nothing.
pub const KEEP_PERSONAL_DAYS: u32 = 90;

impl Manifest {
    /// Days after its end that an order's personal data are kept.
    pub fn personal_days(&self) -> u32 {
        self.keep_personal_days.unwrap_or(KEEP_PERSONAL_DAYS)
    }
}
