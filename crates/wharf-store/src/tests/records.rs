//! What the small tables keep: sealed bytes, blobs, people, audit, operations, keys of repeated calls, timelines.

use super::Done;
use crate::audit::{self, AuditEntry, Wanted};
use crate::blobs::{self, NewBlob};
use crate::idempotency::{self, Begun};
use crate::operations::{self, OperationState, Tally, TargetOutcome, TargetResult};
use crate::testing::{both_engines, both_engines_with};
use crate::users::{self, NewUser, UserEdit};
use crate::{Keys, SealError, StoreError, Tx};
use proptest::prelude::*;
use wharf_domain::access::{BuiltInRole, Permission, Scope};
use wharf_domain::id::{ShopId, UserId};
use wharf_domain::time::{DAY, HOUR, MINUTE, SECOND};
use wharf_domain::word::Word;

proptest! {
    #[test]
    fn sealed_bytes_open_with_their_key_alone(plain in prop::collection::vec(any::<u8>(), 0..300), at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let keys = Keys::parse(&"0a".repeat(32)).expect("keys");
        let sealed = keys.seal(&plain);
        prop_assert_eq!(keys.open(&sealed), Ok(plain.clone()));
        prop_assert_ne!(keys.seal(&plain), sealed.clone(), "equal texts do not look equal");
        prop_assert!(plain.len() < 8 || !sealed.windows(plain.len()).any(|part| part == plain));
        let mut changed = sealed.clone();
        let at = at.index(changed.len());
        changed[at] ^= 1 << bit;
        prop_assert!(keys.open(&changed).is_err(), "a changed bit is noticed, in the number of the key too");
        prop_assert_eq!(keys.open(&sealed[..at]), Err(SealError::Damaged));
        let other = Keys::parse(&"0b".repeat(32)).expect("keys");
        prop_assert_eq!(other.open(&sealed), Err(SealError::Damaged));
    }

    #[test]
    fn a_blind_index_finds_equal_texts_of_one_kind(a in ".{0,12}", b in ".{0,12}") {
        let keys = Keys::parse(&"0a".repeat(32)).expect("keys");
        prop_assert_eq!(keys.blind("phone", &a) == keys.blind("phone", &b), a == b);
        prop_assert_ne!(keys.blind("phone", &a), keys.blind("name", &a));
        prop_assert_ne!(keys.blind("phone", &a), Keys::parse(&"0b".repeat(32)).expect("keys").blind("phone", &a));
    }
}

#[test]
fn keys_rotate_without_losing_what_is_sealed_or_indexed() {
    let old = Keys::parse(&"0a".repeat(32)).expect("keys");
    let new = Keys::parse(&format!("# kept apart\n1:{}\n\n2:{}\n", "0a".repeat(32), "0b".repeat(32))).expect("keys");
    let sealed = old.seal(b"before");
    assert_eq!(new.open(&sealed), Ok(b"before".to_vec()));
    let fresh = new.seal(b"after");
    assert_eq!((fresh[0], old.open(&fresh)), (2, Err(SealError::UnknownKey(2))));
    assert_eq!(old.blind("phone", "1"), new.blind("phone", "1"));
    for bad in ["", "# nothing", "1:00", "0:", "x", &format!("300:{}", "0a".repeat(32)), &format!("1:{0},1:{0}", "0a".repeat(32))] {
        assert!(matches!(Keys::parse(bad), Err(SealError::Keys(_))), "{bad}");
    }
}

#[test]
fn a_key_file_is_made_once_and_is_its_owners_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wharf.key");
    let made = Keys::load_or_create(&path).expect("made");
    let read = Keys::load_or_create(&path).expect("read");
    assert_eq!(read.open(&made.seal(b"x")), Ok(b"x".to_vec()));
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).expect("there").permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(matches!(Keys::load_or_create(&folder.path().join("no/such/folder.key")), Err(SealError::Keys(_))));
}

