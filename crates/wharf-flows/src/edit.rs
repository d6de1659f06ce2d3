//! Edit: address, note, flag, tags. What a person writes here is not overwritten by the channel; a note also goes back to
//! it by a job. And opening personal data on purpose, which is always written down.

use crate::app::{App, FlowError, Outcome};
use crate::approve::{load, over};
use crate::bulk::{Answer, Asker, Bulk};
use crate::ingest::finish;
use crate::jobs::Job;
use crate::jobs::write_note::WriteNote;
use crate::ship::{self, LineStop};
use crate::verbs::{self, Means, Verb};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use wharf_connect::{Credentials, Settings};
use wharf_domain::address::{PersonalData, Recipient, Region};
use wharf_domain::hold::HoldReason;
use wharf_domain::id::{OrderId, ShopId};
use wharf_domain::order::check::phone_corrections;
use wharf_domain::timeline::{Actor, Event};
use wharf_store::audit::{self, AuditEntry};
use wharf_store::orders::{self, NewRecipient, Order, SellerNote};
use wharf_store::shops::{self, Shop};
use wharf_store::{StoreError, Tx, holds, jobs};

/// What changes of an address. Absent parts stay as they are.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct AddressEdit {
    /// Country (ISO code).
    pub country: Option<String>,
    /// Province or state.
    pub province: Option<String>,
    /// City.
    pub city: Option<String>,
    /// District or county.
    pub district: Option<String>,
    /// Street office or town.
    pub town: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Name of the recipient.
    pub name: Option<String>,
    /// Phone of the recipient.
    pub phone: Option<String>,
    /// Street, house, flat.
    pub address: Option<String>,
    /// Take the one obvious correction of the phone.
    pub accept_phone: bool,
}

impl AddressEdit {
    fn personal(&self) -> bool {
        self.name.is_some() || self.phone.is_some() || self.address.is_some() || self.accept_phone
    }
}

impl AddressEdit {
    pub(crate) fn check(&self) -> Result<(), FlowError> {
        let texts = [
            ("name", &self.name),
            ("phone", &self.phone),
            ("address", &self.address),
            ("province", &self.province),
            ("city", &self.city),
            ("district", &self.district),
            ("town", &self.town),
            ("country", &self.country),
            ("postal_code", &self.postal_code),
        ];
        match texts.into_iter().find(|(_, text)| text.as_ref().is_some_and(|t| t.chars().count() > 300 || t.contains('\0'))) {
            Some((field, _)) => Err(FlowError::invalid(field, "at most 300 characters")),
            None => Ok(()),
        }
    }
}

/// Changes addresses. An order with a label says no: the label is recalled first (E6).
pub async fn edit_address(app: &App, asker: &Asker, ids: Vec<OrderId>, edit: AddressEdit, dry_run: bool) -> Result<Bulk, FlowError> {
    verbs::run(app, asker, Verb::EditAddress(edit), ids, dry_run).await
}

pub(crate) fn edit_address_in(tx: &mut Tx<'_>, asker: &Asker, ids: &[OrderId], edit: &AddressEdit) -> Result<Vec<Answer>, FlowError> {
    let visible = load(tx, asker, ids)?;
    let shops: HashMap<ShopId, Shop> = shops::list(tx, &asker.scope)?.into_iter().map(|shop| (shop.id, shop)).collect();
    let mut recipients = orders::open_recipients(tx, ids)?;
    let mut wanted = Vec::new();
    let mut answers = Vec::new();
    for order in &visible {
        let before = recipients.remove(&order.id).unwrap_or_default();
        let home = shops.get(&order.shop_id).map_or("", crate::review::home_country);
        match edited(&before, edit, home) {
            Err(reason) => answers.push(Answer::refused(order.id, reason)),
            Ok(after) if after == before => answers.push(Answer::already(order.id)),
            Ok(after) => wanted.push((order.id, before, after, true)),
        }
    }
    let changed = change_recipients(tx, asker, &visible, wanted, "order.address_edited")?;
    answers.extend(changed);
    Ok(answers)
}

