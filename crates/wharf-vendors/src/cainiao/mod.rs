//! E-waybills over TOP: numbers bought once, found again, given back, with print data kept verbatim (a signature covers
//! it). Recipients go by token and trade; clear text is printed by the service, not read by us.

mod manifest;
mod map;
mod sandbox;
#[cfg(test)]
mod sandbox_tests;
mod wire;
mod words;

#[cfg(test)]
mod tests;

use crate::top::wire::{Maybe, Unread};
use crate::top::{self, Top};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use wharf_connect::carrier::ParcelOrder;
use wharf_connect::{
    BookRequest, Booked, Call, Carrier, ConnectError, Label, Manifest, Subscription, Subscriptions, TrackingUpdate, Vendor,
};
use wharf_domain::address::Region;
use wharf_domain::word::Observed;

/// The vendor of this folder.
pub struct Connector {
    /// Standard templates by gateway and carrier: they are asked once a process, not once a label.
    templates: Mutex<BTreeMap<(String, String), String>>,
}

/// Its one instance.
pub static VENDOR: Connector = Connector { templates: Mutex::new(BTreeMap::new()) };

/// The most trades that one query takes.
const MOST_QUERIED: usize = 10;

impl Vendor for Connector {
    fn manifest(&self) -> &'static Manifest {
        &manifest::MANIFEST
    }
    fn carrier(&self) -> Option<&dyn Carrier> {
        Some(self)
    }
    fn sandbox(&self) -> Option<&dyn wharf_connect::Sandbox> {
        Some(&sandbox::SANDBOX)
    }
}

#[async_trait::async_trait]
impl Carrier for Connector {
    async fn book(&self, call: &Call<'_>, request: &BookRequest) -> Result<Booked, ConnectError> {
        let top = Top::new(call)?;
        let (cp_code, product) = map::carrier(&request.service, call.settings)?;
        let template = self.template(&top, &cp_code).await?;
        let body = map::apply_request(request, call.settings, &cp_code, product.as_deref(), template.as_deref());
        let answer = top.write("cainiao.waybill.ii.get", &[("param_waybill_cloud_print_apply_new_request", body.to_string())]).await?;
        let waybills: Vec<wire::Waybill> = answer.get("modules")?;
        let alone = waybills.len() == 1;
        let ours = waybills.iter().find(|waybill| match waybill.object_id.as_deref() {
            Some(id) => id.eq_ignore_ascii_case(&request.client_reference),
            None => alone,
        });
        // Bought, but not told what: that is looked up, not bought again.
        ours.and_then(|waybill| map::booked(waybill, &cp_code))
            .ok_or_else(|| answer.unreadable(&Unread::missing("modules.waybill_code or print_data")))
    }

    async fn find(&self, call: &Call<'_>, request: &BookRequest) -> Result<Option<Booked>, ConnectError> {
        let top = Top::new(call)?;
        let (cp_code, _) = map::carrier(&request.service, call.settings)?;
        let trade =
            request.orders.first().map_or_else(|| map::trade_id(&request.client_reference), |order| map::trade_id(&order.external_id));
        let list = json!([{ "biz_sub_code": trade, "object_id": "find" }]);
        let answer = match top.read("cainiao.waybill.ii.query.by.tradecode", &[("param_list", list.to_string())]).await {
            Err(ConnectError::Refused { code, .. }) if code.contains("not-exist") || code.contains("not-found") => return Ok(None),
            other => other?,
        };
        let found: Vec<wire::Found> = answer.get("modules")?;
        let mut illegible = 0;
        for result in found.iter().take(MOST_QUERIED * 10) {
            let Some(waybill) = result.waybill_cloud_print_response.0.as_ref().filter(|_| result.success != Some(false)) else { continue };
            let package = waybill.print_data.as_deref().and_then(map::package_id);
            let told = [result.object_id.as_deref(), waybill.object_id.as_deref(), package.as_deref()];
            if told.into_iter().flatten().any(|id| id.eq_ignore_ascii_case(&request.client_reference)) {
                let booked = map::booked(waybill, &cp_code);
                return booked.map(Some).ok_or_else(|| answer.unreadable(&Unread::missing("waybill_code or print_data")));
            }
            illegible += usize::from(package.is_none());
        }
        match illegible {
            0 => Ok(None),
            // The order has waybills whose parcel cannot be told: neither a yes nor a certain no.
            n => Err(ConnectError::Unsure(format!(
                "{n} waybill(s) of trade {trade} have encrypted print data: a person must see which parcel they are of"
            ))),
        }
    }

    async fn void(&self, call: &Call<'_>, carrier_code: &str, number: &str) -> Result<(), ConnectError> {
        let top = Top::new(call)?;
        let params = [("cp_code", carrier_code.to_owned()), ("waybill_code", number.to_owned())];
        match top.write("cainiao.waybill.ii.cancel", &params).await {
            Ok(answer) => match answer.whole::<wire::Cancelled>()?.cancel_result {
                Some(true) => Ok(()),
                Some(false) => gone(&top, carrier_code, number).await,
                None => Err(answer.unreadable(&Unread::missing("cancel_result"))),
            },
            Err(ConnectError::Refused { code, message }) if !words::is_cancelled_before(&message) => {
                Err(ConnectError::Refused { code, message })
            }
            Err(ConnectError::Refused { .. }) => Ok(()),
            Err(other) => Err(other),
        }
    }

