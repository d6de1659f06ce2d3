//! A connector that has its pages at hand: it reads them as any connector reads an answer, byte by byte, and hands out
//! orders with their payloads.

use async_trait::async_trait;
use wharf_connect::channel::{Channel, Confirmed, Count, OrderPage, PullWindow, ShipmentConfirmation, ShopIdentity, WindowRules};
use wharf_connect::{Call, ConnectError, Held};
use wharf_domain::order::channel::ChannelOrder;
use wharf_domain::time::{DAY, HOUR, MINUTE};

/// Answers of a marketplace: a page each, an order a line.
pub struct Pages(Vec<Vec<u8>>);

impl Pages {
    /// Writes orders as a marketplace would send them.
    pub fn of(pages: &[Vec<ChannelOrder>]) -> Pages {
        let page = |orders: &Vec<ChannelOrder>| orders.iter().map(|order| order.raw.as_slice()).collect::<Vec<_>>().join(&b'\n');
        Pages(pages.iter().map(page).collect())
    }
}

fn refused<T>() -> Result<T, ConnectError> {
    Err(ConnectError::Refused { code: "measuring".to_owned(), message: "this connector only gives pages".to_owned() })
}

#[async_trait]
impl Channel for Pages {
    async fn pull_orders(&self, _: &Call<'_>, window: &PullWindow, _: &dyn Held) -> Result<OrderPage, ConnectError> {
        let number: usize = window.page.as_deref().map_or(Ok(0), str::parse).map_err(|_| ConnectError::Drift("page".to_owned()))?;
        let body = self.0.get(number).map(Vec::as_slice).unwrap_or_default();
        let orders = body
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| {
                let mut order: ChannelOrder = serde_json::from_slice(line).map_err(|error| ConnectError::Drift(error.to_string()))?;
                order.raw = line.to_vec();
                Ok(order)
            })
            .collect::<Result<_, ConnectError>>()?;
        Ok(OrderPage { orders, unreadable: Vec::new(), next: (number + 1 < self.0.len()).then(|| (number + 1).to_string()) })
    }

    async fn get_order(&self, _: &Call<'_>, _: &str) -> Result<ChannelOrder, ConnectError> {
        refused()
    }

    async fn count_orders(&self, _: &Call<'_>, _: &PullWindow) -> Result<Count, ConnectError> {
        refused()
    }

    async fn confirm_shipment(&self, _: &Call<'_>, _: &ShipmentConfirmation) -> Result<Confirmed, ConnectError> {
        refused()
    }

    async fn identify(&self, _: &Call<'_>) -> Result<ShopIdentity, ConnectError> {
        refused()
    }

    fn window_rules(&self) -> WindowRules {
        WindowRules { longest: DAY, overlap: MINUTE, lag: MINUTE, history: 90 * DAY + HOUR }
    }
}