/// The recipient after an edit, or why it cannot be.
fn edited(before: &Recipient, edit: &AddressEdit, home: &str) -> Result<Recipient, &'static str> {
    let mut after = before.clone();
    let set = |to: &mut String, from: &Option<String>| {
        if let Some(text) = from {
            text.trim().clone_into(to);
        }
    };
    set(&mut after.region.country, &edit.country);
    set(&mut after.region.province, &edit.province);
    set(&mut after.region.city, &edit.city);
    set(&mut after.region.district, &edit.district);
    set(&mut after.region.town, &edit.town);
    set(&mut after.region.postal_code, &edit.postal_code);
    if edit.personal() {
        // What the channel shows masked cannot be mended in part: stars would go onto the label.
        if before.masked && (edit.name.is_none() || edit.phone.is_none() || edit.address.is_none()) {
            return Err("masked");
        }
        set(&mut after.personal.name, &edit.name);
        set(&mut after.personal.phone, &edit.phone);
        set(&mut after.personal.address, &edit.address);
        if edit.accept_phone {
            let country = if after.region.country.is_empty() { home } else { after.region.country.as_str() };
            let mut proposals = phone_corrections(&after.personal.phone, country);
            match (proposals.pop(), proposals.is_empty()) {
                (Some(only), true) => after.personal.phone = only,
                _ => return Err("no_obvious_correction"),
            }
        }
        after.token = None;
        after.masked = false;
    }
    Ok(after)
}

/// Writes recipients by a person: what was reserved for the old address is routed again, the checks look again.
fn change_recipients(
    tx: &mut Tx<'_>,
    asker: &Asker,
    visible: &[Order],
    wanted: Vec<(OrderId, Recipient, Recipient, bool)>,
    kind: &str,
) -> Result<Vec<Answer>, FlowError> {
    let ids: Vec<OrderId> = wanted.iter().map(|(id, ..)| *id).collect();
    let known: HashMap<OrderId, orders::KnownOrder> = orders::known_of(tx, &ids)?.into_iter().map(|order| (order.id, order)).collect();
    let keys = tx.keys().clone();
    let (mut answers, mut new, mut stops, mut events, mut touched) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (id, before, after, by_person) in wanted {
        let (Some(order), Some(known)) = (visible.iter().find(|order| order.id == id), known.get(&id)) else { continue };
        if let Some(reason) = over(order) {
            answers.push(Answer::refused(id, reason));
            continue;
        }
        if known.known.labelled {
            answers.push(Answer::refused(id, "label_made"));
            continue;
        }
        let again = known.known.lines.iter().filter(|line| line.counters.allocated > line.counters.shipped);
        stops.extend(again.map(|line| LineStop { order_id: id, order_line_id: line.id, keep: line.counters.shipped }));
        events
            .push((id, Event { kind: kind.to_owned(), params: json!({ "fields": fields(&before, &after) }), actor: asker.actor.clone() }));
        let sealed = keys.seal_json(&before);
        let before =
            json!({ "sealed": sealed.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), "edited": order.recipient_edited });
        new.push(NewRecipient { id, recipient: orders::seal_recipient(&keys, Some(&after)), channel_print: None, edited: by_person });
        answers.push(Answer::done(id, before));
        touched.push(id);
    }
    if !stops.is_empty() {
        ship::stop_lines(tx, &asker.actor, &stops, "address_changed")?;
    }
    orders::replace_recipients(tx, &new)?;
    // The address is what a person settled: a hold for its change is over.
    let settled: Vec<(OrderId, HoldReason)> = touched.iter().map(|id| (*id, HoldReason::ChangedAfterLabel)).collect();
    for (id, reason) in holds::release(tx, &settled, &asker.actor)? {
        events
            .push((id, Event { kind: "order.hold_released".to_owned(), params: json!({ "reason": reason }), actor: asker.actor.clone() }));
    }
    finish(tx, &touched, &touched, events)?;
    Ok(answers)
}

