//! The users of the sample events, as events/README.md describes them.

use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::cognito::UserKey;
use shared::record::Record;
use shared::settings::SignInSettings;
use shared::store::memory::MemoryStore;
use shared::store::{RecordStore, Saved, Version, Versioned};

use crate::clock::NOW;
use crate::driver::Driver;
use crate::events::User;
use crate::functions::Functions;
use crate::person::{Person, set_up_authenticator};
use crate::random::{fill_random, plainly_fake};

/// Their records at [`NOW`]. Ana is one of them and has none.
pub struct SampleUsers {
    records: Vec<(UserKey, Record)>,
}

impl SampleUsers {
    /// Everyone, with the number of [`User::named`].
    pub const USERS: [(&str, u8); 6] =
        [("ana", 0xaa), ("ben", 0xbb), ("cleo", 0xcc), ("dora", 0xdd), ("emil", 0xee), ("fay", 0xff)];

    /// Brings every user to where the sample events find them, by answering challenges.
    pub async fn prepare() -> Self {
        let functions = Functions::over(MemoryStore::default(), plainly_fake, plainly_fake);
        let [_, ben, cleo, dora, emil, fay] = Self::USERS.map(|(name, number)| User::named(name, number));

        // Ben has an authenticator and ten codes.
        functions.clock.set(UnixTime(NOW.0 - 20 * 3600));
        let mut sign_in = functions.sign_in(&ben);
        sign_in.client_metadata = Some(json!({ "friendlyDeviceName": "Ben's phone" }));
        Person::enroll(&mut sign_in).await;

        // Dora has just mistyped a fifth passcode, and Emil's are blocked.
        for (user, wrong) in [(&emil, 20), (&dora, 5)] {
            let person = functions.enroll(user).await;
            for _ in 0..wrong {
                let mut sign_in = functions.sign_in(user);
                let shown = sign_in.challenge().await.expect("SECOND_FACTOR");
                functions.wait(shown["retryAfterSeconds"].as_str().and_then(|s| s.parse().ok()).expect("seconds"));
                if user == &dora {
                    functions.clock.set(UnixTime(NOW.0 - 10));
                }
                let passcode = person.wrong_passcode(functions.now());
                assert!(!sign_in.answer(&passcode).await.expect("an answer"), "a wrong passcode");
            }
        }

        // Cleo has an authenticator since a moment ago, and lost the connection before the codes.
        functions.clock.set(NOW);
        set_up_authenticator(&mut functions.sign_in(&cleo)).await;

        // Fay has just given a passcode, and her tokens are next.
        functions.clock.set(UnixTime(NOW.0 - 3600));
        let person = functions.enroll(&fay).await;
        functions.clock.set(UnixTime(NOW.0 - 1));
        let mut sign_in = functions.sign_in(&fay);
        sign_in.challenge().await.expect("SECOND_FACTOR");
        assert!(sign_in.answer(&person.passcode(functions.now())).await.expect("an answer"), "a passcode");

        let mut records = Vec::new();
        for user in [ben, cleo, dora, emil, fay] {
            let record = functions.stored(&user).await.record;
            records.push((user.key(), record));
        }
        Self { records }
    }

    /// The three triggers over these users' records; what they draw is random.
    pub async fn functions(&self) -> Functions {
        let store = MemoryStore::default();
        for (user, record) in &self.records {
            let saved = store.save(user, record, Version::MISSING).await.expect("a save");
            assert!(saved == Saved::Recorded, "a new record");
        }
        Functions::over(store, plainly_fake, fill_random)
    }

    /// The same, with other settings.
    pub async fn functions_set_to(&self, settings: SignInSettings) -> Functions {
        let mut functions = self.functions().await;
        functions.set(settings);
        functions
    }

    /// The records that there are, by their keys in the table.
    pub async fn records(functions: &Functions) -> Vec<(String, Value)> {
        let mut records = Vec::new();
        for user in Self::USERS.map(|(name, number)| User::named(name, number)) {
            let Versioned { record, version } = functions.stored(&user).await;
            if version != Version::MISSING {
                let record = serde_json::from_str(&record.to_json().expect("JSON")).expect("JSON");
                records.push((user.key().to_string(), record));
            }
        }
        records
    }

    /// Every user's record, as text.
    pub async fn stored(functions: &Functions) -> Vec<String> {
        let mut stored = Vec::new();
        for (name, number) in Self::USERS {
            let Versioned { record, version } = functions.stored(&User::named(name, number)).await;
            stored.push(format!("{name} {version:?} {}", record.to_json().expect("JSON")));
        }
        stored
    }
}
