//! Who may do what: permissions, the built-in roles, and the scope (which shops and warehouses) that every query names.

use crate::id::{ShopId, WarehouseId};
use crate::word::Word;
use crate::words;
use serde::{Deserialize, Serialize};

words! {
    /// One thing a role may do. Endpoints name exactly one.
    pub enum Permission {
        /// See orders, masked.
        OrdersRead = "orders.read",
        /// Approve, hold, release, route, tag, note, edit, cancel.
        OrdersAct = "orders.act",
        /// Open name, phone and address; each opening is audited.
        PersonalOpen = "personal.open",
        /// Sealed originals of what channels sent.
        PayloadRead = "payload.read",
        /// See parcels, labels and their ledger.
        ShipmentsRead = "shipments.read",
        /// Book, print, void, pack, hand over.
        ShipmentsAct = "shipments.act",
        /// See stock.
        StockRead = "stock.read",
        /// Move, count and correct stock.
        StockWrite = "stock.write",
        /// See the catalogue.
        CatalogRead = "catalog.read",
        /// Change SKUs, bundles and links.
        CatalogWrite = "catalog.write",
        /// See shops and their health.
        ShopsRead = "shops.read",
        /// Connect, pause and change shops, carriers, warehouses and policies.
        ShopsManage = "shops.manage",
        /// See sales.
        SalesRead = "sales.read",
        /// See cost and profit.
        ProfitRead = "profit.read",
        /// Files in.
        Import = "import",
        /// Files out.
        Export = "export",
        /// People, roles and tokens.
        UsersManage = "users.manage",
        /// The audit log.
        AuditRead = "audit.read",
    }
}

words! {
    /// The roles that every installation has.
    pub enum BuiltInRole {
        /// Everything.
        Owner = "owner",
        /// Reviews orders.
        Auditor = "auditor",
        /// Talks to buyers.
        Service = "service",
        /// Picks, packs, ships, counts.
        Warehouse = "warehouse",
        /// Numbers.
        Finance = "finance",
    }
}

impl BuiltInRole {
    /// What the role may do.
    pub fn permissions(self) -> Vec<Permission> {
        use Permission as P;
        match self {
            BuiltInRole::Owner => P::ALL.to_vec(),
            BuiltInRole::Auditor => vec![
                P::OrdersRead,
                P::OrdersAct,
                P::PersonalOpen,
                P::ShipmentsRead,
                P::ShipmentsAct,
                P::StockRead,
                P::CatalogRead,
                P::CatalogWrite,
                P::ShopsRead,
                P::Export,
            ],
            BuiltInRole::Service => {
                vec![P::OrdersRead, P::OrdersAct, P::PersonalOpen, P::ShipmentsRead, P::StockRead, P::CatalogRead, P::ShopsRead]
            }
            BuiltInRole::Warehouse => vec![P::OrdersRead, P::ShipmentsRead, P::ShipmentsAct, P::StockRead, P::StockWrite, P::CatalogRead],
            BuiltInRole::Finance => {
                vec![P::OrdersRead, P::ShipmentsRead, P::StockRead, P::CatalogRead, P::ShopsRead, P::SalesRead, P::ProfitRead, P::Export]
            }
        }
    }
}

/// Which shops and warehouses a person works with; `None` = all. Every query that finds orders, parcels or stock names it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Scope {
    /// Shops, or all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shops: Option<Vec<ShopId>>,
    /// Warehouses, or all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warehouses: Option<Vec<WarehouseId>>,
}

impl Scope {
    /// Everything.
    pub const ALL: Scope = Scope { shops: None, warehouses: None };

    /// May this person see the shop?
    pub fn shop(&self, id: ShopId) -> bool {
        self.shops.as_ref().is_none_or(|shops| shops.contains(&id))
    }
    /// May this person see the warehouse?
    pub fn warehouse(&self, id: WarehouseId) -> bool {
        self.warehouses.as_ref().is_none_or(|places| places.contains(&id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_and_people_stay_with_those_who_need_them() {
        for role in [BuiltInRole::Auditor, BuiltInRole::Service, BuiltInRole::Warehouse] {
            assert!(!role.permissions().contains(&Permission::ProfitRead), "{role}");
            assert!(!role.permissions().contains(&Permission::UsersManage), "{role}");
        }
        assert!(!BuiltInRole::Finance.permissions().contains(&Permission::PersonalOpen));
        assert_eq!(BuiltInRole::Owner.permissions().len(), Permission::ALL.len());
    }

    #[test]
    fn a_scope_names_what_may_be_seen() {
        let scope = Scope { shops: Some(vec![ShopId(1)]), warehouses: None };
        assert!(scope.shop(ShopId(1)) && !scope.shop(ShopId(2)) && scope.warehouse(WarehouseId(9)));
    }
}
