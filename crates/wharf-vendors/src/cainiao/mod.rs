//! Cainiao.

mod sandbox;

use wharf_connect::{Label, Manifest, Vendor};

/// The vendor of this folder.
pub struct Connector;

/// Its one instance.
pub static VENDOR: Connector = Connector;

static MANIFEST: Manifest = Manifest {
    id: "cainiao",
    name: Label { en: "Cainiao", zh: "菜鸟" },
    credentials: &[],
    settings: &[],
    hosts: &[],
    pace: wharf_connect::manifest::Pace { per_minute: 600, burst: 10 },
    secret_headers: &[],
    logo_svg: "",
    zone: "Asia/Shanghai",
    currency: "CNY",
    docs_url: "",
    splits_orders: false,
};

impl Vendor for Connector {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
    fn sandbox(&self) -> Option<&dyn wharf_connect::Sandbox> {
        Some(&sandbox::SANDBOX)
    }
}