fn fields(before: &Recipient, after: &Recipient) -> Vec<&'static str> {
    let (b, a) = (before, after);
    let pairs: [(&'static str, &String, &String); 9] = [
        ("country", &b.region.country, &a.region.country),
        ("province", &b.region.province, &a.region.province),
        ("city", &b.region.city, &a.region.city),
        ("district", &b.region.district, &a.region.district),
        ("town", &b.region.town, &a.region.town),
        ("postal_code", &b.region.postal_code, &a.region.postal_code),
        ("name", &b.personal.name, &a.personal.name),
        ("phone", &b.personal.phone, &a.personal.phone),
        ("address", &b.personal.address, &a.personal.address),
    ];
    pairs.into_iter().filter(|(_, before, after)| before != after).map(|(name, ..)| name).collect()
}

pub(crate) fn undo_edit_address(
    tx: &mut Tx<'_>,
    asker: &Asker,
    targets: &[(OrderId, Value)],
) -> Result<Vec<(OrderId, Outcome)>, FlowError> {
    let ids: Vec<OrderId> = targets.iter().map(|(id, _)| *id).collect();
    let visible = load(tx, asker, &ids)?;
    let mut now = orders::open_recipients(tx, &ids)?;
    let keys = tx.keys().clone();
    let mut wanted = Vec::new();
    for order in &visible {
        let Some((_, before)) = targets.iter().find(|(id, _)| *id == order.id) else { continue };
        let text = before["sealed"].as_str().unwrap_or_default();
        let sealed: Vec<u8> = (0..text.len() / 2).filter_map(|i| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()).collect();
        let recipient: Recipient = keys.open_json(&sealed)?;
        wanted.push((order.id, now.remove(&order.id).unwrap_or_default(), recipient, before["edited"].as_bool().unwrap_or(false)));
    }
    Ok(change_recipients(tx, asker, &visible, wanted, "order.address_edit_undone")?
        .into_iter()
        .map(|answer| (answer.id, answer.outcome))
        .collect())
}

/// What changes of notes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NoteEdit {
    /// The whole new note; `None` leaves it.
    pub note: Option<String>,
    /// Put before the note that is there.
    pub copy_buyer_note: bool,
    /// The new flag; `None` leaves it.
    pub flag: Option<i64>,
}

impl NoteEdit {
    pub(crate) fn check(&self) -> Result<(), FlowError> {
        if self.note.as_ref().is_some_and(|note| note.len() > 1_000 || note.contains('\0')) {
            return Err(FlowError::invalid("note", "at most 1000 bytes"));
        }
        if self.flag.is_some_and(|flag| !(0..=9).contains(&flag)) {
            return Err(FlowError::invalid("flag", "0 to 9"));
        }
        Ok(())
    }
}

/// Sets the seller's note and flag, here and (by a job) on the channel.
pub async fn note(app: &App, asker: &Asker, ids: Vec<OrderId>, edit: NoteEdit, dry_run: bool) -> Result<Bulk, FlowError> {
    verbs::run(app, asker, Verb::Note(edit), ids, dry_run).await
}

pub(crate) fn note_in(tx: &mut Tx<'_>, means: &Means, asker: &Asker, ids: &[OrderId], edit: &NoteEdit) -> Result<Vec<Answer>, FlowError> {
    let known = load(tx, asker, ids)?;
    let wanted: Vec<(OrderId, SellerNote)> = known.iter().map(|order| (order.id, noted(order, edit))).collect();
    write_notes(tx, asker, &known, &wanted, &writable(means))
}

/// Vendors whose channel takes a note back.
fn writable(means: &Means) -> HashSet<&'static str> {
    means
        .vendors
        .iter()
        .filter(|vendor| vendor.channel().is_some_and(|channel| channel.notes().is_some()))
        .map(|vendor| vendor.manifest().id)
        .collect()
}

fn noted(order: &Order, edit: &NoteEdit) -> SellerNote {
    let mut note = edit.note.clone().unwrap_or_else(|| order.seller_note.clone());
    let buyers = order.buyer_note.trim();
    if edit.copy_buyer_note && !buyers.is_empty() && !note.contains(buyers) {
        note = if note.is_empty() { buyers.to_owned() } else { format!("{buyers} | {note}") };
        while note.len() > 1_000 {
            note.pop();
        }
    }
    SellerNote { note, flag: edit.flag.or(order.seller_flag) }
}

