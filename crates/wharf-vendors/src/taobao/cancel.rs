//! Closing trades from the seller's side. The platform lets a seller close what is not paid, for one of seven reasons; what
//! is paid ends by the buyer's refund, which is another road.

use super::wire::Trade;
use super::{Connector, pull, words};
use crate::top::Top;
use wharf_connect::channel::{CancelOrders, CancelTerms};
use wharf_connect::{Call, Confirmed, ConnectError};
use wharf_domain::cancellation::CancelReason;
use wharf_domain::order::ChannelStatus;
use wharf_domain::word::Observed;

const TERMS: CancelTerms = CancelTerms {
    reasons: &[
        CancelReason::NotPaid,
        CancelReason::BuyerAsked,
        CancelReason::WrongDetails,
        CancelReason::Malicious,
        CancelReason::OutOfStock,
        CancelReason::WrongItem,
        CancelReason::MetInPerson,
    ],
    paid: false,
};

/// The platform's own texts.
fn word(reason: CancelReason) -> Option<&'static str> {
    Some(match reason {
        CancelReason::NotPaid => "未及时付款",
        CancelReason::BuyerAsked => "买家不想买了",
        CancelReason::WrongDetails => "买家信息填写错误，重新拍",
        CancelReason::Malicious => "恶意买家/同行捣乱",
        CancelReason::OutOfStock => "缺货",
        CancelReason::WrongItem => "买家拍错了",
        CancelReason::MetInPerson => "同城见面交易",
        CancelReason::Duplicate
        | CancelReason::WrongPrice
        | CancelReason::Quality
        | CancelReason::AddressUnreachable
        | CancelReason::TooSlow
        | CancelReason::Other => return None,
    })
}

#[async_trait::async_trait]
impl CancelOrders for Connector {
    fn terms(&self) -> &'static CancelTerms {
        &TERMS
    }

    async fn cancel(&self, call: &Call<'_>, external_id: &str, reason: CancelReason) -> Result<Confirmed, ConnectError> {
        let Some(word) = word(reason) else {
            return Err(ConnectError::Refused {
                code: "close_reason".into(),
                message: format!("平台没有这个关闭原因 / the platform has no word for the reason {reason}"),
            });
        };
        let top = Top::new(call)?;
        let closed = top.write("taobao.trade.close", &[("tid", external_id.to_owned()), ("close_reason", word.to_owned())]).await;
        match closed {
            Ok(answer) => Ok(Confirmed::Accepted { receipt: answer.request_id() }),
            // Within seconds of its creation a trade is not closed yet: later it is.
            Err(ConnectError::Refused { code, message }) if code.contains("CLOSE_TRADE_TOO_FAST") => {
                Err(ConnectError::Transient(format!("{message} [{code}]")))
            }
            // A refusal may mean that it is closed already: the trade says so.
            Err(ConnectError::Refused { code, message }) => {
                let trade: Trade = pull::trade(&top, external_id, "tid,tid_str,status").await?;
                let status = trade.status.as_deref().map(|text| words::observe(words::STATUS, text));
                match status {
                    Some(Observed::Known(ChannelStatus::Cancelled)) => Ok(Confirmed::Already),
                    _ => Err(ConnectError::Refused { code, message }),
                }
            }
            Err(other) => Err(other),
        }
    }
}
