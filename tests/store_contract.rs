//! What every store of records and every sealer must do: in memory, and over DynamoDB and KMS on ministack.

use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_kms::primitives::Blob;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::authenticator::SealedSecret;
use shared::clock::UnixTime;
use shared::cognito::UserKey;
use shared::ids::AuthenticatorId;
use shared::record::Record;
use shared::settings::Policy;
use shared::store::dynamodb::{SetUp, set_up_key};
use shared::store::{EncryptionContext, RecordStore, Saved, Sealer, Version, Versioned, load_under};
use shared::totp::{SECRET_BYTES, SharedSecret};
use shared::verification::{Answer, BegunVerification, Verification, begin_verification};
use tests::challenges::{ADMITTED, PROMPT, issued};
use tests::clock::NOW;
use tests::driver::Driver;
use tests::events::User;
use tests::functions::Functions;
use tests::person::{Person, wrong_passcodes};
use tests::random::{fill_random, random};
use tests::stores::{Backend, Call, Memory, OnMinistack, user};

tests::for_memory_and_ministack! {
    a_missing_record_is_empty_at_the_version_of_missing_records,
    a_record_is_created_once,
    the_version_counts_the_saves_and_never_comes_back,
    a_version_that_is_not_the_stored_one_conflicts_and_changes_nothing,
    a_load_sees_every_recorded_save,
    of_64_parallel_saves_over_one_version_exactly_one_is_recorded,
    users_share_no_record,
    a_record_with_all_its_parts_comes_back_as_it_was,
    what_was_sealed_opens_for_the_same_user_and_authenticator,
    what_was_sealed_opens_for_no_other_user_and_no_other_authenticator,
    what_is_too_short_for_a_sealed_secret_does_not_open,
    sealing_twice_gives_different_bytes,
    sealed_bytes_do_not_hold_the_secret,
}

// Stores

async fn a_missing_record_is_empty_at_the_version_of_missing_records<B: Backend>() {
    let found = B::store().await.load(&user("nobody")).await.unwrap();
    assert_eq!(found, Versioned { record: Record::default(), version: Version::MISSING });
}

async fn a_record_is_created_once<B: Backend>() {
    let (store, user) = (B::store().await, user("a"));
    let (first, second) = (a_record(), a_record());
    assert_eq!(store.save(&user, &first, Version::MISSING).await.unwrap(), Saved::Recorded);
    assert_eq!(store.save(&user, &second, Version::MISSING).await.unwrap(), Saved::Conflict);
    // Not even with the same content.
    assert_eq!(store.save(&user, &first, Version::MISSING).await.unwrap(), Saved::Conflict);
    assert_eq!(store.load(&user).await.unwrap(), Versioned { record: first, version: Version(1) });
}

async fn the_version_counts_the_saves_and_never_comes_back<B: Backend>() {
    let (store, user) = (B::store().await, user("a"));
    // The empty record is an operator's reset: it goes on counting.
    let records = [a_record(), Record::default(), a_record(), Record::default(), Record::default()];
    for (saves, record) in (0..).zip(&records) {
        assert_eq!(store.save(&user, record, Version(saves)).await.unwrap(), Saved::Recorded);
        let now = Version(saves + 1);
        assert_eq!(store.load(&user).await.unwrap(), Versioned { record: record.clone(), version: now });
        for past in 0..=saves {
            assert_eq!(store.save(&user, &a_record(), Version(past)).await.unwrap(), Saved::Conflict);
        }
    }
}

async fn a_version_that_is_not_the_stored_one_conflicts_and_changes_nothing<B: Backend>() {
    let (store, user) = (B::store().await, user("a"));
    for ahead in [1, 2, u64::MAX] {
        assert_eq!(store.save(&user, &a_record(), Version(ahead)).await.unwrap(), Saved::Conflict);
        assert_eq!(store.load(&user).await.unwrap().version, Version::MISSING);
    }
    store.save(&user, &a_record(), Version(0)).await.unwrap();
    store.save(&user, &a_record(), Version(1)).await.unwrap();
    let stored = store.load(&user).await.unwrap();
    assert_eq!(stored.version, Version(2));
    // 20 and 02 are neighbors of 2 where versions are text.
    for other in [0, 1, 3, 20, u64::MAX] {
        assert_eq!(store.save(&user, &a_record(), Version(other)).await.unwrap(), Saved::Conflict);
        assert_eq!(store.load(&user).await.unwrap(), stored);
    }
}

