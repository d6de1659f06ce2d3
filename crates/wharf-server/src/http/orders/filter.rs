//! The conditions of a list of orders: query parameters of `GET /orders`, and the `filter` of a bulk action.

use crate::http::input::{id, time};
use crate::http::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wharf_domain::hold::HoldReason;
use wharf_domain::money::{Currency, Money};
use wharf_domain::order::phase::Phase;
use wharf_domain::word::Word;
use wharf_store::order_list::OrderFilter;

/// Conditions combine; a parameter that is repeated means "one of".
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrderParams {
    /// What they wait for.
    pub phase: Vec<String>,
    /// Ids of shops.
    pub shop: Vec<String>,
    /// Manifest ids of marketplaces.
    pub channel: Vec<String>,
    /// Reasons of open holds.
    pub hold: Vec<String>,
    /// Tags.
    pub tag: Vec<String>,
    /// Anything: order number (or its beginning or end), phone or its last four digits, name, nickname, tracking number, SKU.
    pub q: String,
    /// RFC 3339.
    pub placed_after: Option<String>,
    /// RFC 3339.
    pub placed_before: Option<String>,
    /// RFC 3339.
    pub paid_after: Option<String>,
    /// RFC 3339.
    pub paid_before: Option<String>,
    /// RFC 3339.
    pub ship_by_after: Option<String>,
    /// RFC 3339.
    pub ship_by_before: Option<String>,
    /// RFC 3339.
    pub updated_after: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Vec<String>,
    /// Provinces, by their beginnings.
    pub province: Vec<String>,
    /// Smallest total, a plain decimal of `currency`.
    pub total_min: Option<String>,
    /// Largest total, a plain decimal of `currency`.
    pub total_max: Option<String>,
    /// Currency of the totals (CNY).
    pub currency: Option<String>,
    /// Carriers by code or name.
    pub carrier: Vec<String>,
    /// Ids of warehouses.
    pub warehouse: Vec<String>,
    /// Ids of people; `none` for nobody.
    pub assignee: Vec<String>,
    /// `new · returning`.
    pub customer: Option<String>,
    /// Urged or not.
    pub urgent: Option<bool>,
    /// Of one import.
    pub import: Option<String>,
}

impl OrderParams {
    /// The store's filter, or which parameter is wrong.
    pub fn filter(&self) -> Result<OrderFilter, Problem> {
        let at = |field: &str, text: &Option<String>| text.as_deref().map(|t| time(field, t)).transpose();
        let currency = Currency::new(self.currency.as_deref().unwrap_or("CNY")).map_err(|e| Problem::invalid("currency", e.to_string()))?;
        let total = |field: &str, text: &Option<String>| {
            text.as_deref()
                .map(|t| Money::parse(t, currency).map(|m| m.minor).map_err(|e| Problem::invalid(field, e.to_string())))
                .transpose()
        };
        fn words<W: Word>(field: &str, texts: &[String]) -> Result<Vec<W>, Problem> {
            texts.iter().map(|t| W::parse(t).map_err(|e| Problem::invalid(field, e.to_string()))).collect()
        }
        if self.q.chars().count() > 200 {
            return Err(Problem::invalid("q", "at most 200 characters"));
        }
        Ok(OrderFilter {
            phases: words::<Phase>("phase", &self.phase)?,
            shops: crate::http::input::ids("shop", &self.shop)?,
            vendors: self.channel.clone(),
            holds: words::<HoldReason>("hold", &self.hold)?,
            tags: self.tag.clone(),
            q: self.q.trim().to_owned(),
            placed: (at("placed_after", &self.placed_after)?, at("placed_before", &self.placed_before)?),
            paid: (at("paid_after", &self.paid_after)?, at("paid_before", &self.paid_before)?),
            ship_by: (at("ship_by_after", &self.ship_by_after)?, at("ship_by_before", &self.ship_by_before)?),
            updated_from: at("updated_after", &self.updated_after)?,
            countries: self.country.clone(),
            provinces: self.province.clone(),
            total_minor: (total("total_min", &self.total_min)?, total("total_max", &self.total_max)?.map(|m| m.saturating_add(1))),
            carriers: self.carrier.clone(),
            warehouses: crate::http::input::ids("warehouse", &self.warehouse)?,
            assignees: self
                .assignee
                .iter()
                .map(|a| if a == "none" { Ok(None) } else { id("assignee", a).map(Some) })
                .collect::<Result<_, _>>()?,
            returning: match self.customer.as_deref() {
                None => None,
                Some("returning") => Some(true),
                Some("new") => Some(false),
                Some(other) => return Err(Problem::invalid("customer", format!("{other:?} is neither new nor returning"))),
            },
            urgent: self.urgent,
            import_batch: self.import.as_deref().map(|i| id("import", i)).transpose()?,
        })
    }

    /// True when nothing but shops is asked: then the counters answer, without counting.
    pub fn only_shops(&self) -> bool {
        let bare = OrderParams { shop: self.shop.clone(), ..OrderParams::default() };
        format!("{bare:?}") == format!("{self:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_parameters_are_one_of_and_unknown_ones_are_errors() {
        let params: OrderParams = serde_html_form::from_str("phase=review&phase=held&q=%E5%BC%A0").expect("query");
        assert_eq!(params.phase, ["review", "held"]);
        assert_eq!(params.filter().expect("filter").phases, [Phase::Review, Phase::Held]);
        assert!(serde_html_form::from_str::<OrderParams>("fase=review").is_err());
        let bad: OrderParams = serde_html_form::from_str("phase=nonsense").expect("query");
        assert_eq!(bad.filter().expect_err("no such phase").status, 422);
    }

    #[test]
    fn totals_are_exact_and_inclusive() {
        let params: OrderParams = serde_html_form::from_str("total_min=10.00&total_max=20").expect("query");
        assert_eq!(params.filter().expect("filter").total_minor, (Some(1000), Some(2001)));
    }
}
