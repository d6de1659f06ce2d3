//! A column mapping: which column of a person's file is which of our fields, what is constant, how dates and numbers
//! are written, and what a minus sign or a prefix means. It is JSON; its schema is this module.

use super::cell::{DayMonth, DecimalStyle};
use super::error::FileError;
use super::header::Header;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wharf_domain::money::Currency;
use wharf_domain::order::ChannelStatus;

wharf_domain::words! {
    /// A field of an order or of a line that a column can fill.
    pub enum Field {
        /// The order's id: rows with the same one are one order.
        OrderId = "order_id",
        /// The line's own id.
        LineId = "line_id",
        /// When the buyer placed it.
        PlacedAt = "placed_at",
        /// When the buyer paid.
        PaidAt = "paid_at",
        /// When it was shipped.
        ShippedAt = "shipped_at",
        /// When it was closed.
        ClosedAt = "closed_at",
        /// When it was last changed.
        ModifiedAt = "modified_at",
        /// The promise to ship.
        ShipBy = "ship_by",
        /// The status word.
        Status = "status",
        /// ISO 4217 code.
        Currency = "currency",
        /// What the buyer pays for the whole order.
        Total = "total",
        /// Postage of the order.
        Shipping = "shipping",
        /// Tax on top.
        Tax = "tax",
        /// Discount of the whole order.
        Discount = "discount",
        /// Units.
        Quantity = "quantity",
        /// Price of a unit.
        UnitPrice = "unit_price",
        /// What the line costs after its discount.
        LineTotal = "line_total",
        /// Discount of the line.
        LineDiscount = "line_discount",
        /// The seller's code of the goods.
        SellerCode = "seller_code",
        /// The channel's item id.
        ItemId = "item_id",
        /// The channel's SKU id.
        SkuId = "sku_id",
        /// The title as sold.
        Title = "title",
        /// Colour, size and the like.
        Variant = "variant",
        /// Link to a picture.
        ImageUrl = "image_url",
        /// The channel's id of the buyer.
        BuyerId = "buyer_id",
        /// The name the buyer shows.
        BuyerNick = "buyer_nick",
        /// What the buyer wrote.
        BuyerNote = "buyer_note",
        /// What the seller wrote.
        SellerNote = "seller_note",
        /// Recipient.
        Recipient = "recipient",
        /// Phone of the recipient.
        Phone = "phone",
        /// Another phone, taken when the first is empty.
        Phone2 = "phone2",
        /// Country, as a code or a name.
        Country = "country",
        /// Province or state.
        Province = "province",
        /// City.
        City = "city",
        /// District.
        District = "district",
        /// Town or street office.
        Town = "town",
        /// Postal code.
        PostalCode = "postal_code",
        /// Street and house.
        Address = "address",
        /// More of the address.
        Address2 = "address2",
        /// Still more of it.
        Address3 = "address3",
        /// Province, city, district and street in one cell.
        FullAddress = "full_address",
        /// Who carried it.
        Carrier = "carrier",
        /// The waybill number.
        TrackingNumber = "tracking_number",
    }
}

/// Dates of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dates {
    /// strftime layout, such as `%d/%m/%Y %H:%M`; common layouts need none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// IANA zone of times that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Which comes first where the year comes last.
    pub order: DayMonth,
}

/// Numbers of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Numbers {
    /// Decimal point or decimal comma.
    pub decimal: DecimalStyle,
    /// True: an amount with more decimals than its currency is rounded per line, counted and reported. False: such a
    /// row is odd.
    pub round: bool,
}

/// What an order id or a sign says about the kind of document.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Signs {
    /// Order ids that begin so are cancellations (credit notes): their lines take back what their quantities say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cancellation_prefixes: Vec<String>,
    /// Order ids that begin so move money and no goods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub adjustment_prefixes: Vec<String>,
    /// True: a negative quantity in an order is a line taken back, or, without an amount, a stock adjustment. False:
    /// such a row is odd.
    pub negative_quantities: bool,
}

/// The whole mapping.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// What people call it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Our field → their column.
    pub columns: BTreeMap<Field, String>,
    /// Our field → a value for every row; used where the column is empty too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub constants: BTreeMap<Field, String>,
    /// Dates.
    #[serde(default)]
    pub dates: Dates,
    /// Numbers.
    #[serde(default)]
    pub numbers: Numbers,
    /// Signs and prefixes.
    #[serde(default)]
    pub signs: Signs,
    /// Their status words → our meanings (`to_ship`, `completed`, …).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub status_words: BTreeMap<String, ChannelStatus>,
    /// Their country words → ISO 3166 codes, beyond the names that are known anyway.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub country_words: BTreeMap<String, String>,
    /// True: an empty order id means the order of the row above, and order-level cells stand on its first row only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fill_down: bool,
    /// Order-level amounts (`shipping`, `tax`, `discount`, `total`) that are given in parts, one on each row, and summed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub summed: Vec<Field>,
    /// Order ids to leave out (test orders).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leave_out: Vec<String>,
}

impl Mapping {
    /// From JSON, with an error that says where it is wrong.
    pub fn from_json(json: &serde_json::Value) -> Result<Mapping, FileError> {
        let mapping = Mapping::deserialize(json).map_err(|e| FileError::Mapping(e.to_string()))?;
        mapping.check()?;
        Ok(mapping)
    }

    /// Contradictions that no file can mend.
    pub fn check(&self) -> Result<(), FileError> {
        let wrong = |why: String| Err(FileError::Mapping(why));
        if !self.columns.contains_key(&Field::OrderId) {
            return wrong("`columns.order_id` is missing: which column tells one order from another?".to_owned());
        }
        if !self.gives(Field::Title) && !self.gives(Field::SellerCode) && !self.gives(Field::ItemId) {
            return wrong("no column says what was sold: map `title`, `seller_code` or `item_id`".to_owned());
        }
        if let Some(zone) = &self.dates.zone
            && jiff::tz::TimeZone::get(zone).is_err()
        {
            return wrong(format!("`dates.zone` {zone:?} is no time zone"));
        }
        if let Some(code) = self.constants.get(&Field::Currency)
            && Currency::new(code).is_err()
        {
            return wrong(format!("`constants.currency` {code:?} is no ISO 4217 currency"));
        }
        for (word, code) in &self.country_words {
            if code.len() != 2 || !code.bytes().all(|b| b.is_ascii_uppercase()) {
                return wrong(format!("`country_words` gives {code:?} for {word:?}: two capital letters are wanted"));
            }
        }
        if let Some(field) = self.summed.iter().find(|f| !matches!(f, Field::Total | Field::Shipping | Field::Tax | Field::Discount)) {
            return wrong(format!("`summed` holds `{field}`, which is no amount of an order"));
        }
        let prefixes = self.signs.cancellation_prefixes.iter().chain(&self.signs.adjustment_prefixes);
        if prefixes.clone().any(String::is_empty) {
            return wrong("an empty prefix would fit every order".to_owned());
        }
        Ok(())
    }

    /// True when a column or a constant gives the field.
    pub fn gives(&self, field: Field) -> bool {
        self.columns.contains_key(&field) || self.constants.contains_key(&field)
    }

    /// True when the header has the order id and at least half of the mapped columns.
    pub(crate) fn fits(&self, header: &Header) -> bool {
        let there = self.columns.values().filter(|name| header.has(name)).count();
        self.columns.get(&Field::OrderId).is_some_and(|name| header.has(name)) && there * 2 >= self.columns.len()
    }
}
