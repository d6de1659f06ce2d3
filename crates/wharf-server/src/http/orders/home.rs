//! Home: seven numbers and today's curve, all from counters and rollups.

use crate::http::dto::Money;
use crate::http::guard::{Guard, OrdersRead};
use crate::http::problem::Problem;
use crate::http::state::AppState;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wharf_domain::access::Permission;
use wharf_domain::hold::HoldReason;
use wharf_domain::money;
use wharf_domain::order::phase::Phase;
use wharf_domain::time::{DAY, HOUR, Timestamp};
use wharf_flows::recompute::{local_day, zone};
use wharf_store::shops::ShopState;
use wharf_store::{StoreError, order_list, rollups, shops};

/// The routes of this part.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(home))
}

/// One hour of the curve.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CurveHour {
    /// Hour of the day in the zone of the first shop, 0 to 23.
    pub hour: i64,
    /// Orders placed in it today; absent for hours to come.
    pub today: Option<i64>,
    /// Orders placed in it a week ago.
    pub last_week: i64,
}

/// The seven numbers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Home {
    /// Orders to review: in review or held.
    pub review: i64,
    /// Orders to ship: waiting for a label or for packing.
    pub to_ship: i64,
    /// Orders not shipped whose promise ends within two hours or has ended.
    pub late: i64,
    /// Orders that wait for stock.
    pub out_of_stock: i64,
    /// Orders whose buyer wants money back.
    pub refunds_waiting: i64,
    /// Orders placed today.
    pub orders_today: i64,
    /// Orders placed a week ago up to this time of the day.
    pub orders_last_week: i64,
    /// Sales today by currency; absent for roles that may not see sales.
    pub sales_today: Option<Vec<Money>>,
    /// Shops that are silent or stopped.
    pub shops_silent: i64,
    /// Shops in all.
    pub shops: i64,
    /// Today against last week.
    pub curve: Vec<CurveHour>,
}

/// The seven numbers of Home, each with its orders behind it.
#[utoipa::path(get, path = "/api/v1/home", tag = "orders", operation_id = "home", responses((status = 200, body = Home), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn home(State(state): State<AppState>, guard: Guard<OrdersRead>) -> Result<Json<Home>, Problem> {
    let sees_sales = guard.who.may(Permission::SalesRead);
    let scope = guard.who.scope;
    let out = state
        .app
        .store
        .read(move |tx| -> Result<Home, StoreError> {
            let now = tx.now();
            let counts = rollups::counts(tx, &scope, None)?;
            let of = |phases: &[Phase]| phases.iter().map(|p| counts.phases.get(p).copied().unwrap_or(0)).sum::<i64>();
            let all = shops::list(tx, &scope)?;
            let midnight = all.first().map_or(now.day_floor(), |s| local_day(now, &zone(&s.zone)));
            let hours = rollups::hours(tx, &scope, midnight.plus(-7 * DAY), midnight.plus(DAY))?;
            let mut by_hour: BTreeMap<Timestamp, i64> = BTreeMap::new();
            for (_, hour, orders, _) in &hours {
                *by_hour.entry(*hour).or_default() += orders;
            }
            let at = |hour: Timestamp| by_hour.get(&hour.hour_floor()).copied().unwrap_or(0);
            let curve: Vec<CurveHour> = (0..24)
                .map(|h| {
                    let start = midnight.plus(h * HOUR);
                    CurveHour { hour: h, today: (start <= now).then(|| at(start)), last_week: at(start.plus(-7 * DAY)) }
                })
                .collect();
            let orders_last_week = curve.iter().filter(|c| c.today.is_some()).map(|c| c.last_week).sum();
            let orders_today = curve.iter().filter_map(|c| c.today).sum();
            let mut sales: BTreeMap<String, i64> = BTreeMap::new();
            for (_, day, currency, numbers) in rollups::days(tx, &scope, midnight, midnight.plus(DAY))? {
                if day >= midnight {
                    *sales.entry(currency).or_default() += numbers.sales_minor;
                }
            }
            Ok(Home {
                review: of(&[Phase::Review, Phase::Held, Phase::Mapping]),
                to_ship: of(&[Phase::Label, Phase::Pack]),
                late: order_list::late(tx, &scope, now.plus(2 * HOUR))?,
                out_of_stock: of(&[Phase::Stock]),
                refunds_waiting: counts.holds.get(&HoldReason::RefundRequested).copied().unwrap_or(0),
                orders_today,
                orders_last_week,
                sales_today: sees_sales.then(|| {
                    sales
                        .into_iter()
                        .filter_map(|(code, minor)| money::Currency::new(&code).ok().map(|c| money::Money::new(minor, c).into()))
                        .collect()
                }),
                shops_silent: all.iter().filter(|s| s.state != ShopState::Active || s.silent_since.is_some()).count() as i64,
                shops: all.len() as i64,
                curve,
            })
        })
        .await?;
    Ok(Json(out))
}
