//! The other side of a protocol: a pure handler on the simulated market. The server hosts it over loopback HTTP; tests
//! call it in process.

use crate::world::World;
use wharf_domain::time::Timestamp;

/// A request as it arrives on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireRequest {
    /// Method, upper case.
    pub method: String,
    /// Path below the vendor's mount point, with leading slash.
    pub path: String,
    /// Raw query without `?`.
    pub query: String,
    /// Headers, lower-case names.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// An answer for the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireResponse {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// One vendor's protocol, spoken from the market's side.
pub trait Sandbox: Send + Sync {
    /// Answers one request at a time of the market's clock, with authentication and signature checked for real.
    fn handle(&self, world: &World, now: Timestamp, request: &WireRequest) -> WireResponse;
    /// Credentials and settings (without `base_url`) that open an account of the market's shop `shop`.
    fn account(&self, world: &World, shop: &str) -> Option<(crate::Credentials, crate::Settings)>;
}
