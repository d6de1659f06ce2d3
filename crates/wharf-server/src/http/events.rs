//! Live events to browsers (SSE): pokes, never truth. A browser that hears one asks the API again.

use super::guard::SignedIn;
use super::state::AppState;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use serde::Serialize;
use std::convert::Infallible;
use tokio::sync::broadcast;
use wharf_domain::access::Scope;
use wharf_domain::id::ShopId;

/// One poke.
#[derive(Debug, Clone, Serialize)]
pub struct Poke {
    /// `orders · counts · shops · shipments · stock · operation`.
    #[serde(skip)]
    pub topic: &'static str,
    /// The shop it is about; people without that shop do not hear of it.
    #[serde(skip)]
    pub shop: Option<ShopId>,
    /// Small facts: how many, which operation.
    #[serde(flatten)]
    pub data: serde_json::Value,
}

/// The hub of one process.
#[derive(Debug)]
pub struct Events {
    sender: broadcast::Sender<Poke>,
}

impl Default for Events {
    fn default() -> Self {
        Events { sender: broadcast::channel(1024).0 }
    }
}

impl Events {
    /// Tells every browser that listens. Nobody listening is fine.
    pub fn poke(&self, poke: Poke) {
        let listeners = self.sender.send(poke).unwrap_or(0);
        tracing::trace!(listeners, "poked");
    }

    /// A receiver of all pokes.
    pub fn subscribe(&self) -> broadcast::Receiver<Poke> {
        self.sender.subscribe()
    }
}

fn may_hear(scope: &Scope, poke: &Poke) -> bool {
    poke.shop.is_none_or(|shop| scope.shop(shop))
}

/// Pokes as they happen.
#[utoipa::path(get, path = "/api/v1/events", tag = "live", operation_id = "events",
    description = "Server-sent events. `orders`, `counts`, `shops`, `shipments`, `stock`, `operation`: each says that something changed; ask the API for the truth. A `lagged` event means that pokes were skipped.",
    responses((status = 200, description = "text/event-stream", content_type = "text/event-stream"), (status = 401, body = super::problem::Problem)))]
pub async fn events(
    State(state): State<AppState>,
    SignedIn(who): SignedIn,
) -> Sse<impl futures_core::Stream<Item = Result<Event, Infallible>>> {
    let mut receiver = state.events.subscribe();
    let stream = async_stream::stream! {
        yield Ok(Event::default().event("hello").data("{}"));
        loop {
            match receiver.recv().await {
                Ok(poke) if may_hear(&who.scope, &poke) => {
                    let data = serde_json::to_string(&poke).unwrap_or_else(|_| "{}".to_owned());
                    yield Ok(Event::default().event(poke.topic).data(data));
                }
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(_)) => yield Ok(Event::default().event("lagged").data("{}")),
                Err(broadcast::error::RecvError::Closed) => break,
            }
        }
    };
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// Forwards what units of work announce, of this process and of others, to the browsers of this one.
pub fn forward(state: &AppState) {
    let mut heard = state.app.store.watch();
    let events = state.events.clone();
    tokio::spawn(async move {
        loop {
            match heard.recv().await {
                Ok(topic) => {
                    if let Some(poke) = poke(&topic) {
                        events.poke(poke);
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    events.poke(Poke { topic: "lagged", shop: None, data: serde_json::json!({}) })
                }
                Err(broadcast::error::RecvError::Closed) => break,
            }
        }
    });
}

/// `orders:SHOP`, `operation:ID`, or a bare word; what is not for browsers is left out.
fn poke(topic: &str) -> Option<Poke> {
    let (word, rest) = topic.split_once(':').unwrap_or((topic, ""));
    let topic = ["orders", "counts", "shops", "shipments", "stock", "operation"].into_iter().find(|t| *t == word)?;
    let (shop, data) = match topic {
        "operation" => (None, serde_json::json!({ "id": rest })),
        _ => {
            let shop = rest.parse().ok().map(ShopId);
            (shop, shop.map_or_else(|| serde_json::json!({}), |s| serde_json::json!({ "shop_id": s })))
        }
    };
    Some(Poke { topic, shop, data })
}