#[test]
fn blobs_are_stored_once_sealed_and_erased_in_time() {
    both_engines_with(|bed| async move {
        let now = bed.store.now();
        let names: Vec<String> = bed
            .store
            .write(move |tx| {
                let blob = |bytes: &'static [u8], sealed, expires: Option<i64>| NewBlob {
                    bytes,
                    media_type: "application/json",
                    sealed,
                    expires_at: expires.map(|at| now.plus(at)),
                };
                blobs::put_many(
                    tx,
                    &[
                        blob(b"open", false, None),
                        blob(b"secret", true, Some(DAY)),
                        blob(b"secret", true, Some(3 * DAY)),
                        blob(b"short", false, Some(HOUR)),
                    ],
                )
            })
            .await
            .expect("stored");
        assert_eq!((names.len(), &names[1]), (4, &names[2]));
        let opened = names.clone();
        let read: Done = bed
            .store
            .read(move |tx| {
                assert_eq!(blobs::get(tx, &opened[0])?.expect("there").bytes, b"open");
                assert_eq!(blobs::get(tx, &opened[1])?.expect("there").bytes, b"secret");
                let stored = tx.query("SELECT bytes FROM blobs WHERE sealed = 1", &[])?;
                assert_eq!(stored.len(), 1);
                assert!(!stored[0].blob(0)?.windows(6).any(|part| part == b"secret"));
                assert!(blobs::get(tx, "no such name")?.is_none());
                Ok(())
            })
            .await;
        assert_eq!(read, Ok(()));
        bed.clock.advance(2 * DAY);
        assert_eq!(bed.store.write(|tx| blobs::erase_expired(tx, 10)).await, Ok(1), "the longer of two dates counts");
        // Stored again: it lives longer now; and once without a date, for ever.
        let again = bed.store.write(|tx| {
            let at = tx.now().plus(9 * DAY);
            blobs::put(tx, b"secret", "application/json", true, Some(at))
        });
        assert_eq!(again.await.as_ref(), Ok(&names[1]));
        bed.clock.advance(5 * DAY);
        assert_eq!(bed.store.write(|tx| blobs::erase_expired(tx, 10)).await, Ok(0));
        bed.store.write(|tx| blobs::put(tx, b"secret", "application/json", true, None)).await.expect("stored");
        bed.clock.advance(900 * DAY);
        assert_eq!(bed.store.write(|tx| blobs::erase_expired(tx, 10)).await, Ok(0));
    });
}

fn person(tx: &mut Tx<'_>, login: &str, role: BuiltInRole) -> Done<UserId> {
    users::ensure_built_in_roles(tx)?;
    let role_id = users::role_by_name(tx, role.as_str())?.expect("built in").id;
    let new = NewUser {
        login: login.into(),
        name: login.to_uppercase(),
        password_hash: "$argon2id$".into(),
        role_id,
        scope: Scope::ALL,
        locale: "zh-CN".into(),
    };
    users::create(tx, &new)
}

#[test]
fn people_sign_in_are_locked_and_shut_out() {
    both_engines_with(|bed| async move {
        let (store, clock) = (&bed.store, &bed.clock);
        let id = store.write(|tx| person(tx, "li", BuiltInRole::Auditor)).await.expect("added");
        let twice = store.write(|tx| person(tx, "li", BuiltInRole::Owner)).await;
        assert_eq!(twice, Err(StoreError::Conflict { constraint: "users_login_key".into() }));
        let (user, hash) = store.read(|tx| users::by_login(tx, "li")).await.expect("read").expect("there");
        assert_eq!(
            (user.id, user.name.as_str(), user.role.permissions.clone(), hash.as_str()),
            (id, "LI", BuiltInRole::Auditor.permissions(), "$argon2id$")
        );
        // Sessions slide, end, and are counted.
        let secret = users::hash_token("secret");
        let session = {
            let secret = secret.clone();
            store.write(move |tx| users::sign_in(tx, id, &secret, HOUR, "browser", "10.0.0.1")).await.expect("signed in")
        };
        let seen = |secret: String| store.read(move |tx| users::by_session(tx, &secret));
        clock.advance(50 * MINUTE);
        let (_, found) = seen(secret.clone()).await.expect("read").expect("alive");
        assert!(found.id == session && users::wants_touch(&found, store.now()));
        store.write(move |tx| users::touch_session(tx, session, HOUR)).await.expect("touched");
        clock.advance(50 * MINUTE);
        assert!(seen(secret.clone()).await.expect("read").is_some());
        clock.advance(10 * MINUTE);
        assert!(seen(secret.clone()).await.expect("read").is_none());
        assert_eq!(store.write(users::purge_sessions).await, Ok(1));
        // Wrong passwords lock for a while; a right one starts over.
        for wrong in 1..=8 {
            let locked = store.write(move |tx| users::sign_in_failed(tx, id)).await.expect("counted");
            assert_eq!(locked.is_some(), wrong == 8, "after {wrong}");
        }
        let user = store.read(move |tx| users::get(tx, id)).await.expect("read").expect("there");
        assert!(user.locked_until.is_some_and(|until| until > store.now()));
        // Shut out: signed out everywhere, tokens die too; an old version changes nothing.
        let (session_hash, token_hash) = (users::hash_token("s2"), users::hash_token("t"));
        let (s, t) = (session_hash.clone(), token_hash.clone());
        let done: Done = store
            .write(move |tx| {
                users::sign_in(tx, id, &s, HOUR, "", "")?;
                users::create_token(tx, id, "script", &t, &[Permission::OrdersRead, Permission::UsersManage])?;
                let (user, token) = users::by_token(tx, &t)?.expect("alive");
                assert_eq!(user.role.permissions, [Permission::OrdersRead], "a token never widens its person's rights");
                assert!(users::token_wants_touch(&token, tx.now()));
                users::touch_token(tx, token.id)?;
                assert!(users::by_session(tx, &s)?.is_some());
                assert!(!users::edit(tx, id, &UserEdit { name: Some("x".into()), ..UserEdit::default() }, Some(77))?);
                let scope = Scope { shops: Some(vec![ShopId(5)]), warehouses: None };
                assert!(users::edit(
                    tx,
                    id,
                    &UserEdit { disabled: Some(true), scope: Some(scope.clone()), ..UserEdit::default() },
                    Some(1)
                )?);
                let user = users::get(tx, id)?.expect("there");
                assert_eq!((user.scope, user.name.as_str(), user.version, user.disabled_at), (scope, "LI", 2, Some(tx.now())));
                assert!(users::by_session(tx, &s)?.is_none() && users::by_token(tx, &t)?.is_none());
                assert_eq!(users::count_active(tx)?, 0);
                assert!(users::edit(tx, id, &UserEdit { disabled: Some(false), ..UserEdit::default() }, None)?);
                assert!(users::by_session(tx, &s)?.is_none() && users::by_token(tx, &t)?.is_some());
                assert!(!users::revoke_token(tx, token.id, Some(UserId(1)))? && users::revoke_token(tx, token.id, Some(id))?);
                assert!(users::by_token(tx, &t)?.is_none() && users::tokens(tx, Some(id))?.len() == 1);
                users::sign_in(tx, id, &s, HOUR, "", "")?;
                assert!(users::set_password(tx, id, "$new")? && users::sessions(tx, id)?.is_empty());
                assert_eq!(users::by_login(tx, "li")?.expect("there").1, "$new");
                Ok(())
            })
            .await;
        assert_eq!(done, Ok(()));
    });
}

