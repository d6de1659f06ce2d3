//! The other side of a protocol: a pure handler on the simulated market. The server hosts it over loopback HTTP; tests
//! call it in process by [`SandboxHttp`]. Both go through [`serve`], so that a fault looks the same from either.

use crate::http::{Http, HttpRequest, HttpResponse, TransportError};
use crate::world::{World, truth};
use crate::{Credentials, Settings, Vendor};
use std::sync::Arc;
use std::time::Duration;
use wharf_domain::time::Timestamp;

/// A request as it arrives on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    /// Wait this long before anything is sent.
    pub delay: Duration,
    /// The answer is lost: the host drops the connection instead of sending it. Whatever the request did stays done.
    pub cut: bool,
}

impl WireResponse {
    /// A JSON answer.
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        WireResponse {
            status,
            headers: vec![("content-type".into(), "application/json;charset=utf-8".into())],
            body: value.to_string().into_bytes(),
            delay: Duration::ZERO,
            cut: false,
        }
    }
    /// A plain text answer.
    pub fn text(status: u16, text: &str) -> Self {
        WireResponse {
            status,
            headers: vec![("content-type".into(), "text/plain;charset=utf-8".into())],
            body: text.as_bytes().to_vec(),
            delay: Duration::ZERO,
            cut: false,
        }
    }
    /// No answer: the connection is dropped.
    pub fn lost() -> Self {
        WireResponse { status: 0, headers: Vec::new(), body: Vec::new(), delay: Duration::ZERO, cut: true }
    }
    /// The same answer, lost on its way.
    #[must_use]
    pub fn then_cut(mut self) -> Self {
        self.cut = true;
        self
    }
    /// The same answer, later.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// A shop that a channel's sandbox opens on a demo market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoShop {
    /// Key of the shop on the market: letters, digits and `-`.
    pub key: &'static str,
    /// What people call it.
    pub name: &'static str,
}

/// One vendor's protocol, spoken from the market's side.
pub trait Sandbox: Send + Sync {
    /// Answers one request at a time of the market's clock, with authentication and signature checked for real.
    fn handle(&self, world: &World, now: Timestamp, request: &WireRequest) -> WireResponse;
    /// Credentials and settings (without `base_url`) that open an account of the market's shop `shop`. A carrier answers
    /// for a shop of any vendor whose seller can buy its waybills.
    fn account(&self, world: &World, shop: &str) -> Option<(Credentials, Settings)>;
    /// Where its API lives below the mount point: `base_url` is mount point + this.
    fn base_path(&self) -> &'static str;
    /// The shops it opens on a demo market; none for a carrier.
    fn demo_shops(&self) -> &'static [DemoShop] {
        &[]
    }
}

/// The fields of a query or of a form body, in their order. A broken escape stays as it is written.
pub fn form_fields(text: &str) -> Vec<(String, String)> {
    let plain = |part: &str| -> String {
        let bytes = part.as_bytes();
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            let escaped = (bytes[at] == b'%').then(|| part.get(at + 1..at + 3).and_then(|h| u8::from_str_radix(h, 16).ok())).flatten();
            match (bytes[at], escaped) {
                (_, Some(byte)) => {
                    out.push(byte);
                    at += 3;
                    continue;
                }
                (b'+', None) => out.push(b' '),
                (byte, None) => out.push(byte),
            }
            at += 1;
        }
        String::from_utf8_lossy(&out).into_owned()
    };
    text.split('&')
        .filter(|p| !p.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(k, v)| (plain(k), plain(v)))
        .collect()
}

/// The name of the market's own interface beside the vendors' mount points.
pub const TRUTH_MOUNT: &str = "_world";

/// Answers `path` (`/<vendor id>/…` or `/_world/…`): the one entry of every host. The market's clock is moved to `now`
/// first, so that what is due by then has happened.
pub fn serve(world: &World, vendors: &[&'static dyn Vendor], now: Timestamp, mut request: WireRequest) -> WireResponse {
    let (mount, rest) = match request.path.trim_start_matches('/').split_once('/') {
        Some((mount, rest)) => (mount.to_owned(), format!("/{rest}")),
        None => (request.path.trim_start_matches('/').to_owned(), "/".to_owned()),
    };
    if let Err(broken) = world.tick(now) {
        return WireResponse::text(503, &broken.to_string());
    }
    let response = if mount == TRUTH_MOUNT {
        request.path = rest;
        truth::handle(world, vendors, now, &request)
    } else {
        vendor_answer(world, vendors, now, &mount, rest, request)
    };
    // What could not be written down must not be told: the caller sees a lost answer, which is what it is.
    if world.is_broken() { WireResponse::lost() } else { response }
}

fn vendor_answer(
    world: &World,
    vendors: &[&'static dyn Vendor],
    now: Timestamp,
    mount: &str,
    rest: String,
    mut request: WireRequest,
) -> WireResponse {
    match vendors.iter().find(|v| v.manifest().id == mount).and_then(|v| v.sandbox()) {
        Some(sandbox) => {
            request.path = rest;
            sandbox.handle(world, now, &request)
        }
        None => WireResponse::text(404, &format!("no sandbox is mounted at /{mount}")),
    }
}

/// An [`Http`] that never leaves the process: `http://sandbox/<vendor>/…` and `http://sandbox/_world/…` are answered by
/// the market at the time that `clock` tells.
pub struct SandboxHttp {
    world: Arc<World>,
    vendors: Vec<&'static dyn Vendor>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl SandboxHttp {
    /// A way to `world` at the time of `clock`.
    pub fn new(world: Arc<World>, vendors: Vec<&'static dyn Vendor>, clock: Arc<dyn Fn() -> Timestamp + Send + Sync>) -> Self {
        SandboxHttp { world, vendors, clock }
    }
    /// The market behind it.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }
    /// Credentials and settings, `base_url` included, that open `vendor`'s account of the market's shop `shop`.
    pub fn account(&self, vendor: &str, shop: &str) -> Option<(Credentials, Settings)> {
        let sandbox = self.vendors.iter().find(|v| v.manifest().id == vendor)?.sandbox()?;
        let (credentials, mut settings) = sandbox.account(&self.world, shop)?;
        settings.0.insert("base_url".into(), format!("{ORIGIN}/{vendor}{}", sandbox.base_path()));
        Some((credentials, settings))
    }
}

/// Scheme and host of the market in process.
pub const ORIGIN: &str = "http://sandbox";

#[async_trait::async_trait]
impl Http for SandboxHttp {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let Some(target) = request.url.strip_prefix(ORIGIN).filter(|rest| rest.starts_with('/')) else {
            return Err(TransportError::NotSent(format!("only {ORIGIN}/ can be reached from here")));
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let wire = WireRequest {
            method: request.method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: request.headers,
            body: request.body,
        };
        let response = serve(&self.world, &self.vendors, (self.clock)(), wire);
        if response.delay >= request.timeout {
            return Err(TransportError::AnswerLost(format!("no answer within {:?}", request.timeout)));
        }
        if !response.delay.is_zero() {
            tokio::time::sleep(response.delay).await;
        }
        if response.cut {
            return Err(TransportError::AnswerLost("the connection was closed before an answer came".into()));
        }
        Ok(HttpResponse { status: response.status, headers: response.headers, body: response.body })
    }
}