fn write_notes(
    tx: &mut Tx<'_>,
    asker: &Asker,
    known: &[Order],
    wanted: &[(OrderId, SellerNote)],
    writable: &HashSet<&'static str>,
) -> Result<Vec<Answer>, FlowError> {
    let shops: HashMap<ShopId, Shop> = shops::list(tx, &asker.scope)?.into_iter().map(|shop| (shop.id, shop)).collect();
    let (mut answers, mut told, mut kept, mut new_jobs, mut events) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (id, note) in wanted {
        let Some(order) = known.iter().find(|order| order.id == *id) else { continue };
        let before = SellerNote { note: order.seller_note.clone(), flag: order.seller_flag };
        if before == *note {
            answers.push(Answer::already(*id));
            continue;
        }
        if shops.get(&order.shop_id).is_some_and(|shop| writable.contains(shop.vendor.as_str())) {
            told.push((*id, note.clone()));
            new_jobs.push(WriteNote { shop: order.shop_id, order: *id }.new_job());
        } else {
            kept.push((*id, note.clone()));
        }
        events.push((
            *id,
            Event { kind: "order.noted".to_owned(), params: json!({ "note": note.note, "flag": note.flag }), actor: asker.actor.clone() },
        ));
        answers.push(Answer::done(*id, json!({ "note": before.note, "flag": before.flag })));
    }
    orders::set_notes(tx, &told, true)?;
    orders::set_notes(tx, &kept, false)?;
    jobs::enqueue(tx, &new_jobs)?;
    let touched: Vec<OrderId> = events.iter().map(|(id, _)| *id).collect();
    finish(tx, &touched, &[], events)?;
    Ok(answers)
}

pub(crate) fn undo_note(
    tx: &mut Tx<'_>,
    means: &Means,
    asker: &Asker,
    targets: &[(OrderId, Value)],
) -> Result<Vec<(OrderId, Outcome)>, FlowError> {
    let ids: Vec<OrderId> = targets.iter().map(|(id, _)| *id).collect();
    let known = load(tx, asker, &ids)?;
    let wanted: Vec<(OrderId, SellerNote)> = targets
        .iter()
        .map(|(id, before)| {
            (*id, SellerNote { note: before["note"].as_str().unwrap_or_default().to_owned(), flag: before["flag"].as_i64() })
        })
        .collect();
    Ok(write_notes(tx, asker, &known, &wanted, &writable(means))?.into_iter().map(|answer| (answer.id, answer.outcome)).collect())
}

/// Tells the channel the note of an order as it should stand. Called by its job.
pub async fn tell_note(app: &App, id: OrderId) -> Result<(), FlowError> {
    let found = app
        .store
        .read(move |tx| {
            let Some(order) = orders::order(tx, &wharf_domain::access::Scope::ALL, id)? else { return Ok(None) };
            let Some(shop) = shops::get(tx, order.shop_id)? else { return Ok(None) };
            let credentials = Credentials(shops::credentials(tx, shop.id)?);
            Ok::<_, FlowError>(Some((order, shop, credentials)))
        })
        .await?;
    let Some((order, shop, credentials)) = found.filter(|(order, ..)| order.note_due) else { return Ok(()) };
    let vendor = app.vendor(&shop.vendor)?;
    let told = SellerNote { note: order.seller_note.clone(), flag: order.seller_flag };
    let mut refused = None;
    if let Some(notes) = vendor.channel().and_then(|channel| channel.notes()) {
        let calling = app.calling("confirm", shop.id.0, vendor, credentials, Settings(shop.settings.clone()));
        match notes.write_note(&calling.call(), &order.external_id, &told.note, told.flag).await {
            Ok(()) => {}
            Err(wharf_connect::ConnectError::Refused { code, message }) => refused = Some((code, message)),
            Err(error) => return Err(error.into()),
        }
    }
    app.store
        .write(move |tx| {
            orders::note_told(tx, id, &told)?;
            let (kind, params) = match refused {
                None => ("order.note_told", json!({})),
                Some((code, message)) => ("order.note_refused", json!({ "code": code, "message": message })),
            };
            let actor = Actor::Vendor { vendor: shop.vendor };
            wharf_store::timeline::append(tx, &[(id, Event { kind: kind.to_owned(), params, actor })])?;
            Ok(())
        })
        .await
}

