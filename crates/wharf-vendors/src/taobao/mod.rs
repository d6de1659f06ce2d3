//! A marketplace over TOP: trades in windows paged from the back, notes, shipping confirmations, tokens for recipients.
//! This file sequences calls; `map.rs` reads trades, `words.rs` knows the platform's words, `ship.rs` the ways to confirm.

mod cancel;
mod manifest;
mod map;
mod promise;
mod pull;
mod sandbox;
mod sandbox_more;
mod sandbox_ship;
#[cfg(test)]
mod sandbox_tests;
mod sandbox_trade;
mod ship;
mod wire;
mod words;

#[cfg(test)]
mod tests;

use crate::top::Top;
use crate::top::wire::{Maybe, Unread};
use serde_json::json;
use wharf_connect::channel::{CancelOrders, GroupRecipients, OpenPersonalData, ShopIdentity, WindowRules, WriteNotes};
use wharf_connect::{Call, Channel, Confirmed, ConnectError, Count, Held, Manifest, OrderPage, PullWindow, ShipmentConfirmation, Vendor};
use wharf_domain::address::PersonalData;
use wharf_domain::order::channel::ChannelOrder;
use wharf_domain::time::{DAY, MINUTE};

/// The vendor of this folder.
pub struct Connector;

/// Its one instance.
pub static VENDOR: Connector = Connector;

impl Vendor for Connector {
    fn manifest(&self) -> &'static Manifest {
        &manifest::MANIFEST
    }
    fn channel(&self) -> Option<&dyn Channel> {
        Some(self)
    }
    fn sandbox(&self) -> Option<&dyn wharf_connect::Sandbox> {
        Some(&sandbox::SANDBOX)
    }
}

#[async_trait::async_trait]
impl Channel for Connector {
    async fn pull_orders(&self, call: &Call<'_>, window: &PullWindow, held: &dyn Held) -> Result<OrderPage, ConnectError> {
        pull::page(&Top::new(call)?, window, held).await
    }

    async fn get_order(&self, call: &Call<'_>, external_id: &str) -> Result<ChannelOrder, ConnectError> {
        pull::order(&Top::new(call)?, external_id).await
    }

    async fn count_orders(&self, call: &Call<'_>, window: &PullWindow) -> Result<Count, ConnectError> {
        Ok(Count { theirs: pull::count(&Top::new(call)?, window).await? })
    }

    async fn confirm_shipment(&self, call: &Call<'_>, shipment: &ShipmentConfirmation) -> Result<Confirmed, ConnectError> {
        ship::confirm(&Top::new(call)?, shipment).await
    }

    async fn identify(&self, call: &Call<'_>) -> Result<ShopIdentity, ConnectError> {
        let top = Top::new(call)?;
        let answer = top.read("taobao.user.seller.get", &[("fields", "user_id,nick".into())]).await;
        match answer {
            Ok(answer) => {
                let user: wire::User = match answer.get::<Maybe<wire::User>>("user")?.0 {
                    Some(user) => user,
                    None => answer.whole()?,
                };
                let name = user.nick.ok_or_else(|| answer.unreadable(&Unread::missing("user.nick")))?;
                Ok(ShopIdentity { external_id: user.user_id.unwrap_or_else(|| name.clone()), name })
            }
            // The application may lack the package of that call, or a relay may not pass it. What this is about, the
            // session, is proven just as well by a list of trades; they name their seller.
            Err(ConnectError::Refused { .. } | ConnectError::Drift(_)) => {
                let params = [
                    ("fields", "tid,seller_nick".to_owned()),
                    ("page_no", "1".into()),
                    ("page_size", "1".into()),
                    ("use_has_next", "true".into()),
                ];
                let answer = top.read("taobao.trades.sold.get", &params).await?;
                let trades: Vec<wire::Trade> = answer.get("trades")?;
                let name = trades.into_iter().find_map(|trade| trade.seller_nick).unwrap_or_default();
                Ok(ShopIdentity { external_id: name.clone(), name })
            }
            Err(other) => Err(other),
        }
    }

    fn window_rules(&self) -> WindowRules {
        WindowRules { longest: pull::LONGEST, overlap: 3 * MINUTE, lag: MINUTE, history: 89 * DAY }
    }

