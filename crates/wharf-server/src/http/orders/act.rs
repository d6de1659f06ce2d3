//! How every bulk action on orders runs: which orders are meant, whether the caller saw their current version, now or as a
//! long operation, and the one shape of the answer.

use super::filter::OrderParams;
use crate::http::dto::{ActionAnswer, Time};
use crate::http::guard::{Guard, OrdersAct};
use crate::http::input::{IfMatch, ids};
use crate::http::problem::Problem;
use crate::http::state::AppState;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use wharf_domain::access::Scope;
use wharf_domain::id::OrderId;
use wharf_flows::bulk::{Asker, Bulk};
use wharf_flows::verbs::{self, Verb};
use wharf_store::{StoreError, operations, order_list, orders};

/// The most orders of one action.
const MOST: usize = 50_000;
/// More orders than these become an operation: the answer is 202, the work is a job's.
pub const LONG: usize = 1_000;

/// Which orders: their ids, or all that match a filter.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct Selection {
    /// Ids of orders.
    pub ids: Vec<String>,
    /// Or all that match, as in `GET /orders`.
    pub filter: Option<OrderParams>,
    /// Only say what would happen.
    pub dry_run: bool,
}

impl Selection {
    /// The ids that are meant, each once.
    pub async fn orders(&self, state: &AppState, scope: &Scope) -> Result<Vec<OrderId>, Problem> {
        match (&self.filter, self.ids.is_empty()) {
            (Some(_), false) => Err(Problem::invalid("filter", "ids or a filter, not both")),
            (None, true) => Err(Problem::invalid("ids", "name at least one order, or a filter")),
            (None, false) if self.ids.len() > MOST => Err(Problem::invalid("ids", format!("at most {MOST} at once"))),
            (None, false) => {
                let mut seen = std::collections::HashSet::new();
                Ok(ids("ids", &self.ids)?.into_iter().filter(|id| seen.insert(*id)).collect())
            }
            (Some(params), true) => {
                let (filter, scope) = (params.filter()?, scope.clone());
                let found = state
                    .app
                    .store
                    .read(move |tx| -> Result<Vec<OrderId>, StoreError> {
                        let mut all = Vec::new();
                        loop {
                            let after = all.last().copied().unwrap_or(OrderId(0));
                            let chunk = order_list::matching(tx, &scope, &filter, after, 5_000)?;
                            if chunk.is_empty() || all.len() > MOST {
                                return Ok(all);
                            }
                            all.extend(chunk);
                        }
                    })
                    .await?;
                if found.len() > MOST {
                    return Err(Problem::invalid("filter", format!("more than {MOST} orders match: narrow it")));
                }
                Ok(found)
            }
        }
    }
}

/// The person of an action, as flows know them.
pub fn asker(guard: &Guard<OrdersAct>) -> Asker {
    Asker::new(guard.who.actor(), guard.who.scope.clone())
}

/// Does a verb to the orders of a selection.
pub async fn act(
    state: &AppState,
    guard: &Guard<OrdersAct>,
    seen: IfMatch,
    selection: &Selection,
    verb: Verb,
) -> Result<Response, Problem> {
    let orders = selection.orders(state, &guard.who.scope).await?;
    act_on(state, guard, seen, orders, selection.dry_run, verb).await
}

/// Does a verb to orders: now, or later when they are many.
pub async fn act_on(
    state: &AppState,
    guard: &Guard<OrdersAct>,
    seen: IfMatch,
    orders: Vec<OrderId>,
    dry_run: bool,
    verb: Verb,
) -> Result<Response, Problem> {
    current(state, &guard.who.scope, seen, &orders).await?;
    if orders.len() > LONG && !dry_run && !matches!(verb, Verb::Merge) {
        let id = verbs::later(&state.app, &asker(guard), verb, orders).await?;
        return accepted(state, id).await;
    }
    let bulk = verbs::run(&state.app, &asker(guard), verb, orders, dry_run).await?;
    answer(state, bulk).await
}

/// A caller that names a version means one order as it read it: when that has changed since, nothing is done.
async fn current(state: &AppState, scope: &Scope, seen: IfMatch, wanted: &[OrderId]) -> Result<(), Problem> {
    let Some(version) = seen.0 else { return Ok(()) };
    let [id] = *wanted else {
        return Err(Problem::malformed("If-Match names the version of one order: send one id with it"));
    };
    let scope = scope.clone();
    match state.app.store.read(move |tx| orders::order(tx, &scope, id)).await? {
        Some(order) if order.version != version => {
            Err(Problem::conflict("the order was changed by someone else: read it again", Some(order.version)))
        }
        // An order that is not there is answered as every other.
        _ => Ok(()),
    }
}

/// 202: the operation has begun; `GET /operations/{id}` says how far it is.
pub async fn accepted(state: &AppState, id: wharf_domain::id::OperationId) -> Result<Response, Problem> {
    let operation = state.app.store.read(move |tx| operations::get(tx, id)).await?.ok_or_else(|| Problem::not_found("operation"))?;
    Ok((StatusCode::ACCEPTED, Json(crate::http::operations::dto(operation))).into_response())
}

/// Orders named by the numbers of their shops.
pub struct Named {
    /// Number and order; a number that several shops use names all of them.
    pub found: Vec<(String, OrderId)>,
    missing: Vec<String>,
}

impl Named {
    /// Looks numbers up in the shops that the person may see.
    pub async fn find(state: &AppState, scope: &Scope, numbers: Vec<String>) -> Result<Self, Problem> {
        if numbers.len() > LONG {
            return Err(Problem::invalid("external_ids", format!("at most {LONG} at once")));
        }
        let mut numbers: Vec<String> = numbers.into_iter().map(|n| n.trim().to_owned()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let (scope, wanted) = (scope.clone(), numbers.clone());
        let found = state.app.store.read(move |tx| orders::by_numbers(tx, &scope, &wanted)).await?;
        let missing = numbers.into_iter().filter(|number| !found.iter().any(|(n, _)| n == number)).collect();
        Ok(Named { found, missing })
    }

    /// The orders.
    pub fn orders(&self) -> Vec<OrderId> {
        self.found.iter().map(|(_, id)| *id).collect()
    }

    /// The answer for each number.
    pub async fn answer(self, state: &AppState, bulk: Bulk) -> Result<Response, Problem> {
        let mut answer = told(state, bulk).await?;
        for result in &mut answer.results {
            result.external_id = self.found.iter().find(|(_, id)| id.to_string() == result.id).map(|(number, _)| number.clone());
        }
        answer.refuse(self.missing, "not_found");
        Ok(Json(answer).into_response())
    }
}

/// 200: done, with the answer of each order and how long it can be undone.
async fn answer(state: &AppState, bulk: Bulk) -> Result<Response, Problem> {
    Ok(Json(told(state, bulk).await?).into_response())
}

async fn told(state: &AppState, bulk: Bulk) -> Result<ActionAnswer, Problem> {
    let mut answer = ActionAnswer::new(bulk.results);
    if let Some(id) = bulk.operation_id {
        let operation = state.app.store.read(move |tx| operations::get(tx, id)).await?;
        answer.undo_until = operation.and_then(|o| o.undo_until).map(Time::from);
        answer.operation_id = Some(id.to_string());
    }
    Ok(answer)
}