#[test]
fn roles_of_the_house_are_its_own_and_built_in_ones_are_not() {
    both_engines(|store| async move {
        let done: Done = store
            .write(|tx| {
                users::ensure_built_in_roles(tx)?;
                users::ensure_built_in_roles(tx)?;
                assert_eq!(users::roles(tx)?.len(), BuiltInRole::ALL.len());
                let owner = users::role_by_name(tx, "owner")?.expect("built in");
                assert!(owner.built_in && !users::set_role(tx, owner.id, &[])?);
                let id = users::create_role(tx, "night shift", &[Permission::OrdersRead])?;
                assert!(users::set_role(tx, id, &[Permission::StockRead])?);
                assert_eq!(users::role_by_name(tx, "night shift")?.expect("there").permissions, [Permission::StockRead]);
                Ok(())
            })
            .await;
        assert_eq!(done, Ok(()));
    });
}

#[test]
fn the_audit_log_is_read_from_its_end_by_what_is_asked() {
    both_engines(|store| async move {
        let done: Done = store
            .write(|tx| {
                let entries = (0..30).map(|number| AuditEntry {
                    user_id: (number % 3 > 0).then_some(UserId(number % 3)),
                    actor: "li".into(),
                    action: if number % 2 == 0 { "personal.opened" } else { "shop.changed" }.into(),
                    target_kind: "order".into(),
                    target_id: Some(number),
                    detail: serde_json::json!({ "n": number }),
                    address: String::new(),
                });
                audit::record_many(tx, entries.collect())?;
                let wanted = Wanted { user_id: Some(UserId(1)), action: Some("personal.opened".into()), ..Wanted::default() };
                let page = audit::list(tx, &wanted, 3)?;
                assert_eq!(page.iter().map(|found| found.entry.target_id).collect::<Vec<_>>(), [Some(28), Some(22), Some(16)]);
                let next = audit::list(tx, &Wanted { before: Some(page[2].id), ..wanted }, 3)?;
                assert_eq!(next.iter().map(|found| found.entry.target_id).collect::<Vec<_>>(), [Some(10), Some(4)]);
                let one = audit::list(tx, &Wanted { target_kind: Some("order".into()), target_id: Some(7), ..Wanted::default() }, 9)?;
                assert_eq!((one.len(), one[0].entry.detail["n"].as_i64()), (1, Some(7)));
                Ok(())
            })
            .await;
        assert_eq!(done, Ok(()));
    });
}