    fn notes(&self) -> Option<&dyn WriteNotes> {
        Some(self)
    }
    fn privacy(&self) -> Option<&dyn OpenPersonalData> {
        Some(self)
    }
    fn cancel(&self) -> Option<&dyn CancelOrders> {
        Some(self)
    }
    fn grouping(&self) -> Option<&dyn GroupRecipients> {
        Some(self)
    }
}

#[async_trait::async_trait]
impl WriteNotes for Connector {
    async fn write_note(&self, call: &Call<'_>, external_id: &str, note: &str, flag: Option<i64>) -> Result<(), ConnectError> {
        let top = Top::new(call)?;
        // A request without a flag sets it to grey: the one that stands is sent again.
        let flag = match flag {
            Some(flag) => flag,
            None => pull::trade(&top, external_id, "tid,seller_flag").await?.seller_flag.unwrap_or(0),
        };
        let mut params = vec![("tid", external_id.to_owned()), ("flag", flag.to_string())];
        // An empty note leaves the stored one standing; only a reset wipes it.
        match note.trim().is_empty() {
            true => params.push(("reset", "true".into())),
            false => params.extend([("memo", note.to_owned()), ("reset", "false".into())]),
        }
        top.write("taobao.trade.memo.update", &params).await.map(|_| ())
    }
}

#[async_trait::async_trait]
impl OpenPersonalData for Connector {
    async fn open(&self, call: &Call<'_>, external_id: &str, token: &str) -> Result<PersonalData, ConnectError> {
        let top = Top::new(call)?;
        let receiver = decrypt(&top, external_id, token).await?;
        if receiver.matched != Some(false) {
            return clear(receiver);
        }
        // The token is out of date; the trade has the new one.
        let fresh = pull::order(&top, external_id).await?.recipient.and_then(|recipient| recipient.token);
        match fresh {
            Some(fresh) if fresh != token => clear(decrypt(&top, external_id, &fresh).await?),
            _ => clear(receiver),
        }
    }
}

async fn decrypt(top: &Top<'_>, tid: &str, oaid: &str) -> Result<wire::Receiver, ConnectError> {
    let scene = top.call().settings.get_or("oaid_scene", "1006").to_owned();
    let query = json!([{ "oaid": oaid, "tid": tid, "scene": scene }]).to_string();
    let answer = top.read("taobao.top.oaid.decrypt", &[("query_list", query)]).await?;
    let receivers: Vec<wire::Receiver> = answer.get("receiver_list")?;
    let alone = receivers.len() == 1;
    let found = receivers.into_iter().find(|receiver| receiver.tid.as_deref() == Some(tid) || (alone && receiver.tid.is_none()));
    found.ok_or_else(|| answer.unreadable(&Unread::missing("receiver")))
}

fn clear(receiver: wire::Receiver) -> Result<PersonalData, ConnectError> {
    if let Some(rule) = receiver.desensitize_rule {
        return Err(ConnectError::Refused {
            code: rule,
            message: "平台不允许解密此订单的收件人 / the platform does not open this recipient".into(),
        });
    }
    if receiver.matched == Some(false) {
        return Err(ConnectError::Refused {
            code: "oaid_not_matched".into(),
            message: "收件人标识已失效 / the recipient's token is out of date".into(),
        });
    }
    let Some(name) = receiver.name else {
        return Err(ConnectError::Drift("in the answer, receiver.name is missing".into()));
    };
    Ok(PersonalData {
        name,
        phone: receiver.mobile.or(receiver.phone).unwrap_or_default(),
        address: receiver.address_detail.unwrap_or_default(),
    })
}

#[async_trait::async_trait]
impl GroupRecipients for Connector {
    /// Groups within each hundred, which is what one call takes.
    async fn group(&self, call: &Call<'_>, orders: &[(String, String)]) -> Result<Vec<Vec<String>>, ConnectError> {
        let top = Top::new(call)?;
        let mut groups = Vec::new();
        for hundred in orders.chunks(100) {
            let list: Vec<_> = hundred.iter().map(|(tid, oaid)| json!({ "oaid": oaid, "tid": tid })).collect();
            let answer = top.read("taobao.top.oaid.merge", &[("merge_list", serde_json::Value::Array(list).to_string())]).await?;
            let texts: Vec<String> = answer.get("tid_list")?;
            groups.extend(
                texts.iter().map(|text| text.split(',').map(|tid| tid.trim().to_owned()).filter(|tid| !tid.is_empty()).collect::<Vec<_>>()),
            );
        }
        groups.retain(|group| !group.is_empty());
        Ok(groups)
    }
}
