//! `reset`: takes an account back from somebody who may have its password, its authenticator or its codes.
//!
//! First the record: empty, in a new generation, and closed by a code. Then the password, then the sessions. Stopped after any of
//! these, the account is safe and the command can be run again (docs/decisions.md, D70).

use serde_json::{Map, Value, json};
use shared::record::Record;
use zeroize::Zeroizing;

use crate::aws::CallError;
use crate::code::NewCode;
use crate::desk::{Desk, Planned};
use crate::sign_out::{NotDone, Noted, end_sessions};
use crate::terminal::Stopped;
use crate::time::when;
use crate::user::{EXTERNAL_PROVIDER, User};

/// Random bytes of a password; as text they are a third longer.
const PASSWORD_BYTES: usize = 24;
/// One of each class that a password policy can require.
const ONE_OF_EACH: &str = "aA1!";

/// Does it.
///
/// # Errors
/// See [`Stopped`].
pub(crate) async fn reset(
    mut desk: Desk<'_, '_>,
    typed: &str,
    hours: u64,
    prints_password: bool,
) -> Result<(), Stopped> {
    let now = desk.now;
    desk.must_be_able_to_ask()?;
    let user = desk.user(typed).await?;
    let request = json!({ "UserPoolId": desk.options.user_pool_id.to_string() });
    let described = desk.services.cognito("DescribeUserPool", &request).await;
    let described = described.map_err(|error| desk.failed(&error))?;
    check(&user, &described, prints_password)?;
    let password = password(&desk, &described)?;
    let new = NewCode::draw(&desk, hours)?;
    let plan = |record: &Record| {
        let mut sentences = Vec::new();
        if let Some(until) = record.operator_code_until(now) {
            sentences.push(format!("The code from before, good until {}, will not work any more.", when(until)));
        }
        sentences.extend([
            "1. The authenticator, the recovery codes and the count of wrong passcodes will be removed. The next sign-in will \
             need a code that is printed here."
                .to_owned(),
            "2. The user will get a random password.".to_owned(),
            "3. All sessions will end; access tokens that are out are valid until they expire.".to_owned(),
        ]);
        Ok(Planned {
            record: Record::reset(new.generation).with_operator_code(new.kept.clone(), new.generation),
            sentences,
        })
    };
    let key = desk.key(&user.sub);
    let Some(agreed) = desk.agree(key, &[user.in_words()], plan).await? else { return Ok(()) };
    // The name may be somebody else's by now.
    if desk.user(&user.sub).await?.user_name != user.user_name {
        return Err(desk.stop("the user has another name by now; run it again."));
    }
    desk.save(&agreed, plan).await?;
    // Printed even if the next call fails: the record is waiting for it.
    desk.say("1. The record is reset.")?;
    for line in new.in_words() {
        desk.say(&line)?;
    }
    let result = |done: &[&str], error: Option<&CallError>| {
        let code = new.code.show();
        let mut result = json!({ "sub": user.sub, "code": code.as_str(), "until": when(new.until), "done": done });
        if let (Some(result), Some(error)) = (result.as_object_mut(), error) {
            result.insert("error".to_owned(), json!(error.why()));
        }
        result
    };
    let mut done = vec!["record"];
    let stopped = |desk: &mut Desk<'_, '_>, done: &[&str], error: &CallError, left: &str| {
        desk.print_json(&result(done, Some(error)))?;
        Err(Stopped::Failed(format!(
            "The record is reset and waits for the code above, but {left}: {}. {} Running it again starts over and prints another code.",
            error.why(),
            error.cause.remedy(),
        )))
    };
    let called = |call: &str| Map::from_iter([("call".to_owned(), json!(call))]);

    let pool = desk.options.user_pool_id.to_string();
    let request =
        json!({ "UserPoolId": pool, "Username": user.user_name, "Password": password.as_str(), "Permanent": true });
    if let Err(error) = desk.services.cognito("AdminSetUserPassword", &request).await {
        return stopped(&mut desk, &done, &error, "the password is the old one, and sessions go on");
    }
    done.push("password");
    desk.audit(agreed.by(), &user.sub, now, called("AdminSetUserPassword"))?;
    match prints_password {
        true => desk.say(&format!("2. The password is {}", password.as_str()))?,
        false => desk.say("2. A random password is set, which nobody knows.")?,
    }

    let ended_at = desk.time();
    let ended =
        end_sessions(desk.services, agreed.store(), &agreed.key, &user.user_name, ended_at, |record| record).await;
    if let Err(NotDone::Before(error)) = &ended {
        return stopped(&mut desk, &done, error, "sessions go on");
    }
    done.push("signOut");
    desk.audit(agreed.by(), &user.sub, now, called("AdminUserGlobalSignOut"))?;
    desk.say("3. All sessions have ended.")?;
    // The account is safe: the record is closed and the password new.
    let is_noted = matches!(ended, Ok(Noted::Yes));
    if !is_noted {
        desk.say(
            "The record does not note that they have ended. Where a second factor is required of this user, run `second-factor \
             sign-out` in two minutes, or refreshes are refused for as long as an earlier session could last.",
        )?;
    }
    desk.say(
        "Tell the owner, by a way that an attacker does not have: choose a new password (\"forgotten password\"), sign in, and \
         type the code.",
    )?;
    if is_noted {
        done.push("signOutNoted");
    }
    let mut result = result(&done, None);
    if let (true, Some(result)) = (prints_password, result.as_object_mut()) {
        result.insert("password".to_owned(), json!(password.as_str()));
    }
    desk.print_json(&result)
}

/// Before anything is changed: whether this can be done for this user, and whether the user can come back.
fn check(user: &User, described: &Value, prints_password: bool) -> Result<(), Stopped> {
    let stop = |why: String| Err(Stopped::unchanged(why));
    match user.status.as_str() {
        // AdminSetUserPassword would let them sign in without their provider.
        EXTERNAL_PROVIDER => {
            return stop(format!("{} signs in with an identity provider; take the account back there.", user.sub));
        }
        // It would confirm an address that nobody has confirmed.
        "UNCONFIRMED" => {
            return stop(format!("{} has never confirmed the account, so there is nothing to take back.", user.sub));
        }
        _ => {}
    }
    let mechanisms = described.pointer("/UserPool/AccountRecoverySetting/RecoveryMechanisms").and_then(Value::as_array);
    // Left out, it is the address or the number.
    let allows =
        |name: &str| mechanisms.is_none_or(|all| all.iter().any(|one| one.get("Name").is_some_and(|is| is == name)));
    let comes_back = (allows("verified_email") && user.has_verified_email)
        || (allows("verified_phone_number") && user.has_verified_phone);
    if comes_back || prints_password {
        return Ok(());
    }
    stop(format!(
        "{} could not choose a new password alone, without a verified address that the pool lets users recover by. Add \
         --print-password, and give the password to the user.",
        user.sub
    ))
}

/// Random, and of every class.
fn password(desk: &Desk<'_, '_>, described: &Value) -> Result<Zeroizing<String>, Stopped> {
    let shortest = described.pointer("/UserPool/Policies/PasswordPolicy/MinimumLength").and_then(Value::as_u64);
    let shortest = usize::try_from(shortest.unwrap_or_default()).unwrap_or_default();
    let mut password = Zeroizing::new(ONE_OF_EACH.to_owned());
    loop {
        let random = Zeroizing::new(desk.draw::<PASSWORD_BYTES>()?);
        password.push_str(&Zeroizing::new(shared::encoding::encode(random.as_slice())));
        if password.len() >= shortest {
            return Ok(password);
        }
    }
}
