//! What every handler is handed.

use super::events::Events;
use super::people::People;
use std::sync::Arc;
use wharf_flows::app::App;

/// The shared state of the HTTP face.
#[derive(Clone)]
pub struct AppState {
    /// Flows, store, clock, vendors.
    pub app: Arc<App>,
    /// Live events to browsers.
    pub events: Arc<Events>,
    /// Sign-in, sessions, tokens.
    pub people: Arc<People>,
    /// Rendered metrics.
    pub metrics: Option<metrics_exporter_prometheus::PrometheusHandle>,
    /// True when the session cookie must only travel over TLS.
    pub secure_cookie: bool,
    /// The zone in which documents and files say their times.
    pub zone: jiff::tz::TimeZone,
}
