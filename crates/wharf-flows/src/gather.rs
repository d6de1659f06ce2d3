//! Single orders that arrive at once are stored together: whoever comes while a unit of work is under way waits for the
//! next one, which takes all that wait as one page. Each is answered after the commit that holds it, and a bad one is
//! parked alone, as in any page.

use crate::app::{App, FlowError};
use crate::ingest::{Batch, CursorMove, Source, ingest_in};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use wharf_domain::id::{OrderId, ShopId};
use wharf_domain::order::channel::ChannelOrder;
use wharf_store::{Store, StoreError, orders};

/// Things of one unit of work. More would make the first one wait without saving much.
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

/// Where things wait that come one by one and are done by pages. One of a kind in an [`App`].
pub(crate) struct Gather<I, O> {
    state: Mutex<State<I, O>>,
}

struct State<I, O> {
    waiting: Vec<(I, oneshot::Sender<O>)>,
    /// Somebody does what waits.
    busy: bool,
}

impl<I, O> Default for Gather<I, O> {
    fn default() -> Self {
        Gather { state: Mutex::new(State { waiting: Vec::new(), busy: false }) }
    }
}

impl<I: Send + 'static, O: Send + 'static> Gather<I, O> {
    /// Does one thing together with others that come meanwhile. `page` does many and answers each, in their order. `None`
    /// when the page was never answered: the program ends.
    pub(crate) async fn one<F>(self: &Arc<Self>, item: I, page: impl Fn(Vec<I>) -> F + Send + 'static) -> Option<O>
    where
        F: Future<Output = Vec<O>> + Send,
    {
        let (answer, answered) = oneshot::channel();
        if self.put(item, answer) {
            // A task of its own: it goes on when this caller stops waiting.
            let gather = Arc::clone(self);
            tokio::spawn(async move {
                let _ended = Ended(&gather);
                loop {
                    let (items, answers): (Vec<I>, Vec<_>) = gather.take().into_iter().unzip();
                    if items.is_empty() {
                        return;
                    }
                    for (answer, result) in answers.into_iter().zip(page(items).await) {
                        // Whoever no longer waits has stopped caring.
                        let _ = answer.send(result);
                    }
                }
            });
        }
        answered.await.ok()
    }

    /// Puts one in. True when nobody is at work, so that the caller must be.
    fn put(&self, item: I, answer: oneshot::Sender<O>) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.push((item, answer));
        !std::mem::replace(&mut state.busy, true)
    }

    /// Takes what waits, the longest waiting first; none ends the work.
    fn take(&self) -> Vec<(I, oneshot::Sender<O>)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let most = state.waiting.len().min(MOST);
        state.busy = most > 0;
        state.waiting.drain(..most).collect()
    }
}

/// However the work ends, nobody waits for ever: after a panic those who wait hear that there is no answer, and the next one
/// who comes begins afresh.
struct Ended<'a, I, O>(&'a Gather<I, O>);

impl<I, O> Drop for Ended<'_, I, O> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.waiting.clear();
            state.busy = false;
        }
    }
}

/// An order on its own, and where it comes from.
pub(crate) struct Single {
    shop: ShopId,
    source: Source,
    order: ChannelOrder,
}

/// Stores one order, together with others that arrive meanwhile. The answer comes after its commit.
pub async fn ingest_one(app: &App, shop: ShopId, order: ChannelOrder, source: Source) -> Result<Stored, FlowError> {
    let store = app.store.clone();
    let answer = app.singles.one(Single { shop, source, order }, move |page| store_all(store.clone(), page)).await;
    answer.unwrap_or(Err(FlowError::Store(StoreError::Unavailable)))
}

/// One unit of work for all, a page for each shop.
async fn store_all(store: Store, page: Vec<Single>) -> Vec<Result<Stored, FlowError>> {
    let mut answers: Vec<Result<Stored, FlowError>> = vec![Err(FlowError::Store(StoreError::Unavailable)); page.len()];
    let mut groups: Vec<Group> = Vec::new();
    for (place, one) in page.into_iter().enumerate() {
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
    match done {
        Ok(results) => {
            for (places, result) in places.into_iter().zip(results) {
                match result {
                    Ok(stored) => places.into_iter().zip(stored).for_each(|(place, one)| answers[place] = Ok(one)),
                    Err(error) => places.into_iter().for_each(|place| answers[place] = Err(error.clone())),
                }
            }
        }
        Err(error) => answers.fill(Err(error)),
    }
    answers
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
