//! The pace of calls: every request to a vendor takes a token from the bucket that all processes share. A few tokens are
//! taken at once and kept for a second, so that not every call costs a unit of work.

use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wharf_connect::http::TransportError;
use wharf_connect::manifest::Pace;
use wharf_connect::{Http, HttpRequest, HttpResponse};
use wharf_domain::time::{SECOND, Timestamp};
use wharf_store::paces::{self, Taken};
use wharf_store::{Clock, Store, StoreError};

/// Tokens taken and not used within this time are given up: the account may be idle here and busy elsewhere.
const KEPT: i64 = SECOND;
/// A call waits so long for its token; then its job comes back later.
const PATIENCE: i64 = 5 * SECOND;
const MOST_AT_ONCE: i64 = 50;

/// The tokens this process has in hand.
pub(crate) struct Pacer {
    store: Store,
    clock: Arc<dyn Clock>,
    in_hand: Mutex<HashMap<(&'static str, i64), (i64, Timestamp)>>,
}

impl Pacer {
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Pacer { store, clock, in_hand: Mutex::new(HashMap::new()) }
    }

    /// Waits for one token.
    async fn token(&self, lane: &'static str, key: i64, pace: Pace) -> Result<(), TransportError> {
        let (per_minute, burst) = (i64::from(pace.per_minute), i64::from(pace.burst));
        let mut patience = PATIENCE;
        loop {
            if self.use_one_in_hand(lane, key) {
                return Ok(());
            }
            let want = (burst / 4).clamp(1, MOST_AT_ONCE);
            let taken: Result<Taken, StoreError> =
                self.store.write_again(move |tx| paces::take(tx, lane, key, per_minute, burst, want)).await;
            let now = self.clock.now();
            match taken {
                Ok(Taken::Tokens(tokens)) => {
                    self.put_in_hand(lane, key, tokens - 1, now);
                    return Ok(());
                }
                Ok(Taken::NotBefore(at)) => {
                    let wait = at.since(now).max(1000);
                    patience -= wait;
                    if patience < 0 {
                        return Err(TransportError::NotSent("the pace of this account is used up".to_owned()));
                    }
                    tokio::time::sleep(Duration::from_micros(wait.unsigned_abs())).await;
                }
                Err(error) => return Err(TransportError::NotSent(format!("the pace is not known: {error}"))),
            }
        }
    }

    fn use_one_in_hand(&self, lane: &'static str, key: i64) -> bool {
        let now = self.clock.now();
        let mut in_hand = self.in_hand.lock().unwrap_or_else(PoisonError::into_inner);
        match in_hand.get_mut(&(lane, key)) {
            Some((tokens, taken_at)) if *tokens > 0 && now.since(*taken_at) < KEPT => {
                *tokens -= 1;
                true
            }
            Some(_) | None => false,
        }
    }

    fn put_in_hand(&self, lane: &'static str, key: i64, tokens: i64, now: Timestamp) {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner).insert((lane, key), (tokens, now));
    }
}

/// The way out at a shared pace.
pub(crate) struct Paced {
    http: Arc<dyn Http>,
    pacer: Arc<Pacer>,
    lane: &'static str,
    key: i64,
    pace: Pace,
}

impl Paced {
    pub(crate) fn new(http: Arc<dyn Http>, pacer: Arc<Pacer>, lane: &'static str, key: i64, pace: Pace) -> Self {
        Paced { http, pacer, lane, key, pace }
    }
}

#[async_trait]
impl Http for Paced {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.pacer.token(self.lane, self.key, self.pace).await?;
        self.http.send(request).await
    }
}
