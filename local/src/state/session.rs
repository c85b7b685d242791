//! Sign-ins in progress. One challenge is open at a time; a session string stands for the challenge and for the sign-in so
//! far.
//!
//! Invariant: a session string works once, within its validity, for the client, the user and the challenge it was issued for.
//! It is taken before the response is verified, so it is spent after a trigger error too, and of two responses to one
//! challenge only one is verified. A request that does not match it does not touch it.

use std::collections::HashMap;

use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::cognito::{ChallengeName, CognitoMfa};

use crate::error::CognitoError;
use crate::random;
use crate::request::Strings;
use crate::settings::ClientSettings;
use crate::srp::{ClientPublicValue, Handshake};
use crate::state::mfa::SentCode;

/// How long the error for a session string can still say that it was used or has expired, and not only that it is invalid.
const KEEP_SECONDS: u64 = 60 * 60;

/// What is known of a sign-in so far.
pub(crate) struct SignInState {
    pub(crate) client: ClientSettings,
    /// As the pool keeps it; as it was typed for a user who does not exist.
    pub(crate) user_name: String,
    pub(crate) user_not_found: bool,
    pub(crate) flow_owner: FlowOwner,
    /// Kept until Define asks for the password.
    pub(crate) srp_a: Option<ClientPublicValue>,
    /// What the user selected of several factors.
    pub(crate) selected_mfa: Option<CognitoMfa>,
    /// `session` of the events.
    pub(crate) answered: Vec<AnsweredChallenge>,
}

/// What decides the next step once Cognito itself requires nothing more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FlowOwner {
    /// `DefineAuthChallenge`: the flow `CUSTOM_AUTH`.
    Define,
    /// Cognito: tokens follow.
    Cognito,
}

impl SignInState {
    fn has_passed(&self, is_one: impl Fn(ChallengeName) -> bool) -> bool {
        self.answered.iter().any(|challenge| challenge.correct && is_one(challenge.name))
    }

    pub(crate) fn has_proven_password(&self) -> bool {
        self.has_passed(|name| name == ChallengeName::PasswordVerifier)
    }

    pub(crate) fn has_passed_mfa(&self) -> bool {
        self.has_passed(|name| matches!(name, ChallengeName::MfaSetup | ChallengeName::Mfa(_)))
    }
}

/// One entry of the `session` that Define and Create receive.
#[derive(Clone)]
pub(crate) struct AnsweredChallenge {
    pub(crate) name: ChallengeName,
    pub(crate) correct: bool,
    pub(crate) metadata: Option<String>,
}

impl AnsweredChallenge {
    /// The result of one of Cognito's own challenges, which have no metadata.
    pub(crate) fn by_cognito(name: ChallengeName, correct: bool) -> Self {
        Self { name, correct, metadata: None }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "challengeName": self.name.as_str(),
            "challengeResult": self.correct,
            "challengeMetadata": self.metadata,
        })
    }
}

/// The challenge that a response is expected to, with what the pool needs to verify it.
pub(crate) enum OpenChallenge {
    PasswordVerifier(Box<Handshake>),
    CustomChallenge { private_parameters: Strings, metadata: Option<String> },
    NewPasswordRequired,
    SoftwareTokenMfa,
    SentCodeMfa(CognitoMfa, SentCode),
    SelectMfaType(Vec<CognitoMfa>),
    MfaSetup { verified: bool },
}

impl OpenChallenge {
    pub(crate) fn name(&self) -> ChallengeName {
        match self {
            Self::PasswordVerifier(_) => ChallengeName::PasswordVerifier,
            Self::CustomChallenge { .. } => ChallengeName::CustomChallenge,
            Self::NewPasswordRequired => ChallengeName::NewPasswordRequired,
            Self::SoftwareTokenMfa => ChallengeName::Mfa(CognitoMfa::SoftwareToken),
            Self::SentCodeMfa(factor, _) => ChallengeName::Mfa(*factor),
            Self::SelectMfaType(_) => ChallengeName::SelectMfaType,
            Self::MfaSetup { .. } => ChallengeName::MfaSetup,
        }
    }
}

/// A sign-in that waits for a software token to be set up.
pub(crate) struct PendingMfaSetup {
    sign_in: SignInState,
    verified: bool,
}

impl PendingMfaSetup {
    pub(crate) fn user_name(&self) -> &str {
        &self.sign_in.user_name
    }
}

/// What a session string stands for.
struct Session {
    expires_at: UnixTime,
    /// `None` when it was used.
    open: Option<(SignInState, OpenChallenge)>,
}

