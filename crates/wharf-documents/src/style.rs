//! The one place for page geometry and type: all documents look like one family because they share these numbers.
//! Lengths are PDF points; `MM` converts.

/// Points in a millimetre.
pub(crate) const MM: f32 = 72.0 / 25.4;

/// Width of a label.
pub(crate) const LABEL_WIDTH: f32 = 100.0 * MM;
/// Height of a label.
pub(crate) const LABEL_HEIGHT: f32 = 150.0 * MM;
/// What thermal printers cannot reach at the edge of a label, with a little air.
pub(crate) const LABEL_MARGIN: f32 = 3.0 * MM;

/// Width of a sheet of A4.
pub(crate) const A4_WIDTH: f32 = 210.0 * MM;
/// Height of a sheet of A4.
pub(crate) const A4_HEIGHT: f32 = 297.0 * MM;
/// Margin of a sheet of A4: room for a punch and for every office printer.
pub(crate) const A4_MARGIN: f32 = 14.0 * MM;
/// The footer's band at the foot of an A4 page.
pub(crate) const A4_FOOTER: f32 = 9.0 * MM;

/// The title of a sheet.
pub(crate) const TITLE: f32 = 18.0;
/// Words that stand out in a sheet.
pub(crate) const STRONG: f32 = 11.0;
/// Running text of a sheet.
pub(crate) const BODY: f32 = 9.5;
/// Captions, footers, secondary text.
pub(crate) const SMALL: f32 = 7.5;
/// The smallest type that paper still carries: long texts shrink to it and no further.
pub(crate) const SMALLEST: f32 = 5.5;

/// Distance of two baselines, in sizes.
pub(crate) const LEADING: f32 = 1.28;
/// A hairline.
pub(crate) const HAIR: f32 = 0.4;
/// A rule that divides.
pub(crate) const RULE: f32 = 0.9;
/// Padding inside a table cell.
pub(crate) const CELL: f32 = 1.3 * MM;

/// One dot of a 203 dpi thermal head: the grain to which bar widths are fitted.
pub(crate) const DOT: f32 = 0.125 * MM;