#[test]
fn an_operation_counts_each_target_once_and_is_undone_once() {
    both_engines_with(|bed| async move {
        let (store, clock) = (&bed.store, &bed.clock);
        let until = store.now().plus(MINUTE);
        let result = |target_id, outcome, reason: &str| TargetResult {
            target_id,
            outcome,
            reason: reason.into(),
            before: (target_id == 1).then(|| serde_json::json!({ "hold": 1 })),
        };
        let id = store
            .write(move |tx| operations::create(tx, "approve", None, &serde_json::json!({"ids": []}), 4, Some(until)))
            .await
            .expect("begun");
        let batches = [
            vec![result(1, TargetOutcome::Done, ""), result(2, TargetOutcome::Refused, "held")],
            vec![result(2, TargetOutcome::Done, ""), result(3, TargetOutcome::Refused, "held"), result(3, TargetOutcome::Already, "")],
            vec![result(4, TargetOutcome::Already, "")],
        ];
        for batch in batches {
            store.write(move |tx| operations::record(tx, id, &batch)).await.expect("recorded");
        }
        assert_eq!(store.write(move |tx| operations::take_undo(tx, id)).await, Ok(false), "not while it runs");
        store.write(move |tx| operations::end(tx, id, OperationState::Done)).await.expect("ended");
        let done: Done = store
            .read(move |tx| {
                let found = operations::get(tx, id)?.expect("there");
                let tally = Tally { done: 1, already: 1, refused: 2, reasons: [("held".to_owned(), 2)].into() };
                assert_eq!((found.finished, found.tally, found.operation_state), (4, tally, OperationState::Done));
                let page = operations::results(tx, id, Some(1), 2)?;
                assert_eq!(page.iter().map(|result| result.target_id).collect::<Vec<_>>(), [2, 3]);
                assert_eq!(operations::results(tx, id, None, 1)?[0].before, Some(serde_json::json!({ "hold": 1 })));
                assert_eq!(operations::list(tx, None, None, 9)?.len(), 1);
                assert_eq!(operations::list(tx, Some(UserId(1)), None, 9)?.len(), 0);
                Ok(())
            })
            .await;
        assert_eq!(done, Ok(()));
        assert_eq!(store.write(move |tx| operations::take_undo(tx, id)).await, Ok(true));
        assert_eq!(store.write(move |tx| operations::take_undo(tx, id)).await, Ok(false), "once");
        let late =
            store.write(move |tx| operations::create(tx, "hold", None, &serde_json::Value::Null, 0, Some(until))).await.expect("begun");
        store.write(move |tx| operations::end(tx, late, OperationState::Done)).await.expect("ended");
        clock.advance(MINUTE + 1);
        assert_eq!(store.write(move |tx| operations::take_undo(tx, late)).await, Ok(false), "too late");
    });
}

#[test]
fn a_repeated_call_gets_the_same_answer_for_a_day() {
    both_engines_with(|bed| async move {
        let (store, clock) = (&bed.store, &bed.clock);
        let begin = |hash: &'static str| store.write(move |tx| idempotency::begin(tx, UserId(1), "k", hash));
        assert_eq!(begin("a").await, Ok(Begun::Fresh));
        assert_eq!(begin("a").await, Ok(Begun::UnderWay));
        assert_eq!(begin("b").await, Ok(Begun::Mismatch));
        clock.advance(20 * SECOND);
        store.write(|tx| idempotency::renew(tx, UserId(1), "k")).await.expect("renewed");
        clock.advance(20 * SECOND);
        assert_eq!(begin("a").await, Ok(Begun::UnderWay), "the first one lives");
        clock.advance(11 * SECOND);
        assert_eq!(begin("a").await, Ok(Begun::Fresh), "the first one died");
        assert_eq!(store.write(idempotency::abandon_all).await, Ok(1));
        assert_eq!(begin("a").await, Ok(Begun::Fresh), "nobody else serves this database");
        store.write(|tx| idempotency::complete(tx, UserId(1), "k", 201, "收件人".as_bytes())).await.expect("kept");
        let answered = Begun::Answered { http_status: 201, response: "收件人".as_bytes().to_vec() };
        assert_eq!(begin("a").await, Ok(answered));
        assert_eq!(begin("b").await, Ok(Begun::Mismatch));
        let stored = store.read(|tx| tx.query_opt("SELECT response FROM idempotency", &[])?.expect("a row").blob(0)).await.expect("read");
        assert!(!stored.windows(3).any(|part| part == "收".as_bytes()), "answers show personal data");
        store.write(|tx| idempotency::abandon(tx, UserId(1), "k")).await.expect("an answered one stays");
        assert_eq!(store.write(idempotency::abandon_all).await, Ok(0));
        assert!(matches!(begin("a").await, Ok(Begun::Answered { .. })));
        clock.advance(DAY + 1);
        assert_eq!(begin("b").await, Ok(Begun::Fresh));
        store.write(|tx| idempotency::abandon(tx, UserId(1), "k")).await.expect("freed");
        assert_eq!(begin("a").await, Ok(Begun::Fresh));
        clock.advance(DAY + 1);
        assert_eq!(store.write(idempotency::purge).await, Ok(1));
    });
}