/// Adds a tag.
pub async fn tag(app: &App, asker: &Asker, ids: Vec<OrderId>, tag: String, dry_run: bool) -> Result<Bulk, FlowError> {
    verbs::run(app, asker, Verb::Tag { add: vec![tag], remove: Vec::new() }, ids, dry_run).await
}

/// Takes a tag off.
pub async fn untag(app: &App, asker: &Asker, ids: Vec<OrderId>, tag: String, dry_run: bool) -> Result<Bulk, FlowError> {
    verbs::run(app, asker, Verb::Tag { add: Vec::new(), remove: vec![tag] }, ids, dry_run).await
}

/// The most tags of one action.
const MOST_TAGS: usize = 20;

pub(crate) fn check_tags(add: &[String], remove: &[String]) -> Result<(), FlowError> {
    if !(1..=MOST_TAGS).contains(&(add.len() + remove.len())) {
        return Err(FlowError::invalid("add", format!("between 1 and {MOST_TAGS} tags to put on or take off")));
    }
    for (field, tag) in add.iter().map(|tag| ("add", tag)).chain(remove.iter().map(|tag| ("remove", tag))) {
        let text = tag.trim();
        if text.is_empty() || text.chars().count() > 40 || text.contains(['\0', ',']) {
            return Err(FlowError::invalid(field, "a tag has 1 to 40 characters, without commas"));
        }
        if field == "add" && remove.iter().any(|off| off.trim() == text) {
            return Err(FlowError::invalid(field, format!("{text:?} is to be put on and taken off")));
        }
    }
    Ok(())
}

/// What tags did to one order: kept for the undo.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Tagged {
    added: Vec<String>,
    removed: Vec<String>,
}

/// Puts tags on and takes tags off, all of them as one verb: an order that had it all so already says so.
pub(crate) fn tags_in(
    tx: &mut Tx<'_>,
    asker: &Asker,
    ids: &[OrderId],
    add: &[String],
    remove: &[String],
) -> Result<Vec<Answer>, FlowError> {
    let visible: Vec<OrderId> = load(tx, asker, ids)?.into_iter().map(|order| order.id).collect();
    let mut changed: HashMap<OrderId, Tagged> = HashMap::new();
    for tag in add {
        for id in put_on(tx, asker, &visible, tag.trim())? {
            changed.entry(id).or_default().added.push(tag.trim().to_owned());
        }
    }
    for tag in remove {
        for id in take_off(tx, asker, &visible, tag.trim())? {
            changed.entry(id).or_default().removed.push(tag.trim().to_owned());
        }
    }
    Ok(visible.into_iter().map(|id| changed.get(&id).map_or_else(|| Answer::already(id), |tags| Answer::done(id, json!(tags)))).collect())
}

fn put_on(tx: &mut Tx<'_>, asker: &Asker, ids: &[OrderId], tag: &str) -> Result<BTreeSet<OrderId>, StoreError> {
    let pairs: Vec<(OrderId, String)> = ids.iter().map(|id| (*id, tag.to_owned())).collect();
    let added: BTreeSet<OrderId> = orders::add_tags(tx, &pairs)?.into_iter().map(|(id, _)| id).collect();
    say_tags(tx, asker, &added, "order.tagged", tag)?;
    Ok(added)
}

fn take_off(tx: &mut Tx<'_>, asker: &Asker, ids: &[OrderId], tag: &str) -> Result<BTreeSet<OrderId>, StoreError> {
    let removed: BTreeSet<OrderId> = orders::remove_tag(tx, ids, tag)?.into_iter().collect();
    say_tags(tx, asker, &removed, "order.untagged", tag)?;
    Ok(removed)
}

