//! Single orders that arrive at once are stored together: whoever comes while a unit of work is under way waits for the
//! next one, which takes all that wait as one page. Each is answered after the commit that holds it, and a bad one is
//! parked alone, as in any page.

use crate::app::{App, FlowError};
use crate::ingest::{Batch, CursorMove, Source, ingest_in};
use std::sync::{Mutex, PoisonError};
use tokio::sync::oneshot;
use wharf_domain::id::{OrderId, ShopId};
use wharf_domain::order::channel::ChannelOrder;
use wharf_store::{Store, StoreError, orders};

/// Orders of one unit of work. More would make the first one wait without saving much.
const MOST: usize = 256;

/// What became of a single order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It is new.
    Inserted(OrderId),
    /// It was there and has changed.
    Amended(OrderId),
    /// It was there, in this version or a newer one.
    Unchanged(OrderId),
    /// It could not be stored; it is parked, with the cause.
    Parked,
}

type Answer = oneshot::Sender<Result<Stored, FlowError>>;

struct Waiting {
    shop: ShopId,
    source: Source,
    order: ChannelOrder,
    answer: Answer,
}

/// Where single orders wait. One in an [`App`].
#[derive(Default)]
pub(crate) struct Gather {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    /// Somebody stores what waits.
    busy: bool,
}

impl Gather {
    /// Puts one in. True when nobody is at work, so that the caller must be.
    fn put(&self, one: Waiting) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.push(one);
        !std::mem::replace(&mut state.busy, true)
    }

    /// Takes what waits, the longest waiting first; none ends the work.
    fn take(&self) -> Vec<Waiting> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let most = state.waiting.len().min(MOST);
        state.busy = most > 0;
        state.waiting.drain(..most).collect()
    }
}

/// Stores one order, together with others that arrive meanwhile. The answer comes after its commit.
pub async fn ingest_one(app: &App, shop: ShopId, order: ChannelOrder, source: Source) -> Result<Stored, FlowError> {
    let (answer, answered) = oneshot::channel();
    if app.gather.put(Waiting { shop, source, order, answer }) {
        // A task of its own: it goes on when this caller stops waiting.
        let (gather, store) = (app.gather.clone(), app.store.clone());
        tokio::spawn(async move {
            loop {
                let page = gather.take();
                if page.is_empty() {
                    return;
                }
                store_all(&store, page).await;
            }
        });
    }
    answered.await.unwrap_or(Err(FlowError::Store(StoreError::Unavailable)))
}

/// One unit of work for all, a page for each shop.
async fn store_all(store: &Store, page: Vec<Waiting>) {
    let mut answers: Vec<Option<Answer>> = Vec::with_capacity(page.len());
    let mut groups: Vec<Group> = Vec::new();
    for (place, one) in page.into_iter().enumerate() {
        answers.push(Some(one.answer));
        let group = match groups.iter_mut().find(|g| g.shop == one.shop && g.source == one.source && !g.has(&one.order)) {
            Some(group) => group,
            None => groups.push_mut(Group { shop: one.shop, source: one.source, places: Vec::new(), orders: Vec::new() }),
        };
        group.places.push(place);
        group.orders.push(one.order);
    }
    // Shops in one order, so that two processes never wait for each other.
    groups.sort_by_key(|group| group.shop);
    let places: Vec<Vec<usize>> = groups.iter().map(|group| group.places.clone()).collect();
    let done = store
        .write(move |tx| {
            groups
                .into_iter()
                .map(|group| match tx.attempt(|tx| group.store(tx)) {
                    Err(FlowError::Store(error @ (StoreError::Busy | StoreError::Unavailable | StoreError::Full))) => Err(error.into()),
                    result => Ok(result),
                })
                .collect::<Result<Vec<_>, FlowError>>()
        })
        .await;
    let mut answer = |place: usize, result: Result<Stored, FlowError>| {
        if let Some(answer) = answers.get_mut(place).and_then(Option::take) {
            // Whoever no longer waits has stopped caring.
            let _ = answer.send(result);
        }
    };
    match done {
        Ok(results) => {
            for (places, result) in places.into_iter().zip(results) {
                match result {
                    Ok(stored) => places.into_iter().zip(stored).for_each(|(place, one)| answer(place, Ok(one))),
                    Err(error) => places.into_iter().for_each(|place| answer(place, Err(error.clone()))),
                }
            }
        }
        Err(error) => places.into_iter().flatten().for_each(|place| answer(place, Err(error.clone()))),
    }
}

/// Orders of one shop and source, each of them once.
struct Group {
    shop: ShopId,
    source: Source,
    places: Vec<usize>,
    orders: Vec<ChannelOrder>,
}

impl Group {
    fn has(&self, order: &ChannelOrder) -> bool {
        self.orders.iter().any(|known| known.external_id == order.external_id)
    }

    fn store(self, tx: &mut wharf_store::Tx<'_>) -> Result<Vec<Stored>, FlowError> {
        let ids: Vec<String> = self.orders.iter().map(|order| order.external_id.clone()).collect();
        let batch = Batch { orders: self.orders, unreadable: Vec::new() };
        let report = ingest_in(tx, self.shop, &batch, self.source, &CursorMove::Stay)?;
        let known = orders::ids_of(tx, self.shop, &ids)?;
        let parked: Vec<&str> = report.parked_ids.iter().map(String::as_str).collect();
        Ok(ids
            .iter()
            .map(|external| match known.get(external) {
                _ if parked.contains(&external.as_str()) => Stored::Parked,
                Some(id) if report.inserted.contains(id) => Stored::Inserted(*id),
                Some(id) if report.amended.contains(id) => Stored::Amended(*id),
                Some(id) => Stored::Unchanged(*id),
                None => Stored::Parked,
            })
            .collect())
    }
}
