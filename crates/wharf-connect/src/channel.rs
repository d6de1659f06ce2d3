//! What every marketplace does. Capabilities that only some have are `Option`s of small traits.

use crate::{Call, ConnectError};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use wharf_domain::cancellation::CancelReason;
use wharf_domain::order::channel::ChannelOrder;
use wharf_domain::time::Timestamp;

/// A window of modification times, and where in it we are. The connector owns the meaning of `page`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullWindow {
    /// From, inclusive.
    pub from: Timestamp,
    /// To, exclusive.
    pub to: Timestamp,
    /// The connector's own continuation, `None` for the first page. It is opaque to everybody else.
    pub page: Option<String>,
    /// True for the first pull of a shop: read what is open now, by creation time where the channel wants that.
    pub initial: bool,
}

/// What is held already. A channel that tells the detail of each order in a call of its own asks here first and leaves out
/// what would tell nothing new: windows overlap, and the platform counts every call.
#[async_trait]
pub trait Held: Send + Sync {
    /// Of these external ids, those that need not be told again in the version that was modified then.
    async fn versions(&self, external_ids: &[String]) -> HashMap<String, Timestamp>;
}

/// Nothing is held: every order is told.
pub struct NothingHeld;

#[async_trait]
impl Held for NothingHeld {
    async fn versions(&self, _: &[String]) -> HashMap<String, Timestamp> {
        HashMap::new()
    }
}

/// One page. The cursor moves only in the transaction that stores the page with `next == None`.
pub struct OrderPage {
    /// What could be read.
    pub orders: Vec<ChannelOrder>,
    /// What could not: parked, visible, never skipped in silence.
    pub unreadable: Vec<Unreadable>,
    /// Continuation, `None` when the window is complete.
    pub next: Option<String>,
}

/// An order of a page that could not be read.
#[derive(Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The channel's id where even that much could be read.
    pub external_id: Option<String>,
    /// What was wrong.
    pub why: String,
    /// The payload.
    pub raw: Vec<u8>,
}

/// The channel's own count of orders in a window, for completeness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// How many the channel says there are.
    pub theirs: i64,
}

/// What must be told about one order in one shipment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipmentConfirmation {
    /// The channel's order id.
    pub external_id: String,
    /// The manifest id of the carrier's vendor and its own carrier code (`ZTO`, `SF`): the channel maps it.
    pub carrier_code: String,
    /// What people call the carrier.
    pub carrier_name: String,
    /// The waybill number. Never empty.
    pub number: String,
    /// The channel's line ids in this parcel with their quantities; empty means the whole order.
    pub lines: Vec<(String, i64)>,
    /// When the parcel left.
    pub shipped_at: Timestamp,
}

/// The channel has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Confirmed {
    /// Taken now, with the platform's receipt where it gives one.
    Accepted {
        /// Receipt or request id.
        receipt: String,
    },
    /// It was there already, with the same number.
    Already,
}

/// What every channel does.
#[async_trait]
pub trait Channel: Send + Sync {
    /// One page of orders modified in a window, without those that are `held` in that very version.
    async fn pull_orders(&self, call: &Call<'_>, window: &PullWindow, held: &dyn Held) -> Result<OrderPage, ConnectError>;
    /// One order by its id.
    async fn get_order(&self, call: &Call<'_>, external_id: &str) -> Result<ChannelOrder, ConnectError>;
    /// How many orders the channel has in a window of placing times: completeness.
    async fn count_orders(&self, call: &Call<'_>, window: &PullWindow) -> Result<Count, ConnectError>;
    /// Tells it that a parcel left. `Already` only when the numbers agree.
    async fn confirm_shipment(&self, call: &Call<'_>, shipment: &ShipmentConfirmation) -> Result<Confirmed, ConnectError>;
    /// Checks that the credentials work: the shop's own name and id on the channel.
    async fn identify(&self, call: &Call<'_>) -> Result<ShopIdentity, ConnectError>;
    /// Largest window, overlap and safety lag that its paging rules want.
    fn window_rules(&self) -> WindowRules;
    /// Seller's note and flag on the channel.
    fn notes(&self) -> Option<&dyn WriteNotes> {
        None
    }
    /// Personal data behind a token.
    fn privacy(&self) -> Option<&dyn OpenPersonalData> {
        None
    }
    /// Cancelling from the seller's side.
    fn cancel(&self) -> Option<&dyn CancelOrders> {
        None
    }
    /// Which orders the channel itself lets share a parcel.
    fn grouping(&self) -> Option<&dyn GroupRecipients> {
        None
    }
}

/// Who a shop is on its channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopIdentity {
    /// The channel's id of the seller.
    pub external_id: String,
    /// The shop's name on the channel.
    pub name: String,
}

/// How windows of this channel are cut, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowRules {
    /// Longest window of one pull.
    pub longest: i64,
    /// How far a window reaches back into the one before it.
    pub overlap: i64,
    /// How old a moment must be before the channel is trusted to have listed everything of it: the cursor stays this far behind
    /// the clock. Windows read on to the clock itself, so that an order is seen at once and asked for once more when it has settled.
    pub lag: i64,
    /// How far back the first pull may look.
    pub history: i64,
}

/// Seller's note and flag.
#[async_trait]
pub trait WriteNotes: Send + Sync {
    /// Sets the note and the flag as they should stand.
    async fn write_note(&self, call: &Call<'_>, external_id: &str, note: &str, flag: Option<i64>) -> Result<(), ConnectError>;
}

/// Personal data behind a token: rationed and logged by the caller.
#[async_trait]
pub trait OpenPersonalData: Send + Sync {
    /// Clear name, phone and address of one order, for a purpose the channel knows.
    async fn open(&self, call: &Call<'_>, external_id: &str, token: &str) -> Result<wharf_domain::address::PersonalData, ConnectError>;
}

/// What a channel lets its sellers cancel: known without asking it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelTerms {
    /// The reasons that it takes.
    pub reasons: &'static [CancelReason],
    /// It lets a seller cancel what is paid; otherwise that is the buyer's refund.
    pub paid: bool,
}

/// Cancelling from the seller's side.
#[async_trait]
pub trait CancelOrders: Send + Sync {
    /// What it takes.
    fn terms(&self) -> &'static CancelTerms;
    /// Closes one order. `Already` when it is closed.
    async fn cancel(&self, call: &Call<'_>, external_id: &str, reason: CancelReason) -> Result<Confirmed, ConnectError>;
}

/// Which orders go to one recipient, as the channel itself judges.
#[async_trait]
pub trait GroupRecipients: Send + Sync {
    /// Groups of (order id, token) that share a recipient.
    async fn group(&self, call: &Call<'_>, orders: &[(String, String)]) -> Result<Vec<Vec<String>>, ConnectError>;
}
