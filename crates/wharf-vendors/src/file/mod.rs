//! Files of other tools: bytes in, neutral orders and odd rows out, with nothing lost in silence. Layouts are told by
//! their columns and never by a file's name; what is no known layout is read by a mapping. No store, no clock, no
//! network here: flows decide what an import does.

mod amazon;
mod cell;
mod country;
mod currency;
mod delimited;
mod division;
mod encoding;
mod error;
mod header;
mod input;
mod layouts;
mod mapped;
mod mapping;
mod plan;
mod propose;
mod read;
mod sheet;
mod table;
mod taobao;
#[cfg(test)]
mod tests;

pub use error::FileError;
pub use cell::{DayMonth, DecimalStyle};
pub use mapping::{Dates, Field, Mapping, Numbers, Signs};

use wharf_connect::{Label, Manifest, Vendor};

/// The vendor of this folder.
pub struct Connector;

/// Its one instance.
pub static VENDOR: Connector = Connector;

static MANIFEST: Manifest = Manifest {
    id: "file",
    name: Label { en: "File", zh: "文件导入" },
    credentials: &[],
    settings: &[],
    hosts: &[],
    pace: wharf_connect::manifest::Pace { per_minute: 600, burst: 10 },
    secret_headers: &[],
    logo_svg: include_str!("logo.svg"),
    zone: "Asia/Shanghai",
    currency: "CNY",
    docs_url: "",
    splits_orders: false,
    splits_lines: false,
    keep_personal_days: None,
};

impl Vendor for Connector {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
    fn files(&self) -> Option<&dyn wharf_connect::files::ReadFiles> {
        Some(self)
    }
}
