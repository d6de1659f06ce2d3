//! Every marketplace and carrier, one folder each. Adding one is a folder and one word in `vendors!`.

use wharf_connect::Vendor;

pub mod top;

macro_rules! vendors {
    ($($name:ident),+ $(,)?) => {
        $(pub mod $name;)+
        /// All vendors of this build.
        pub fn all() -> Vec<&'static dyn Vendor> { vec![$(&$name::VENDOR),+] }
    };
}

vendors! { taobao, cainiao, own, file }

/// The vendor of a manifest id.
pub fn find(id: &str) -> Option<&'static dyn Vendor> {
    all().into_iter().find(|v| v.manifest().id == id)
}
