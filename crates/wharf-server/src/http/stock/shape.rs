//! Stock as the API shows and takes it.

use crate::http::dto::{ActorDto, Named, Time};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One level: a SKU in one warehouse in one condition.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LevelDto {
    /// Where.
    pub warehouse: Named,
    /// `good · defective`.
    pub condition: String,
    /// Physically there.
    pub on_hand: i64,
    /// Promised.
    pub reserved: i64,
    /// Never sold.
    pub safety: i64,
    /// Expected.
    pub inbound: i64,
    /// on_hand − reserved − safety.
    pub available: i64,
    /// Alert threshold.
    pub low_at: Option<i64>,
    /// Place in the warehouse.
    pub bin: String,
}

/// One SKU over all warehouses.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StockRow {
    /// SKU id.
    pub sku_id: String,
    /// Code.
    pub sku_code: String,
    /// Name.
    pub name: String,
    /// Picture.
    pub image_url: Option<String>,
    /// Levels.
    pub levels: Vec<LevelDto>,
    /// Sum of on hand, good.
    pub on_hand: i64,
    /// Sum of reserved, good.
    pub reserved: i64,
    /// Sum of available, good.
    pub available: i64,
    /// True when a level is at or below its threshold.
    pub low: bool,
}

/// One entry of the ledger.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MovementDto {
    /// Id.
    pub id: String,
    /// When.
    pub at: Time,
    /// SKU id.
    pub sku_id: String,
    /// SKU code.
    pub sku_code: String,
    /// Where.
    pub warehouse: Named,
    /// Condition.
    pub condition: String,
    /// Kind of movement.
    pub kind: String,
    /// Change of on hand.
    pub on_hand_delta: i64,
    /// Change of reserved.
    pub reserved_delta: i64,
    /// On hand afterwards.
    pub on_hand_after: i64,
    /// Reserved afterwards.
    pub reserved_after: i64,
    /// What caused it.
    pub cause_kind: String,
    /// Which one.
    pub cause_id: Option<String>,
    /// Who.
    pub actor: ActorDto,
    /// In words.
    pub note: String,
}

/// A reservation that holds stock now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReservationDto {
    /// The order.
    pub order_id: String,
    /// Its number.
    pub external_id: String,
    /// Where.
    pub warehouse: Named,
    /// SKU units.
    pub quantity: i64,
}

/// Sum of a kind of movement in one warehouse.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MovementSum {
    /// Where.
    pub warehouse: Named,
    /// Kind.
    pub kind: String,
    /// How many entries.
    pub count: i64,
    /// Their sum on on hand.
    pub on_hand: i64,
    /// Their sum on reserved.
    pub reserved: i64,
}

/// Why a number is what it is: on hand = Σ movements, reserved = Σ held reservations.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StockExplanation {
    /// The SKU.
    pub stock: StockRow,
    /// Sums of movements by warehouse and kind.
    pub sums: Vec<MovementSum>,
    /// Reservations that hold stock now.
    pub reservations: Vec<ReservationDto>,
    /// The newest movements.
    pub movements: Vec<MovementDto>,
}

/// A movement to make by hand.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMovement {
    /// Id or code of the SKU.
    pub sku: String,
    /// Id of the warehouse.
    pub warehouse_id: String,
    /// `good · defective`.
    #[serde(default = "good")]
    pub condition: String,
    /// `received · adjusted · counted · returned`.
    pub kind: String,
    /// Change of on hand; for `counted` the number that was counted.
    pub quantity: i64,
    /// Why. Needed for `adjusted`.
    #[serde(default)]
    pub note: String,
}

fn good() -> String {
    "good".to_owned()
}
