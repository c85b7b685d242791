//! The sign-in: `InitiateAuth` with `CUSTOM_AUTH`, and `RespondToAuthChallenge` until there are tokens.
//!
//! One challenge is open at a time. What is known of the sign-in so far travels from challenge to challenge in
//! [`SignIn`]; the session string names it, once.
//!
//! Invariant: a session string works once, within its time, for the client, the user and the challenge it was made for.
//! An answer spends it before anything is judged, so it is spent after a trigger error too; a request that does not
//! match it, or that is refused for its form or for the password policy, does not touch it. A user who does not exist
//! never gets tokens.
//!
//! Source: the Cognito API reference, `InitiateAuth` and `RespondToAuthChallenge`.

use serde_json::{Value, json};

use crate::accounts::{Password, UserStatus, read_attributes};
use crate::error::CognitoError;
use crate::pool::Pool;
use crate::random;
use crate::request::{Request, Strings, outside_of_enum, parameter};
use crate::settings::{ClientSettings, PreventUserExistenceErrors, UnixSeconds};
use crate::srp::{ClientPublicValue, Handshake, PasswordClaim, PasswordVerifier, read_claim_timestamp};
use crate::triggers::{ChallengeResult, CustomChallenge, EventFrame, NextStep, unrecognizable_output};

/// How far from now the time in a password claim may be, either way. Cognito says "a few seconds" and no number.
const CLAIM_TOLERANCE: UnixSeconds = 5 * 60;

/// How long the pool can say of a session string that it was spent or has expired, and not only that it is invalid.
const SESSION_REMEMBERED: UnixSeconds = 60 * 60;

/// A sign-in on its way.
pub(crate) struct SignIn {
    client: ClientSettings,
    /// As the pool keeps it; as it was typed for a user who does not exist.
    user_name: String,
    user_not_found: bool,
    /// Waits for Define to ask for the password.
    srp_a: Option<ClientPublicValue>,
    session: Vec<ChallengeResult>,
}

/// What a session string stands for.
pub(crate) struct Session {
    expires_at: UnixSeconds,
    /// `None` when it was spent.
    open: Option<(SignIn, OpenChallenge)>,
}

/// The challenge whose answer is waited for, with what the pool needs to judge it.
enum OpenChallenge {
    PasswordVerifier(Box<Handshake>),
    CustomChallenge { private_parameters: Strings, metadata: Option<String> },
    NewPasswordRequired,
}

impl OpenChallenge {
    fn name(&self) -> &'static str {
        match self {
            Self::PasswordVerifier(_) => "PASSWORD_VERIFIER",
            Self::CustomChallenge { .. } => "CUSTOM_CHALLENGE",
            Self::NewPasswordRequired => "NEW_PASSWORD_REQUIRED",
        }
    }
}

