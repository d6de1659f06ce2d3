//! What reading gives: orders in neutral words with what their file could and could not say, and rows that could not
//! be read, whole, with the cause.

use serde::{Deserialize, Serialize};
use wharf_domain::order::ChannelStatus;
use wharf_domain::order::channel::ChannelOrder;
use wharf_domain::word::Observed;

wharf_domain::words! {
    /// What kind of document a group of rows is.
    pub enum Document {
        /// An order.
        Order = "order",
        /// A cancellation (credit note): it takes back.
        Cancellation = "cancellation",
        /// Money moved without goods.
        Adjustment = "adjustment",
    }
}

/// What the file could say about an order. What it could not is taken from another file that can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Knows {
    /// The lines themselves, and not only a sum of them.
    pub lines: bool,
    /// Prices of the lines.
    pub prices: bool,
    /// What each line costs after discounts.
    pub line_totals: bool,
    /// What the order costs.
    pub money: bool,
    /// When it was placed.
    pub placed: bool,
    /// A status word.
    pub status: bool,
    /// Notes of buyer and seller.
    pub notes: bool,
    /// The seller's own modification time, and not one made from what is known.
    pub modified: bool,
}

impl Knows {
    /// What either of two files could say.
    pub fn or(self, other: Knows) -> Knows {
        Knows {
            lines: self.lines || other.lines,
            prices: self.prices || other.prices,
            line_totals: self.line_totals || other.line_totals,
            money: self.money || other.money,
            placed: self.placed || other.placed,
            status: self.status || other.status,
            notes: self.notes || other.notes,
            modified: self.modified || other.modified,
        }
    }
}

/// What one line adds to the order's own amounts, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// Postage and wrapping.
    pub shipping: i64,
    /// Tax on top.
    pub tax: i64,
    /// Tax inside the line's total.
    pub tax_included: i64,
    /// What is taken off the postage.
    pub discount: i64,
}

/// One order as read.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadOrder {
    /// In neutral words.
    pub order: ChannelOrder,
    /// What kind of document it is.
    pub document: Document,
    /// What the file could say.
    pub knows: Knows,
    /// Tax that is inside the lines' totals, in minor units.
    pub tax_included_minor: i64,
    /// Lines whose amount had to be rounded to the minor unit.
    pub rounded_lines: i64,
    /// What each line adds to the order's own amounts, where the file tells them by line; else empty.
    #[serde(skip)]
    pub shares: Vec<Share>,
    /// File and row numbers it came from.
    #[serde(skip)]
    pub rows: Vec<(usize, u64)>,
    /// The cells it came from, by column name, for the record.
    pub cells: Vec<Vec<(String, String)>>,
}

impl ReadOrder {
    /// The payload for the record: the same order from another file gives the same bytes.
    pub fn payload(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The order of a payload.
    pub fn from_payload(bytes: &[u8]) -> Option<ReadOrder> {
        serde_json::from_slice(bytes).ok()
    }

    /// True when two readings say the same, wherever they stood.
    pub fn same(&self, other: &ReadOrder) -> bool {
        self.order == other.order && self.document == other.document
    }

    /// True when nothing is left to do: history, unless a person says otherwise.
    pub fn is_closed(&self) -> bool {
        matches!(
            self.order.status,
            Observed::Known(ChannelStatus::Shipped | ChannelStatus::Delivered | ChannelStatus::Completed | ChannelStatus::Cancelled)
        )
    }
}

/// Why a row could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// A stable word.
    pub code: String,
    /// The column, where one is to blame.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub column: Option<String>,
    /// What exactly.
    pub detail: String,
}

impl Cause {
    /// A cause with a column and a detail.
    pub fn new(code: &str, column: Option<&str>, detail: impl Into<String>) -> Cause {
        Cause { code: code.to_owned(), column: column.map(str::to_owned), detail: detail.into() }
    }

    /// One line in both languages, for the file of odd rows.
    pub fn text(&self) -> String {
        let zh = match self.code.as_str() {
            "no_order_id" => "没有订单号",
            "bad_order_id" => "订单号无法使用",
            "bad_time" => "时间无法识别",
            "no_time" => "没有时间",
            "bad_amount" => "金额无法识别",
            "bad_quantity" => "数量无法识别",
            "no_quantity" => "没有数量",
            "negative_quantity" => "数量为负",
            "no_currency" => "没有币种",
            "bad_currency" => "币种无法识别",
            "too_many_cells" => "单元格多于表头列数",
            "cut_off" => "文件在此行中断",
            "same_order" => "同一订单的另一行无法读取",
            "contradiction" => "同一订单的各行互相矛盾",
            "no_goods" => "没有商品",
            "left_out" => "按映射排除",
            _ => "无法读取",
        };
        match &self.column {
            Some(column) => format!("{zh}（{column}）: {}", self.detail),
            None => format!("{zh}: {}", self.detail),
        }
    }
}

/// A row that could not be read: given back whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OddRow {
    /// Which file, by its place in the list.
    pub file: usize,
    /// The row in it, from 1.
    pub row: u64,
    /// Its cells, verbatim.
    pub cells: Vec<String>,
    /// Why.
    pub cause: Cause,
}