    async fn track(
        &self,
        call: &Call<'_>,
        _carrier_code: &str,
        number: &str,
        order: Option<&ParcelOrder>,
    ) -> Result<Option<Vec<TrackingUpdate>>, ConnectError> {
        // Scans are told by trade, and only for trades of the platform's own market.
        let Some(order) = order.filter(|order| top::order_channel(&order.channel) != top::OTHER_CHANNEL) else {
            return Ok(None);
        };
        let top = Top::new(call)?;
        let answer = match top.read(top::TRACE_METHOD, &[("tid", order.external_id.clone())]).await {
            Ok(answer) => answer,
            Err(ConnectError::Refused { code, .. }) if code.contains("logistics-order-not-exist") => return Ok(Some(Vec::new())),
            Err(other) => return Err(other),
        };
        let trace: wire::Trace = answer.whole()?;
        // A trade in several parcels tells of one of them.
        if trace.out_sid.as_deref().is_some_and(|theirs| !theirs.trim().eq_ignore_ascii_case(number.trim())) {
            return Ok(Some(Vec::new()));
        }
        let scan = |step: wire::Step| {
            let text = step.status_desc.unwrap_or_default();
            let action = step.action.unwrap_or_default();
            Some(TrackingUpdate {
                at: step.status_time?,
                meaning: match words::SCANS.iter().find(|(word, _)| *word == action) {
                    Some((_, state)) => Observed::Known(*state),
                    None => Observed::Unknown(if action.is_empty() { text.clone() } else { action }),
                },
                place: text
                    .split_once('【')
                    .and_then(|(_, rest)| rest.split_once('】'))
                    .map(|(place, _)| place.to_owned())
                    .unwrap_or_default(),
                text,
            })
        };
        Ok(Some(trace.trace_list.into_iter().filter_map(scan).collect()))
    }

    /// A channel's token goes to it as it is; the label is printed in clear by its component.
    fn opens_tokens(&self) -> bool {
        true
    }

    fn services(&self) -> &'static [(&'static str, Label)] {
        words::CARRIERS
    }

    fn subscriptions(&self) -> Option<&dyn Subscriptions> {
        Some(self)
    }
}

/// After "no" to a cancellation: when the service no longer knows the number it is gone all the same.
async fn gone(top: &Top<'_>, carrier_code: &str, number: &str) -> Result<(), ConnectError> {
    let list = json!([{ "cp_code": carrier_code, "waybill_code": number, "object_id": "void" }]);
    let answer = top.read("cainiao.waybill.ii.query.by.waybillcode", &[("param_list", list.to_string())]).await?;
    let found: Vec<wire::Found> = answer.get("modules")?;
    match found.into_iter().find(|result| result.success != Some(false)) {
        None => Ok(()),
        Some(result) => Err(ConnectError::Refused {
            code: "cancel_result".into(),
            message: result.error_message.unwrap_or_else(|| "面单不能取消 / the waybill cannot be cancelled".into()),
        }),
    }
}

impl Connector {
    /// The template that the service wants named: the account's, or the carrier's standard one. An account that may not
    /// ask for templates books without; the service says so if it minds.
    async fn template(&self, top: &Top<'_>, cp_code: &str) -> Result<Option<String>, ConnectError> {
        if let Some(url) = top.call().settings.get("template_url") {
            return Ok(Some(url.to_owned()));
        }
        let key = (top.gateway().to_owned(), cp_code.to_owned());
        if let Some(url) = self.templates.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Some(url.clone()));
        }
        let carriers: Vec<wire::CarrierTemplates> = match top.read("cainiao.cloudprint.stdtemplates.get", &[]).await {
            Ok(answer) => answer.get::<Maybe<wire::Templates>>("result")?.0.map(|result| result.datas).unwrap_or_default(),
            Err(ConnectError::Refused { .. } | ConnectError::Drift(_)) => Vec::new(),
            Err(other) => return Err(other),
        };
        let brand = top.call().settings.get_or("brand_code", "default");
        let mut templates: Vec<wire::Template> = carriers
            .into_iter()
            .filter(|carrier| carrier.cp_code.as_deref() == Some(cp_code))
            .flat_map(|carrier| carrier.standard_templates)
            .collect();
        templates.sort_by_key(|template| template.brand_code.as_deref() != Some(brand));
        let url = templates.into_iter().find_map(|template| template.standard_template_url);
        if let Some(url) = &url {
            self.templates.lock().unwrap_or_else(PoisonError::into_inner).insert(key, url.clone());
        }
        Ok(url)
    }
}

#[async_trait::async_trait]
impl Subscriptions for Connector {
    async fn branches(&self, call: &Call<'_>, carrier_code: Option<&str>) -> Result<Vec<Subscription>, ConnectError> {
        let top = Top::new(call)?;
        let answer = top.read("cainiao.waybill.ii.search", &[("cp_code", carrier_code.unwrap_or_default().to_owned())]).await?;
        let carriers: Vec<wire::CarrierSubscription> = answer.get("waybill_apply_subscription_cols")?;
        let mut found = Vec::new();
        for carrier in carriers {
            let Some(code) = carrier.cp_code else { continue };
            // Carriers that bill by month (type 1) do not count numbers; what stands there means nothing.
            let counts = carrier.cp_type != Some(1);
            found.extend(carrier.branch_account_cols.into_iter().map(|branch| Subscription {
                carrier_code: code.clone(),
                branch_code: branch.branch_code.unwrap_or_default(),
                branch_name: branch.branch_name.unwrap_or_default(),
                balance: branch.quantity.filter(|_| counts),
                addresses: branch.shipp_address_cols.into_iter().map(place).collect(),
            }));
        }
        Ok(found)
    }
}

fn place(address: wire::Address) -> (Region, String) {
    let region = Region {
        country: "CN".into(),
        province: address.province.unwrap_or_default(),
        city: address.city.unwrap_or_default(),
        district: address.district.unwrap_or_default(),
        town: address.town.unwrap_or_default(),
        postal_code: String::new(),
    };
    (region, address.detail.unwrap_or_default())
}