/// The answer to a challenge, of the right form.
enum Answer<'a> {
    PasswordVerifier { claim: PasswordClaim<'a>, stated_time: UnixSeconds },
    CustomChallenge(&'a str),
    NewPasswordRequired { password: Password<'a>, attributes: Strings },
}

impl<'a> Answer<'a> {
    fn read(challenge_name: &str, responses: &'a Strings) -> Result<Self, CognitoError> {
        match challenge_name {
            "PASSWORD_VERIFIER" => {
                let claim = PasswordClaim {
                    secret_block: parameter(responses, "PASSWORD_CLAIM_SECRET_BLOCK")?,
                    signature: parameter(responses, "PASSWORD_CLAIM_SIGNATURE")?,
                    timestamp: parameter(responses, "TIMESTAMP")?,
                };
                let stated_time = read_claim_timestamp(claim.timestamp).ok_or_else(|| {
                    CognitoError::invalid_parameter("TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english")
                })?;
                Ok(Self::PasswordVerifier { claim, stated_time })
            }
            "CUSTOM_CHALLENGE" => Ok(Self::CustomChallenge(parameter(responses, "ANSWER")?)),
            "NEW_PASSWORD_REQUIRED" => {
                let attributes = responses.iter().filter_map(|(name, value)| {
                    Some((name.strip_prefix("userAttributes.")?.to_owned(), value.clone()))
                });
                Ok(Self::NewPasswordRequired {
                    password: Password::read(parameter(responses, "NEW_PASSWORD")?)?,
                    attributes: read_attributes(attributes.collect())?,
                })
            }
            other => Err(outside_of_enum("ChallengeName", other)),
        }
    }
}

impl Pool {
    pub(crate) async fn initiate_auth(&self, request: &Request) -> Result<Value, CognitoError> {
        let client = self.client(request)?;
        let parameters = request.strings("AuthParameters")?;
        match request.required("AuthFlow")? {
            "CUSTOM_AUTH" => self.initiate_custom_auth(client, &parameters).await,
            "REFRESH_TOKEN_AUTH" | "REFRESH_TOKEN" => self.refresh(client, &parameters),
            other => Err(flow_not_enabled(other)),
        }
    }

    pub(crate) async fn admin_initiate_auth(&self, request: &Request) -> Result<Value, CognitoError> {
        self.check_user_pool(request)?;
        self.initiate_auth(request).await
    }

    pub(crate) async fn respond_to_auth_challenge(&self, request: &Request) -> Result<Value, CognitoError> {
        let client = self.client(request)?;
        let challenge_name = request.required("ChallengeName")?;
        let responses = request.strings("ChallengeResponses")?;
        let user_name = parameter(&responses, "USERNAME")?;
        client.check_secret_hash(user_name, responses.get("SECRET_HASH").map(String::as_str))?;
        let answer = Answer::read(challenge_name, &responses)?;
        let client_metadata = request.optional_strings("ClientMetadata")?;
        let session = request.optional("Session")?.ok_or_else(|| CognitoError::missing_parameter("Session"))?;

        let (mut sign_in, challenge) = self.spend(session, client, user_name, challenge_name)?;
        let result = match (challenge, answer) {
            (OpenChallenge::PasswordVerifier(handshake), Answer::PasswordVerifier { claim, stated_time }) => {
                let proven = self.is_password_proven(&sign_in, &handshake, &claim, stated_time)?;
                ChallengeResult::own("PASSWORD_VERIFIER", proven)
            }
            (OpenChallenge::CustomChallenge { private_parameters, metadata }, Answer::CustomChallenge(answer)) => {
                let frame = self.event_frame(&sign_in, client_metadata.clone());
                ChallengeResult {
                    challenge_name: "CUSTOM_CHALLENGE",
                    challenge_result: self.delivery.verify(&frame, &private_parameters, answer).await?,
                    challenge_metadata: metadata,
                }
            }
            (OpenChallenge::NewPasswordRequired, Answer::NewPasswordRequired { password, attributes }) => {
                let password = password.verifier(self, &sign_in.user_name)?;
                let now = self.now();
                let mut state = self.state();
                let user = state.user_mut(&sign_in.user_name)?;
                user.set_password(password, UserStatus::Confirmed, now);
                user.attributes.extend(attributes);
                ChallengeResult::own("NEW_PASSWORD_REQUIRED", true)
            }
            (
                OpenChallenge::PasswordVerifier(_)
                | OpenChallenge::CustomChallenge { .. }
                | OpenChallenge::NewPasswordRequired,
                _,
            ) => return Err(invalid_session()),
        };
        sign_in.session.push(result);
        self.next_step(sign_in, client_metadata).await
    }

    pub(crate) async fn admin_respond_to_auth_challenge(&self, request: &Request) -> Result<Value, CognitoError> {
        self.check_user_pool(request)?;
        self.respond_to_auth_challenge(request).await
    }

    /// With `CHALLENGE_NAME=SRP_A` the password can be asked for; without, Define sees an empty session.
    async fn initiate_custom_auth(&self, client: &ClientSettings, parameters: &Strings) -> Result<Value, CognitoError> {
        let typed_name = parameter(parameters, "USERNAME")?;
        client.check_secret_hash(typed_name, parameters.get("SECRET_HASH").map(String::as_str))?;
        let srp_a = match parameters.get("CHALLENGE_NAME").map(String::as_str) {
            None => None,
            Some("SRP_A") => {
                let srp_a = ClientPublicValue::parse(parameter(parameters, "SRP_A")?);
                Some(srp_a.ok_or_else(|| CognitoError::invalid_parameter("Invalid SRP_A"))?)
            }
            Some(other) => return Err(outside_of_enum("ChallengeName", other)),
        };
        let session = srp_a.iter().map(|_| ChallengeResult::own("SRP_A", true)).collect();

        let known = self.state().user(typed_name).map(|user| (user.user_name.clone(), user.status));
        let user_not_found = known.is_none();
        let user_name = match (known, client.prevent_user_existence_errors) {
            // With SRP_A this is told only to who knows the password.
            (Some((_, UserStatus::Unconfirmed)), _) if srp_a.is_none() => {
                return Err(CognitoError::user_not_confirmed());
            }
            (Some((user_name, _)), _) => user_name,
            (None, PreventUserExistenceErrors::Enabled) => typed_name.to_owned(),
            (None, PreventUserExistenceErrors::Legacy) => return Err(CognitoError::user_not_found()),
        };
        let sign_in = SignIn { client: client.clone(), user_name, user_not_found, srp_a, session };
        self.next_step(sign_in, None).await
    }

    /// Takes what a session string stands for out of the state, for good.
    fn spend(
        &self,
        session: &str,
        client: &ClientSettings,
        user_name: &str,
        challenge_name: &str,
    ) -> Result<(SignIn, OpenChallenge), CognitoError> {
        let now = self.now();
        let mut state = self.state();
        let session = state.sessions.get_mut(session).ok_or_else(invalid_session)?;
        let Some((sign_in, challenge)) = &session.open else {
            return Err(CognitoError::not_authorized("Invalid session for the user, session can only be used once."));
        };
        let is_meant = sign_in.client.client_id == client.client_id
            && sign_in.user_name.to_lowercase() == user_name.to_lowercase()
            && challenge.name() == challenge_name;
        if !is_meant {
            return Err(invalid_session());
        }
        if session.expires_at <= now {
            return Err(CognitoError::not_authorized("Invalid session for the user, session is expired."));
        }
        session.open.take().ok_or_else(invalid_session)
    }

    /// An error where the sign-in ends without Define being asked.
    fn is_password_proven(
        &self,
        sign_in: &SignIn,
        handshake: &Handshake,
        claim: &PasswordClaim<'_>,
        stated_time: UnixSeconds,
    ) -> Result<bool, CognitoError> {
        let proven = handshake.is_proven_by(claim, &self.settings.user_pool_id, &sign_in.user_name)
            && stated_time.abs_diff(self.now()) <= CLAIM_TOLERANCE
            && !sign_in.user_not_found;
        if !proven && !self.settings.define_sees_wrong_password {
            return Err(CognitoError::incorrect_username_or_password());
        }
        let status = self.state().user(&sign_in.user_name).map(|user| user.status);
        if proven && status == Some(UserStatus::Unconfirmed) {
            return Err(CognitoError::user_not_confirmed());
        }
        Ok(proven)
    }

    /// Asks Define what comes next, and does it.
    async fn next_step(&self, mut sign_in: SignIn, client_metadata: Option<Strings>) -> Result<Value, CognitoError> {
        let frame = self.event_frame(&sign_in, client_metadata);
        let challenge_name = match self.delivery.define(&frame, &sign_in.session).await? {
            NextStep::FailAuthentication => return Err(CognitoError::incorrect_username_or_password()),
            NextStep::IssueTokens if sign_in.user_not_found => {
                return Err(CognitoError::incorrect_username_or_password());
            }
            NextStep::IssueTokens => return self.issue_tokens(&sign_in.client, &sign_in.user_name),
            NextStep::Challenge(name) => name,
        };
        match challenge_name.as_str() {
            "PASSWORD_VERIFIER" => {
                let srp_a = sign_in.srp_a.take().ok_or_else(unrecognizable_output)?;
                self.ask_for_password(sign_in, srp_a)
            }
            "CUSTOM_CHALLENGE" => self.ask_custom_challenge(sign_in, frame).await,
            "NEW_PASSWORD_REQUIRED" => self.ask_for_new_password(sign_in),
            _ => Err(unrecognizable_output()),
        }
    }

    fn ask_for_password(&self, sign_in: SignIn, srp_a: ClientPublicValue) -> Result<Value, CognitoError> {
        let known = self.state().user(&sign_in.user_name).map(|user| user.password.clone());
        let password = match known {
            Some(password) => password,
            None => PasswordVerifier::simulated(&self.simulation_key, &sign_in.user_name)?,
        };
        let handshake = Handshake::new(password, srp_a)?;
        let parameters = handshake.challenge_parameters(&sign_in.user_name);
        self.open(sign_in, OpenChallenge::PasswordVerifier(Box::new(handshake)), parameters)
    }

    async fn ask_custom_challenge(&self, sign_in: SignIn, mut frame: EventFrame) -> Result<Value, CognitoError> {
        if !self.settings.client_metadata_reaches_create {
            frame.client_metadata = None;
        }
        let created = self.delivery.create(&frame, &sign_in.session).await?;
        let CustomChallenge { mut public_parameters, private_parameters, metadata } = created;
        public_parameters.insert("USERNAME".to_owned(), sign_in.user_name.clone());
        let challenge = OpenChallenge::CustomChallenge { private_parameters, metadata };
        self.open(sign_in, challenge, json!(public_parameters))
    }

    /// Only for a user with a temporary password who has proven it.
    fn ask_for_new_password(&self, sign_in: SignIn) -> Result<Value, CognitoError> {
        let is_password_proven =
            sign_in.session.iter().any(|entry| entry.challenge_name == "PASSWORD_VERIFIER" && entry.challenge_result);
        let attributes = {
            let state = self.state();
            let user = state.user(&sign_in.user_name);
            let user = user.filter(|user| is_password_proven && user.status == UserStatus::ForceChangePassword);
            user.ok_or_else(unrecognizable_output)?.attributes.clone()
        };
        let parameters = json!({
            "USER_ID_FOR_SRP": sign_in.user_name,
            "requiredAttributes": "[]",
            "userAttributes": json!(attributes).to_string(),
        });
        self.open(sign_in, OpenChallenge::NewPasswordRequired, parameters)
    }

    /// Asks the client, and waits under a new session string.
    fn open(&self, sign_in: SignIn, challenge: OpenChallenge, parameters: Value) -> Result<Value, CognitoError> {
        let session = random::opaque::<96>()?;
        let answer = json!({
            "ChallengeName": challenge.name(),
            "ChallengeParameters": parameters,
            "Session": session,
        });
        let now = self.now();
        let expires_at = now.saturating_add(sign_in.client.auth_session_validity.seconds());
        let mut state = self.state();
        state.sessions.retain(|_, session| now < session.expires_at.saturating_add(SESSION_REMEMBERED));
        state.sessions.insert(session, Session { expires_at, open: Some((sign_in, challenge)) });
        Ok(answer)
    }

    fn event_frame(&self, sign_in: &SignIn, client_metadata: Option<Strings>) -> EventFrame {
        let user_attributes = self.state().user(&sign_in.user_name).map(|user| user.trigger_attributes());
        EventFrame {
            region: self.settings.region.clone(),
            user_pool_id: self.settings.user_pool_id.clone(),
            user_name: sign_in.user_name.clone(),
            client_id: sign_in.client.client_id.clone(),
            user_attributes: user_attributes.unwrap_or_default(),
            user_not_found: match sign_in.client.prevent_user_existence_errors {
                PreventUserExistenceErrors::Enabled => Some(sign_in.user_not_found),
                PreventUserExistenceErrors::Legacy => None,
            },
            client_metadata,
        }
    }
}

fn invalid_session() -> CognitoError {
    CognitoError::not_authorized("Invalid session for the user.")
}

/// For the flows that an app client of this project must not have.
fn flow_not_enabled(flow: &str) -> CognitoError {
    match flow {
        "USER_SRP_AUTH" => CognitoError::invalid_parameter("USER_SRP_AUTH is not enabled for the client."),
        "USER_PASSWORD_AUTH" | "USER_AUTH" => {
            CognitoError::invalid_parameter(format!("{flow} flow not enabled for this client"))
        }
        "ADMIN_USER_PASSWORD_AUTH" | "ADMIN_NO_SRP_AUTH" => {
            CognitoError::invalid_parameter("Auth flow not enabled for this client")
        }
        unknown => outside_of_enum("AuthFlow", unknown),
    }
}
