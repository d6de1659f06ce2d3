//! The personal side of orders: sealing, prints, blind indexes, the buyer's identity, the blacklist.
//!
//! A masked name or phone is shown and never an identity. A channel's token for a recipient is one: equality of tokens
//! proves the same recipient; inequality proves nothing.

use crate::{Keys, StoreError, Tx, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use wharf_domain::address::{Recipient, Region, mask_name, mask_phone, normal_phone};
use wharf_domain::id::OrderId;
use wharf_domain::order::channel::ChannelBuyer;
use wharf_domain::time::Timestamp;

/// A recipient, ready for its row: sealed, masked, and found by blind indexes.
#[derive(Clone)]
pub struct SealedRecipient {
    /// Where, in clear.
    pub region: Region,
    /// Who and where exactly, sealed JSON of the personal data.
    pub sealed: Option<Vec<u8>>,
    /// Shown in lists.
    pub masked_name: String,
    /// Shown in lists.
    pub masked_phone: String,
    /// The channel's token.
    pub token: Option<String>,
    /// The channel gives it masked.
    pub channel_masked: bool,
    /// Equal prints are one recipient; empty proves nothing.
    pub print: String,
    /// Blind index entries: (kind, hash).
    pub search: Vec<(&'static str, String)>,
}

/// Keyed hash of a recipient as the channel tells it, without the token: a difference is a change of the text.
pub fn channel_print(keys: &Keys, recipient: Option<&Recipient>) -> String {
    recipient.map_or_else(String::new, |r| keys.blind("channel_recipient", &whole(r)))
}

fn whole(r: &Recipient) -> String {
    let g = &r.region;
    let p = &r.personal;
    [&g.country, &g.province, &g.city, &g.district, &g.town, &g.postal_code, &p.name, &p.phone, &p.address]
        .map(|part| part.trim())
        .join("\n")
}

/// The print by which orders may share a parcel.
pub fn wanted_print(keys: &Keys, recipient: &Recipient) -> String {
    match &recipient.token {
        Some(token) => keys.blind("recipient_token", token),
        None if recipient.masked || recipient.personal == Default::default() => String::new(),
        None => {
            let mut clear = recipient.clone();
            clear.personal.phone = normal_phone(&clear.personal.phone);
            keys.blind("recipient", &whole(&clear))
        }
    }
}

/// Seals a recipient and makes its masks, print and blind indexes. A masked phone still shows its last four digits, by
/// which people search.
pub fn seal_recipient(keys: &Keys, recipient: Option<&Recipient>) -> SealedRecipient {
    let Some(r) = recipient else {
        return SealedRecipient {
            region: Region::default(),
            sealed: None,
            masked_name: String::new(),
            masked_phone: String::new(),
            token: None,
            channel_masked: false,
            print: String::new(),
            search: Vec::new(),
        };
    };
    let mut search = Vec::with_capacity(3);
    let phone = normal_phone(&r.personal.phone);
    let visible: String = r.personal.phone.trim().chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect();
    if r.masked {
        if visible.len() == 4 && visible.bytes().all(|b| b.is_ascii_digit()) {
            search.push(("phone_tail", keys.blind("phone_tail", &visible)));
        }
    } else {
        if phone.len() >= 4 {
            search.push(("phone", keys.blind("phone", &phone)));
            search.push(("phone_tail", keys.blind("phone_tail", &phone[phone.len() - 4..])));
        }
        let name = normal_name(&r.personal.name);
        if !name.is_empty() {
            search.push(("name", keys.blind("name", &name)));
        }
    }
    let keep = |mask: fn(&str) -> String, text: &str| if r.masked { text.trim().to_owned() } else { mask(text) };
    SealedRecipient {
        region: r.region.clone(),
        sealed: Some(keys.seal_json(&r.personal)),
        masked_name: keep(mask_name, &r.personal.name),
        masked_phone: keep(mask_phone, &r.personal.phone),
        token: r.token.clone(),
        channel_masked: r.masked,
        print: wanted_print(keys, r),
        search,
    }
}

/// The form of a name that is hashed: no blanks, one case.
pub fn normal_name(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase()
}

/// The buyer's identity: the channel's stable id within its vendor, else a clear phone; a masked one never. Empty when
/// nothing proves who it is.
pub fn buyer_key(keys: &Keys, vendor: &str, buyer: &ChannelBuyer, recipient: Option<&Recipient>) -> String {
    if let Some(id) = buyer.external_id.as_deref().map(str::trim).filter(|id| !id.is_empty()) {
        return keys.blind("buyer", &format!("{vendor}\n{id}"));
    }
    match recipient {
        Some(r) if !r.masked => {
            let phone = normal_phone(&r.personal.phone);
            if phone.len() >= 7 { keys.blind("buyer_phone", &phone) } else { String::new() }
        }
        _ => String::new(),
    }
}

/// Opens recipients. Whoever calls this for a person's eyes writes the audit log.
pub fn open_recipients(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<HashMap<OrderId, Recipient>, StoreError> {
    let ids: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let rows = tx.query_in(
        "SELECT id, country, province, city, district, town, postal_code, recipient_sealed, recipient_token, recipient_channel_masked \
         FROM orders WHERE recipient_sealed IS NOT NULL AND id IN ({ids})",
        &ids,
        &[],
    )?;
    let mut opened = HashMap::with_capacity(rows.len());
    for row in &rows {
        let personal = tx.keys().open_json(&row.blob(7)?).map_err(|_| row.inconsistent(7))?;
        let region = Region {
            country: row.text(1)?,
            province: row.text(2)?,
            city: row.text(3)?,
            district: row.text(4)?,
            town: row.text(5)?,
            postal_code: row.text(6)?,
        };
        opened.insert(row.id(0)?, Recipient { region, personal, token: row.opt_text(8)?, masked: row.bool(9)? });
    }
    Ok(opened)
}

/// A new recipient of an order.
pub struct NewRecipient {
    /// The order.
    pub id: OrderId,
    /// Sealed and masked.
    pub recipient: SealedRecipient,
    /// What the channel told, when it is the channel's.
    pub channel_print: Option<String>,
    /// A person wrote it.
    pub edited: bool,
}

/// Replaces recipients and their blind indexes.
pub fn replace_recipients(tx: &mut Tx<'_>, new: &[NewRecipient]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = new
        .iter()
        .map(|n| {
            let r = &n.recipient;
            let g = &r.region;
            vec![
                n.id.into(),
                (&g.country).into(),
                (&g.province).into(),
                (&g.city).into(),
                (&g.district).into(),
                (&g.town).into(),
                (&g.postal_code).into(),
                r.sealed.clone().into(),
                (&r.masked_name).into(),
                (&r.masked_phone).into(),
                r.token.clone().into(),
                r.channel_masked.into(),
                (&r.print).into(),
                n.channel_print.clone().into(),
                n.edited.into(),
            ]
        })
        .collect();
    let now = tx.now();
    tx.execute_rows(
        "UPDATE orders SET country = v.column2, province = v.column3, city = v.column4, district = v.column5, town = v.column6, postal_code = v.column7, \
         recipient_sealed = v.column8, recipient_masked_name = v.column9, recipient_masked_phone = v.column10, recipient_token = v.column11, \
         recipient_channel_masked = v.column12, recipient_print = v.column13, channel_print = COALESCE(v.column14, orders.channel_print), \
         recipient_edited = v.column15, updated_at = $1, version = version + 1 FROM {rows} AS v WHERE orders.id = v.column1",
        &rows,
        &[now.into()],
    )?;
    let ids: Vec<Value> = new.iter().map(|n| n.id.into()).collect();
    tx.execute_in("DELETE FROM order_search WHERE kind IN ('phone', 'phone_tail', 'name') AND order_id IN ({ids})", &ids, &[])?;
    let entries: Vec<(OrderId, &'static str, String)> =
        new.iter().flat_map(|n| n.recipient.search.iter().map(move |(kind, hash)| (n.id, *kind, hash.clone()))).collect();
    index(tx, &entries)
}

/// Writes blind index entries.
pub(crate) fn index(tx: &mut Tx<'_>, entries: &[(OrderId, &'static str, String)]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = entries.iter().map(|(id, kind, hash)| vec![(*kind).into(), hash.into(), (*id).into()]).collect();
    tx.insert_many("INSERT INTO order_search (kind, hash, order_id)", &rows, "ON CONFLICT (kind, hash, order_id) DO NOTHING").map(drop)
}

/// What is known of buyers after a page was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Buyers {
    first_paid: HashMap<String, Timestamp>,
    /// Stored orders that just became a returning buyer's.
    pub returning: Vec<OrderId>,
}

impl Buyers {
    /// An order of this buyer, placed then, comes after a paid one.
    pub fn returning(&self, buyer_key: &str, placed_at: Timestamp) -> bool {
        !buyer_key.is_empty() && self.first_paid.get(buyer_key).is_some_and(|first| placed_at > *first)
    }
}

/// Takes note of paid orders by buyer: `paid` is (buyer key, placing time). Orders that were placed later than the first of
/// them are a returning buyer's. Stored orders are marked here; of the buyers in `asked`, whose orders are not stored yet,
/// and of all others the answer knows. `changed`: buyers of stored orders that are not as they were.
pub fn buyers_seen(tx: &mut Tx<'_>, paid: &[(&str, Timestamp)], asked: &[&str], changed: &[&str]) -> Result<Buyers, StoreError> {
    let mut earliest: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for (key, placed_at) in paid.iter().filter(|(key, _)| !key.is_empty()) {
        let first = earliest.entry(key).or_insert(*placed_at);
        *first = (*first).min(*placed_at);
    }
    let all: BTreeSet<&str> = earliest.keys().chain(asked).copied().filter(|key| !key.is_empty()).collect();
    let all: Vec<Value> = all.into_iter().map(Value::from).collect();
    let mut first_paid = first_paid(tx, &all)?;
    let lowered: Vec<Vec<Value>> = earliest
        .iter()
        .filter(|(key, first)| first_paid.get(**key).is_none_or(|known| known > first))
        .map(|(key, first)| vec![(*key).into(), (*first).into()])
        .collect();
    if !lowered.is_empty() {
        tx.insert_many(
            "INSERT INTO buyers (buyer_key, first_paid_at)",
            &lowered,
            "ON CONFLICT (buyer_key) DO UPDATE SET first_paid_at = excluded.first_paid_at WHERE excluded.first_paid_at < buyers.first_paid_at",
        )?;
    }
    // Another unit of work may have been faster with an even earlier one: what stands there now is what holds.
    let keys: BTreeSet<Value> = lowered
        .into_iter()
        .filter_map(|row| row.into_iter().next())
        .chain(changed.iter().filter(|key| !key.is_empty()).map(|key| (*key).into()))
        .collect();
    let keys: Vec<Value> = keys.into_iter().collect();
    first_paid.extend(self::first_paid(tx, &keys)?);
    let rows = tx.query_in(
        "SELECT o.id FROM orders o JOIN buyers b ON b.buyer_key = o.buyer_key WHERE o.buyer_key <> '' AND o.buyer_key IN ({ids}) AND o.placed_at > b.first_paid_at AND o.buyer_returning = 0",
        &keys,
        &[],
    )?;
    let ids: Vec<Value> = rows.iter().map(|row| row.value(0).cloned()).collect::<Result<_, _>>()?;
    tx.execute_in("UPDATE orders SET buyer_returning = 1 WHERE id IN ({ids})", &ids, &[])?;
    Ok(Buyers { first_paid, returning: rows.iter().map(|row| row.id(0)).collect::<Result<_, _>>()? })
}

fn first_paid(tx: &mut Tx<'_>, keys: &[Value]) -> Result<HashMap<String, Timestamp>, StoreError> {
    tx.query_in("SELECT buyer_key, first_paid_at FROM buyers WHERE buyer_key IN ({ids})", keys, &[])?
        .iter()
        .map(|row| Ok((row.text(0)?, row.time(1)?)))
        .collect()
}

/// Nobody is on the blacklist.
pub fn blacklist_is_empty(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    Ok(tx.query("SELECT kind FROM blacklist LIMIT 1", &[])?.is_empty())
}

/// Which of these (kind, hash) are on the blacklist. Kinds: `buyer` (buyer key), `phone`, `name`.
pub fn blacklisted(tx: &mut Tx<'_>, hashes: &[(&'static str, String)]) -> Result<HashSet<(String, String)>, StoreError> {
    let wanted: BTreeSet<&str> = hashes.iter().map(|(_, hash)| hash.as_str()).filter(|hash| !hash.is_empty()).collect();
    let values: Vec<Value> = wanted.into_iter().map(Value::from).collect();
    tx.query_in("SELECT kind, hash FROM blacklist WHERE hash IN ({ids})", &values, &[])?
        .iter()
        .map(|row| Ok((row.text(0)?, row.text(1)?)))
        .collect()
}

/// Puts a buyer, phone or name on the blacklist by its hash, or takes it off (`note` = `None`).
pub fn set_blacklist(tx: &mut Tx<'_>, kind: &str, hash: &str, note: Option<&str>) -> Result<(), StoreError> {
    match note {
        Some(note) => {
            let now = tx.now();
            tx.execute(
                "INSERT INTO blacklist (kind, hash, note, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (kind, hash) DO UPDATE SET note = excluded.note",
                &[kind.into(), hash.into(), note.into(), now.into()],
            )
        }
        None => tx.execute("DELETE FROM blacklist WHERE kind = $1 AND hash = $2", &[kind.into(), hash.into()]),
    }
    .map(drop)
}

/// Remembers what the channel last told of recipients that it may no longer overwrite.
pub fn set_channel_prints(tx: &mut Tx<'_>, prints: &[(OrderId, String)]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = prints.iter().map(|(id, print)| vec![(*id).into(), print.into()]).collect();
    tx.execute_rows("UPDATE orders SET channel_print = v.column2 FROM {rows} AS v WHERE orders.id = v.column1", &rows, &[]).map(drop)
}