async fn a_load_sees_every_recorded_save<B: Backend>() {
    let (store, user) = (Arc::new(B::store().await), user("a"));
    let writers = (0..4).map(|_| {
        let (store, user) = (Arc::clone(&store), user.clone());
        tokio::spawn(async move {
            let mut recorded = 0;
            while recorded < 5 {
                let seen = store.load(&user).await.unwrap().version;
                if store.save(&user, &a_record(), seen).await.unwrap() == Saved::Recorded {
                    recorded += 1;
                    // Others may have saved since, but nobody can be behind.
                    assert!(store.load(&user).await.unwrap().version.0 > seen.0);
                }
            }
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }
    assert_eq!(store.load(&user).await.unwrap().version, Version(20));
}

async fn of_64_parallel_saves_over_one_version_exactly_one_is_recorded<B: Backend>() {
    let (store, user) = (Arc::new(B::store().await), user("a"));
    for replacing in [Version::MISSING, Version(1), Version(2)] {
        let saves = (0..64).map(|_| {
            let (store, user, record) = (Arc::clone(&store), user.clone(), a_record());
            tokio::spawn(async move { (store.save(&user, &record, replacing).await.unwrap(), record) })
        });
        let saves: Vec<_> = join_all(saves).await.into_iter().map(Result::unwrap).collect();
        let recorded: Vec<_> = saves.iter().filter(|(saved, _)| *saved == Saved::Recorded).collect();
        assert_eq!(recorded.len(), 1);
        let (_, record) = recorded[0];
        let stored = Versioned { record: record.clone(), version: replacing.next() };
        assert_eq!(store.load(&user).await.unwrap(), stored);
    }
}

async fn users_share_no_record<B: Backend>() {
    let store = B::store().await;
    let key = |user_pool_id: &str, sub: &str| UserKey { user_pool_id: user_pool_id.to_owned(), sub: sub.to_owned() };
    // A pool's id has no `#` (Cognito: [\w-]+_[0-9a-zA-Z]+), so the first one ends it, whatever a `sub` holds.
    let users = [
        key("us-east-1_A", "a"),
        key("us-east-1_A", "A"),
        key("us-east-1_A", "a "),
        key("us-east-1_A", "a#b"),
        key("us-east-1_A", "#a"),
        key("us-east-1_A", "us-east-1_A#a"),
        key("us-east-1_Aa", "a"),
        key("us-east-1_B", "a"),
        key("eu-west-1_A", "a"),
    ];
    let records: Vec<Record> = users.iter().map(|_| a_record()).collect();
    for (user, record) in users.iter().zip(&records) {
        assert_eq!(store.load(user).await.unwrap().version, Version::MISSING, "{user}");
        assert_eq!(store.save(user, record, Version::MISSING).await.unwrap(), Saved::Recorded, "{user}");
    }
    for (user, record) in users.iter().zip(&records) {
        let stored = Versioned { record: record.clone(), version: Version(1) };
        assert_eq!(store.load(user).await.unwrap(), stored, "{user}");
    }
}

async fn a_record_with_all_its_parts_comes_back_as_it_was<B: Backend>() {
    let record = a_record_with_all_its_parts::<B>().await;
    let json: Value = serde_json::from_str(&record.to_json().unwrap()).unwrap();
    for part in ["authenticator", "recovery", "generation", "passcodeLimit", "outcomes"] {
        assert!(json["record"].get(part).is_some_and(|part| !part.is_null()), "no {part} in {json}");
    }
    assert_eq!(json["record"]["authenticator"]["name"], "Ada's phone");
    assert_eq!(json["record"]["outcomes"].as_array().map(Vec::len), Some(8));
    assert_eq!(record.failures(NOW), 5);

    let (store, user) = (B::store().await, user("a"));
    assert_eq!(store.save(&user, &record, Version::MISSING).await.unwrap(), Saved::Recorded);
    assert_eq!(store.load(&user).await.unwrap(), Versioned { record, version: Version(1) });
}

#[tokio::test]
async fn a_missing_table_is_a_fault() {
    let store = OnMinistack::connect().store_in("no-such-table");
    let (loaded, saved) = (store.load(&user("a")).await, store.save(&user("a"), &a_record(), Version::MISSING).await);
    assert!(format!("{:?}", loaded.unwrap_err()).contains("ResourceNotFoundException"));
    assert!(format!("{:?}", saved.unwrap_err()).contains("ResourceNotFoundException"));
    assert!(store.save(&user("a"), &a_record(), Version(1)).await.is_err());
}

#[tokio::test]
async fn an_endpoint_that_nobody_serves_is_a_fault() {
    let unserved = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let aws = OnMinistack::connect_to(&format!("http://{unserved}"));
    let (store, sealer) = (aws.store_in("records"), aws.sealer_with("key"));
    assert!(store.load(&user("a")).await.is_err());
    assert!(store.save(&user("a"), &a_record(), Version::MISSING).await.is_err());
    assert!(store.save(&user("a"), &a_record(), Version(1)).await.is_err());
    let (user, authenticator) = (user("a"), AuthenticatorId(random()));
    let context = EncryptionContext { user: &user, authenticator };
    assert!(sealer.seal(&a_secret(), context).await.is_err());
    assert!(sealer.open(&SealedSecret(vec![1; 100]), context).await.is_err());
}

#[tokio::test]
async fn an_item_that_is_no_record_is_a_fault_and_is_not_overwritten() {
    let aws = OnMinistack::connect();
    let (store, table_name) = aws.new_store().await;
    let text = a_record().to_json().unwrap();
    let newer = text.replace(r#""format":1"#, r#""format":3"#);
    let cut = text[..text.len() - 1].to_owned();
    assert!(newer != text);
    let (n, s) = (|n: &str| AttributeValue::N(n.to_owned()), |s: &str| AttributeValue::S(s.to_owned()));
    let items = [
        ("nothing", vec![]),
        ("no version", vec![("record", s(&text))]),
        ("a version as text", vec![("version", s("1")), ("record", s(&text))]),
        ("a version below zero", vec![("version", n("-1")), ("record", s(&text))]),
        ("half a version", vec![("version", n("1.5")), ("record", s(&text))]),
        ("no record", vec![("version", n("1"))]),
        ("a record as a number", vec![("version", n("1")), ("record", n("1"))]),
        ("a record as a map", vec![("version", n("1")), ("record", AttributeValue::M(HashMap::new()))]),
        ("no JSON", vec![("version", n("1")), ("record", s("x"))]),
        ("no text", vec![("version", n("1")), ("record", s(""))]),
        ("JSON null", vec![("version", n("1")), ("record", s("null"))]),
        ("no format", vec![("version", n("1")), ("record", s("{}"))]),
        ("an empty record of this format", vec![("version", n("1")), ("record", s(r#"{"format":1,"record":{}}"#))]),
        ("a newer format", vec![("version", n("1")), ("record", s(&newer))]),
        ("a record cut short", vec![("version", n("1")), ("record", s(&cut))]),
    ];
    for (sub, attributes) in items {
        let user = user(sub);
        let key = ("user".to_owned(), s(&user.to_string()));
        let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value));
        let item: HashMap<_, _> = attributes.chain([key]).collect();
        aws.put(&table_name, item.clone()).await;
        assert!(store.load(&user).await.is_err(), "{sub}");
        assert_eq!(store.save(&user, &a_record(), Version::MISSING).await.unwrap(), Saved::Conflict, "{sub}");
        assert_eq!(aws.item(&table_name, &user).await, Some(item), "{sub}");
    }
    // The same way in, with nothing wrong.
    let user = user("a record");
    let item = [("user", s(&user.to_string())), ("version", n("7")), ("record", s(&text))];
    aws.put(&table_name, item.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()).await;
    assert_eq!(store.load(&user).await.unwrap().version, Version(7));
}

#[tokio::test]
async fn a_missing_record_is_believed_only_in_a_table_that_is_the_pools() {
    let aws = OnMinistack::connect();
    let (store, table_name) = aws.new_store().await;
    let (anyone, (n, s)) =
        (user("a"), (|n: &str| AttributeValue::N(n.to_owned()), |s: &str| AttributeValue::S(s.to_owned())));
    let pool = &anyone.user_pool_id;
    let set_up = async |record: &str| {
        let item = [("user", s(&set_up_key(pool))), ("version", n("1")), ("record", s(record))];
        aws.put(&table_name, item.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()).await;
    };
    let believed = async |policy| load_under(policy, &store, &anyone).await.is_ok();
    assert!(believed(Policy::Required).await, "there, no record lets nobody in");
    assert!(!believed(Policy::Optional).await, "nobody has set the table up");
    let of = |name: &str| {
        SetUp { table_name: name.to_owned(), everybody_signed_out_at: Some(UnixTime(7)) }.to_json().unwrap()
    };
    for record in [of("another table"), "{}".to_owned(), "x".to_owned()] {
        set_up(&record).await;
        assert!(!believed(Policy::Optional).await, "{record}");
    }
    assert_eq!(store.everybody_signed_out_at(pool).await.unwrap(), None);
    set_up(&of(&table_name)).await;
    assert!(believed(Policy::Optional).await);
    assert_eq!(store.everybody_signed_out_at(pool).await.unwrap(), Some(UnixTime(7)));
    set_up(&format!(r#"{{"tableName":"{table_name}"}}"#)).await;
    assert!(believed(Policy::Optional).await, "as an earlier version wrote it");
    assert_eq!(store.everybody_signed_out_at(pool).await.unwrap(), None);
    store.confirm("us-east-1_Another").await.unwrap_err();

    // What a missing record costs, and one that is there.
    aws.calls.take();
    load_under(Policy::Optional, &store, &anyone).await.unwrap();
    assert_eq!(aws.calls.take().len(), 2);
    store.save(&anyone, &a_record(), Version::MISSING).await.unwrap();
    aws.calls.take();
    load_under(Policy::Optional, &store, &anyone).await.unwrap();
    assert_eq!(aws.calls.take().len(), 1);
}

#[tokio::test]
async fn a_load_is_one_consistent_get_item() {
    let aws = OnMinistack::connect();
    let (store, table_name) = aws.new_store().await;
    store.load(&user("a")).await.unwrap();
    let key = json!({ "user": { "S": "us-east-1_Example#a" } });
    let parameters = json!({ "TableName": table_name, "Key": key, "ConsistentRead": true });
    assert_eq!(aws.calls.take(), [Call { operation: "GetItem".to_owned(), parameters }]);
}

#[tokio::test]
async fn a_save_is_one_put_item_under_the_condition_that_nobody_saved_since() {
    let aws = OnMinistack::connect();
    let (store, table_name) = aws.new_store().await;
    let record = a_record();
    let item = |version: &str| {
        json!({
            "user": { "S": "us-east-1_Example#a" },
            "version": { "N": version },
            "record": { "S": record.to_json().unwrap() },
        })
    };

    store.save(&user("a"), &record, Version::MISSING).await.unwrap();
    let creating = json!({
        "TableName": table_name,
        "Item": item("1"),
        "ConditionExpression": "attribute_not_exists(#key)",
        "ExpressionAttributeNames": { "#key": "user" },
    });
    assert_eq!(aws.calls.take(), [Call { operation: "PutItem".to_owned(), parameters: creating }]);

    let replacing = json!({
        "TableName": table_name,
        "Item": item("2"),
        "ConditionExpression": "#version = :replacing",
        "ExpressionAttributeNames": { "#version": "version" },
        "ExpressionAttributeValues": { ":replacing": { "N": "1" } },
    });
    for saved in [Saved::Recorded, Saved::Conflict] {
        assert_eq!(store.save(&user("a"), &record, Version(1)).await.unwrap(), saved);
        assert_eq!(aws.calls.take(), [Call { operation: "PutItem".to_owned(), parameters: replacing.clone() }]);
    }
}

#[tokio::test]
async fn create_only_reads_and_reads_once() {
    let aws = OnMinistack::connect();
    let ((store, _), (sealer, _)) = (aws.new_store().await, aws.new_sealer().await);
    let functions = Functions::with_sealer(store, sealer, fill_random);
    functions.sign_in(&User::named("new", 2)).challenge().await.unwrap();
    assert_eq!(operations(&aws.calls.take()), ["GetItem", "Encrypt"]);

    let user = User::named("ada", 1);
    functions.enroll(&user).await;
    aws.calls.take();
    functions.sign_in(&user).challenge().await.unwrap();
    let calls = aws.calls.take();
    assert_eq!(operations(&calls), ["GetItem"]);
    assert_eq!(calls[0].parameters["ConsistentRead"], true);
}

#[tokio::test]
async fn verify_reads_opens_and_writes_once_and_writes_nothing_during_a_wait() {
    let aws = OnMinistack::connect();
    let ((store, _), (sealer, _)) = (aws.new_store().await, aws.new_sealer().await);
    let (functions, user) = (Functions::with_sealer(store, sealer, fill_random), User::named("ada", 1));
    let person = functions.enroll_yesterday(&user).await;
    let answer = async |typed: String| {
        let mut sign_in = functions.sign_in(&user);
        sign_in.challenge().await.unwrap();
        aws.calls.take();
        (sign_in.answer(&typed).await.unwrap(), operations(&aws.calls.take()).join(" "))
    };
    let recorded = "GetItem Decrypt PutItem".to_owned();
    assert_eq!(answer(person.passcode(NOW)).await, (true, recorded.clone()));
    for wrong in wrong_passcodes(&person.secret, NOW).take(5) {
        assert_eq!(answer(wrong).await, (false, recorded.clone()));
    }
    assert_eq!(answer(person.passcode(NOW.plus(30))).await, (false, "GetItem".to_owned()));
}

// Sealers

async fn what_was_sealed_opens_for_the_same_user_and_authenticator<B: Backend>() {
    let sealer = B::sealer().await;
    let (user, authenticator) = (user("a"), AuthenticatorId(random()));
    let context = EncryptionContext { user: &user, authenticator };
    // 64 bytes: the secret of an imported authenticator may be as long as its hash.
    for secret in [a_secret(), SharedSecret::new(random::<64>().to_vec())] {
        let sealed = sealer.seal(&secret, context).await.unwrap();
        assert_eq!(sealer.open(&sealed, context).await.unwrap().expose(), secret.expose());
        let travelled = SealedSecret::from_text(&sealed.to_text()).unwrap();
        assert_eq!(sealer.open(&travelled, context).await.unwrap().expose(), secret.expose());
    }
}

async fn what_was_sealed_opens_for_no_other_user_and_no_other_authenticator<B: Backend>() {
    let sealer = B::sealer().await;
    let (pool, sub, authenticator) = ("us-east-1_A", "a", AuthenticatorId([1; 16]));
    let key = |user_pool_id: &str, sub: &str| UserKey { user_pool_id: user_pool_id.to_owned(), sub: sub.to_owned() };
    let user = key(pool, sub);
    let context = EncryptionContext { user: &user, authenticator };
    let sealed = sealer.seal(&a_secret(), context).await.unwrap();
    let others = [
        (key(pool, "b"), authenticator),
        (key(pool, "A"), authenticator),
        (key(pool, ""), authenticator),
        (key("us-east-1_B", sub), authenticator),
        // The same letters, cut elsewhere or swapped.
        (key("us-east-1_", "Aa"), authenticator),
        (key("us-east-1_Aa", ""), authenticator),
        (key(sub, pool), authenticator),
        (key(pool, sub), AuthenticatorId([2; 16])),
        (key(pool, sub), AuthenticatorId([0; 16])),
    ];
    for (user, authenticator) in others {
        let other = EncryptionContext { user: &user, authenticator };
        assert!(sealer.open(&sealed, other).await.is_err(), "{other:?}");
    }
    assert!(sealer.open(&sealed, context).await.is_ok());
}

async fn what_is_too_short_for_a_sealed_secret_does_not_open<B: Backend>() {
    let sealer = B::sealer().await;
    let (user, authenticator) = (user("a"), AuthenticatorId(random()));
    let context = EncryptionContext { user: &user, authenticator };
    let SealedSecret(sealed) = sealer.seal(&a_secret(), context).await.unwrap();
    for length in [0, 1, 16, 23, 24, 25, 36, 39] {
        let cut = SealedSecret(sealed[..length].to_vec());
        assert!(sealer.open(&cut, context).await.is_err(), "{length} bytes");
    }
}

async fn sealing_twice_gives_different_bytes<B: Backend>() {
    let sealer = B::sealer().await;
    let (user, authenticator, secret) = (user("a"), AuthenticatorId(random()), a_secret());
    let context = EncryptionContext { user: &user, authenticator };
    let mut seen = HashSet::new();
    for _ in 0..8 {
        assert!(seen.insert(sealer.seal(&secret, context).await.unwrap().0));
    }
}

async fn sealed_bytes_do_not_hold_the_secret<B: Backend>() {
    let sealer = B::sealer().await;
    let (user, authenticator, secret) = (user("a"), AuthenticatorId(random()), a_secret());
    let SealedSecret(sealed) = sealer.seal(&secret, EncryptionContext { user: &user, authenticator }).await.unwrap();
    // Five bytes in a row do not come about by chance.
    for part in secret.expose().windows(5) {
        assert!(!sealed.windows(5).any(|window| window == part));
    }
}

/// KMS authenticates what it encrypts (AES-GCM); ministack's does not, see the test below.
#[tokio::test]
async fn in_memory_no_changed_byte_no_missing_byte_and_no_other_key_opens() {
    let (sealer, other_sealer) = (Memory::sealer().await, Memory::sealer().await);
    let (user, authenticator) = (user("a"), AuthenticatorId(random()));
    let context = EncryptionContext { user: &user, authenticator };
    let SealedSecret(sealed) = sealer.seal(&a_secret(), context).await.unwrap();
    for position in 0..sealed.len() {
        for bit in 0..8 {
            let mut changed = sealed.clone();
            changed[position] ^= 1 << bit;
            assert!(sealer.open(&SealedSecret(changed), context).await.is_err(), "bit {bit} of byte {position}");
        }
        let cut = SealedSecret(sealed[..position].to_vec());
        assert!(sealer.open(&cut, context).await.is_err(), "{position} bytes");
    }
    let longer = SealedSecret(sealed.iter().copied().chain([0]).collect());
    assert!(sealer.open(&longer, context).await.is_err());
    assert!(other_sealer.open(&SealedSecret(sealed), context).await.is_err());
}

/// Ministack's ciphertext is `key id (36) | hash of the context (32) | nonce (16) | secret XOR pad`: it compares the
/// hash of the context, and nothing else. So what memory refuses above, and KMS refuses with InvalidCiphertextException
/// (its ciphertexts are AES-GCM under the key's material), cannot be shown here. What can be: nothing but the
/// unchanged bytes and the right key give the secret. When ministack authenticates, this fails: then it belongs above.
#[tokio::test]
async fn ministack_opens_changed_bytes_but_not_to_the_secret() {
    const KEY_ID: usize = 36;
    const CONTEXT: usize = KEY_ID + 32;
    let aws = OnMinistack::connect();
    let (sealer, other_sealer) = (aws.new_sealer().await.0, aws.new_sealer().await.0);
    let (user, authenticator, secret) = (user("a"), AuthenticatorId(random()), a_secret());
    let context = EncryptionContext { user: &user, authenticator };
    let SealedSecret(sealed) = sealer.seal(&secret, context).await.unwrap();
    for position in (0..sealed.len()).step_by(3) {
        let mut changed = sealed.clone();
        changed[position] ^= 1;
        let opened = sealer.open(&SealedSecret(changed), context).await;
        let cut = sealer.open(&SealedSecret(sealed[..position].to_vec()), context).await;
        match position {
            // The key is named in the request, and this one is not compared with it.
            0..KEY_ID => assert_eq!(opened.unwrap().expose(), secret.expose(), "byte {position}"),
            KEY_ID..CONTEXT => assert!(opened.is_err(), "byte {position}"),
            _ => assert_ne!(opened.unwrap().expose(), secret.expose(), "byte {position}"),
        }
        match position {
            0..CONTEXT => assert!(cut.is_err(), "{position} bytes"),
            _ => assert_ne!(cut.unwrap().expose(), secret.expose(), "{position} bytes"),
        }
    }
    let opened = other_sealer.open(&SealedSecret(sealed), context).await;
    assert_ne!(opened.unwrap().expose(), secret.expose());
}

#[tokio::test]
async fn a_missing_key_is_a_fault() {
    let sealer = OnMinistack::connect().sealer_with("11111111-2222-3333-4444-555555555555");
    let (user, authenticator) = (user("a"), AuthenticatorId(random()));
    let context = EncryptionContext { user: &user, authenticator };
    assert!(format!("{:?}", sealer.seal(&a_secret(), context).await.unwrap_err()).contains("NotFoundException"));
    assert!(sealer.open(&SealedSecret(vec![1; 100]), context).await.is_err());
}

#[tokio::test]
async fn kms_receives_user_purpose_authenticator_and_key_both_ways() {
    let aws = OnMinistack::connect();
    let (sealer, key_id) = aws.new_sealer().await;
    let (user, authenticator) = (user("a"), AuthenticatorId([7; 16]));
    let context = EncryptionContext { user: &user, authenticator };
    let sealed = sealer.seal(&a_secret(), context).await.unwrap();
    sealer.open(&sealed, context).await.unwrap();
    let context = json!({
        "userPoolId": "us-east-1_Example",
        "sub": "a",
        "purpose": "authenticator-secret",
        "nonce": "BwcHBwcHBwcHBwcHBwcHBw",
    });
    let calls = aws.calls.take();
    assert_eq!(operations(&calls), ["Encrypt", "Decrypt"]);
    for call in calls {
        assert_eq!(call.parameters["EncryptionContext"], context, "{}", call.operation);
        assert_eq!(call.parameters["KeyId"], key_id, "{}", call.operation);
    }
}

/// The purpose is not the caller's choice, so only KMS itself can be asked to seal for another one. In memory the cipher
/// is asked: `shared/src/store/memory.rs`.
#[tokio::test]
async fn what_kms_sealed_for_another_purpose_does_not_open() {
    let aws = OnMinistack::connect();
    let (sealer, key_id) = aws.new_sealer().await;
    let (user, authenticator) = (user("a"), AuthenticatorId(random()));
    let context = EncryptionContext { user: &user, authenticator };
    for (purpose, opens) in [("authenticator-secret", true), ("export", false), ("", false)] {
        let request = aws.kms.encrypt().key_id(&key_id).plaintext(Blob::new(random::<SECRET_BYTES>()));
        let request = context.pairs().into_iter().fold(request, |request, (name, value)| {
            request.encryption_context(name, if name == "purpose" { purpose.to_owned() } else { value })
        });
        let sealed = request.send().await.unwrap().ciphertext_blob.unwrap().into_inner();
        assert_eq!(sealer.open(&SealedSecret(sealed), context).await.is_ok(), opens, "{purpose}");
    }
}

// The parts of these tests

/// A record unlike any other: of a user without an authenticator, who answered wrongly.
fn a_record() -> Record {
    let (issued, answer) = (issued(PROMPT), Answer::new("000000".to_owned()));
    match begin_verification(&Record::default(), &issued, &answer, ADMITTED, NOW) {
        BegunVerification::Done(Verification::ToRecord { record, .. }) => record,
        BegunVerification::Done(_) | BegunVerification::Pending(_) => panic!("a wrong passcode is on record"),
    }
}

/// The record of a user who enrolled, used a passcode, and answered wrongly until passcodes had to wait.
async fn a_record_with_all_its_parts<B: Backend>() -> Record {
    let functions = Functions::with_sealer(B::store().await, B::sealer().await, fill_random);
    let user = User::named("ada", 1);
    functions.clock.set(UnixTime(NOW.0 - 24 * 3600));
    let mut sign_in = functions.sign_in(&user);
    sign_in.client_metadata = Some(json!({ "friendlyDeviceName": "Ada's phone" }));
    let person = Person::enroll(&mut sign_in).await;
    functions.clock.set(NOW);
    let wrong = wrong_passcodes(&person.secret, NOW).take(5).map(|wrong| (wrong, false));
    for (typed, right) in [(person.passcode(NOW), true)].into_iter().chain(wrong) {
        assert_eq!(functions.passes_prompt(&user, &typed).await, right);
    }
    functions.stored(&user).await.record
}

fn a_secret() -> SharedSecret {
    SharedSecret::new(random::<SECRET_BYTES>().to_vec())
}

fn operations(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.operation.as_str()).collect()
}