fn say_tags(tx: &mut Tx<'_>, asker: &Asker, ids: &BTreeSet<OrderId>, kind: &str, tag: &str) -> Result<(), StoreError> {
    let events: Vec<(OrderId, Event)> =
        ids.iter().map(|id| (*id, Event { kind: kind.to_owned(), params: json!({ "tag": tag }), actor: asker.actor.clone() })).collect();
    wharf_store::timeline::append(tx, &events)
}

pub(crate) fn undo_tags(tx: &mut Tx<'_>, asker: &Asker, targets: &[(OrderId, Value)]) -> Result<Vec<(OrderId, Outcome)>, FlowError> {
    let ids: Vec<OrderId> = targets.iter().map(|(id, _)| *id).collect();
    let visible: HashSet<OrderId> = load(tx, asker, &ids)?.into_iter().map(|order| order.id).collect();
    let (mut off, mut on): (BTreeMap<String, Vec<OrderId>>, BTreeMap<String, Vec<OrderId>>) = (BTreeMap::new(), BTreeMap::new());
    for (id, before) in targets.iter().filter(|(id, _)| visible.contains(id)) {
        let tags: Tagged = serde_json::from_value(before.clone()).unwrap_or_default();
        tags.added.into_iter().for_each(|tag| off.entry(tag).or_default().push(*id));
        tags.removed.into_iter().for_each(|tag| on.entry(tag).or_default().push(*id));
    }
    let mut changed = BTreeSet::new();
    for (tag, ids) in off {
        changed.extend(take_off(tx, asker, &ids, &tag)?);
    }
    for (tag, ids) in on {
        changed.extend(put_on(tx, asker, &ids, &tag)?);
    }
    let outcome = |id: &OrderId| if changed.contains(id) { Outcome::Done } else { Outcome::Already };
    Ok(ids.iter().filter(|id| visible.contains(id)).map(|id| (*id, outcome(id))).collect())
}

/// Opens the recipient of one order for a person's eyes: audited, whatever happens to it then. A masked recipient with a
/// token is asked of the channel where it opens them.
pub async fn open_recipient(app: &App, asker: &Asker, id: OrderId, address: &str) -> Result<Recipient, FlowError> {
    let (who, address) = (asker.clone(), address.to_owned());
    let (order, recipient, shop, credentials) = app
        .store
        .write(move |tx| {
            let order = orders::order(tx, &who.scope, id)?.ok_or_else(|| FlowError::NotFound(format!("order {id}")))?;
            let recipient = orders::open_recipients(tx, &[id])?.remove(&id).ok_or_else(|| FlowError::refused("no_recipient"))?;
            let shop = shops::get(tx, order.shop_id)?.ok_or_else(|| FlowError::NotFound(format!("shop {}", order.shop_id)))?;
            let credentials = Credentials(shops::credentials(tx, shop.id)?);
            let (user_id, actor) = match &who.actor {
                Actor::User { id, name } => (Some(*id), name.clone()),
                other => (None, serde_json::to_string(other).unwrap_or_default()),
            };
            audit::record(
                tx,
                AuditEntry {
                    user_id,
                    actor,
                    action: "personal.opened".to_owned(),
                    target_kind: "order".to_owned(),
                    target_id: Some(id.0),
                    detail: json!({}),
                    address,
                },
            )?;
            Ok::<_, FlowError>((order, recipient, shop, credentials))
        })
        .await?;
    let vendor = app.vendor(&shop.vendor)?;
    let privacy = vendor.channel().and_then(|channel| channel.privacy());
    match (&recipient.token, privacy) {
        (Some(token), Some(privacy)) if recipient.masked => {
            let calling = app.calling("confirm", shop.id.0, vendor, credentials, Settings(shop.settings.clone()));
            let personal: PersonalData = privacy.open(&calling.call(), &order.external_id, token).await?;
            Ok(Recipient { personal, masked: false, region: Region { ..recipient.region.clone() }, token: recipient.token.clone() })
        }
        _ => Ok(recipient),
    }
}
