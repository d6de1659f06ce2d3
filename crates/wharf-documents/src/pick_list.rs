//! The pick list: what to fetch from which bin, in walking order, and into which order's slot each piece goes.

/// One SKU that one order needs from one bin: what a fulfillment asks of the picker, before merging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickTask {
    /// The bin path (`A-03-2-15`); empty when the SKU has no bin.
    pub bin: String,
    /// The SKU's code.
    pub sku_code: String,
    /// The product's name.
    pub name: String,
    /// Colour, size and the like; may be empty.
    pub variant: String,
    /// A barcode of the SKU to check against; may be empty.
    pub barcode: String,
    /// Pieces.
    pub quantity: u32,
    /// The order as people refer to it.
    pub order_reference: String,
    /// The slot of the put wall or trolley; may be empty.
    pub slot: String,
}

/// One stop of the picker: a SKU in a bin, with everyone who waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickLine {
    /// The bin path; empty when the SKU has no bin.
    pub bin: String,
    /// The SKU's code.
    pub sku_code: String,
    /// The product's name.
    pub name: String,
    /// Colour, size and the like; may be empty.
    pub variant: String,
    /// A barcode of the SKU; may be empty.
    pub barcode: String,
    /// Pieces for all orders together.
    pub quantity: u64,
    /// Who gets how many: in order of slot, then reference.
    pub shares: Vec<PickShare>,
}

/// The pieces of one order in a pick line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickShare {
    /// The order as people refer to it.
    pub order_reference: String,
    /// The slot of the put wall or trolley; may be empty.
    pub slot: String,
    /// Pieces.
    pub quantity: u64,
}

/// One pick list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickListData {
    /// The number of the wave: printed as a barcode too when it is not empty.
    pub number: String,
    /// The warehouse.
    pub warehouse: String,
    /// Who picks; may be empty.
    pub picker: String,
    /// What the orders need, in any order: merged and sorted here.
    pub tasks: Vec<PickTask>,
}