impl Session {
    fn check_expiry(&self, now: UnixTime) -> Result<(), CognitoError> {
        if self.expires_at <= now {
            return Err(CognitoError::not_authorized("Invalid session for the user, session is expired."));
        }
        Ok(())
    }
}

/// All sessions, by session string.
#[derive(Default)]
pub(crate) struct Sessions(HashMap<String, Session>);

impl Sessions {
    /// Keeps a sign-in and its open challenge under a new session string, and returns the string.
    pub(crate) fn open(
        &mut self,
        sign_in: SignInState,
        challenge: OpenChallenge,
        now: UnixTime,
    ) -> Result<String, CognitoError> {
        let session = random::opaque::<96>()?;
        let expires_at = now.plus(sign_in.client.auth_session_validity.seconds());
        self.0.retain(|_, session| now < session.expires_at.plus(KEEP_SECONDS));
        self.0.insert(session.clone(), Session { expires_at, open: Some((sign_in, challenge)) });
        Ok(session)
    }

    /// Takes out what a session string stands for, for good.
    pub(crate) fn take(
        &mut self,
        session: &str,
        client: &ClientSettings,
        user_name: &str,
        challenge_name: ChallengeName,
        now: UnixTime,
    ) -> Result<(SignInState, OpenChallenge), CognitoError> {
        let session = self.find(session)?;
        let Some((sign_in, challenge)) = &session.open else {
            return Err(used_session());
        };
        let matches = sign_in.client.client_id == client.client_id
            && sign_in.user_name.to_lowercase() == user_name.to_lowercase()
            && challenge.name() == challenge_name;
        if !matches {
            return Err(invalid_session());
        }
        session.check_expiry(now)?;
        session.open.take().ok_or_else(invalid_session)
    }

    /// Undoes [`Self::take`], after a response that may be corrected.
    pub(crate) fn reopen(&mut self, session: &str, sign_in: SignInState, challenge: OpenChallenge) {
        if let Some(session) = self.0.get_mut(session) {
            session.open = Some((sign_in, challenge));
        }
    }

    /// Takes out an `MFA_SETUP`.
    pub(crate) fn take_mfa_setup(&mut self, session: &str, now: UnixTime) -> Result<PendingMfaSetup, CognitoError> {
        let session = self.find(session)?;
        if session.open.is_none() {
            return Err(used_session());
        }
        session.check_expiry(now)?;
        match session.open.take() {
            Some((sign_in, OpenChallenge::MfaSetup { verified })) => Ok(PendingMfaSetup { sign_in, verified }),
            other => {
                session.open = other;
                Err(invalid_session())
            }
        }
    }

    /// Undoes [`Self::take_mfa_setup`].
    pub(crate) fn reopen_mfa_setup(&mut self, session: &str, pending: PendingMfaSetup) {
        let PendingMfaSetup { sign_in, verified } = pending;
        self.reopen(session, sign_in, OpenChallenge::MfaSetup { verified });
    }

    /// A verification holds for the sign-in that it was made in, and until the next association.
    pub(crate) fn continue_mfa_setup(
        &mut self,
        pending: PendingMfaSetup,
        verified: bool,
        now: UnixTime,
    ) -> Result<String, CognitoError> {
        self.open(pending.sign_in, OpenChallenge::MfaSetup { verified }, now)
    }

    /// The session string of the open PASSWORD_VERIFIER of `USER_SRP_AUTH` with this SECRET_BLOCK.
    pub(crate) fn of_secret_block(&self, secret_block: &str) -> Option<String> {
        let is_one = |session: &Session| matches!(&session.open, Some((sign_in, OpenChallenge::PasswordVerifier(handshake))) if sign_in.flow_owner == FlowOwner::Cognito && handshake.has(secret_block));
        self.0.iter().find(|(_, session)| is_one(session)).map(|(name, _)| name.clone())
    }

    /// Whether there is such a session string.
    pub(crate) fn has(&self, session: &str) -> bool {
        self.0.contains_key(session)
    }

    fn find(&mut self, session: &str) -> Result<&mut Session, CognitoError> {
        self.0.get_mut(session).ok_or_else(invalid_session)
    }
}

fn used_session() -> CognitoError {
    CognitoError::not_authorized("Invalid session for the user, session can only be used once.")
}

pub(crate) fn invalid_session() -> CognitoError {
    CognitoError::not_authorized("Invalid session for the user.")
}
