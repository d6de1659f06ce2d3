//! The connector contract: what a marketplace or a carrier is to Wharf, and the only way out to the world.
//!
//! A vendor is one folder in `wharf-vendors` that implements [`Vendor`]. It touches the world only through the
//! [`Call`] it is handed; it decides nothing about orders and knows nothing of the store. Absent capabilities are
//! `None`, never an answer "not implemented".

pub mod carrier;
pub mod cassette;
pub mod channel;
pub mod conformance;
pub mod error;
pub mod files;
pub mod http;
pub mod manifest;
pub mod sandbox;
pub mod sign;
pub mod world;

pub use carrier::{BookRequest, Booked, Carrier, LabelSource, OwnNumbers, RateQuote, Subscription, Subscriptions, TrackingUpdate};
pub use channel::{Channel, Confirmed, Count, Held, NothingHeld, OrderPage, PullWindow, ShipmentConfirmation};
pub use error::ConnectError;
pub use http::{Http, HttpOptions, HttpRequest, HttpResponse, RealHttp, TransportError};
pub use manifest::{CredentialField, Label, Manifest};
pub use sandbox::{Sandbox, WireRequest, WireResponse};

use std::collections::BTreeMap;
use wharf_domain::time::Timestamp;

/// One company that Wharf talks to: a channel, a carrier, or both. One folder each.
pub trait Vendor: Send + Sync {
    /// Who it is, what its forms ask, where its limits are.
    fn manifest(&self) -> &'static Manifest;
    /// Its marketplace side.
    fn channel(&self) -> Option<&dyn Channel> {
        None
    }
    /// Its parcel side.
    fn carrier(&self) -> Option<&dyn Carrier> {
        None
    }
    /// Its way of reading files that people hand in.
    fn files(&self) -> Option<&dyn files::ReadFiles> {
        None
    }
    /// The same protocol from the other side, on the simulated market.
    fn sandbox(&self) -> Option<&dyn Sandbox> {
        None
    }
}

/// What a connector is handed for one operation: the way out, the time, a nonce, the credentials and the settings.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The way out. It adds nothing and hides nothing; pace and logging are its caller's.
    pub http: &'a dyn Http,
    /// The time of the call.
    pub now: Timestamp,
    /// Fresh randomness for protocols that want a nonce.
    pub nonce: &'a str,
    /// The sealed part of the account, opened for this call.
    pub credentials: &'a Credentials,
    /// The open part of the account: `base_url` and whatever the manifest's settings name.
    pub settings: &'a Settings,
}

/// The secret fields of an account, by the names of the manifest. No `Debug`, no `Display`: it must not reach a log.
#[derive(Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Credentials(pub BTreeMap<String, String>);

impl Credentials {
    /// A field that the protocol cannot do without.
    pub fn need(&self, name: &str) -> Result<&str, ConnectError> {
        match self.0.get(name).map(|v| v.trim()) {
            Some(value) if !value.is_empty() => Ok(value),
            _ => Err(ConnectError::Reauthorize(format!("the credential `{name}` is missing"))),
        }
    }
    /// A field that may be absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|v| v.trim()).filter(|v| !v.is_empty())
    }
}

/// The open settings of an account, by the names of the manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Settings(pub BTreeMap<String, String>);

impl Settings {
    /// A setting, or the manifest's default.
    pub fn get_or<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.0.get(name).map(|v| v.trim()).filter(|v| !v.is_empty()).unwrap_or(default)
    }
    /// A setting that may be absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|v| v.trim()).filter(|v| !v.is_empty())
    }
}
