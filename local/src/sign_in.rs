//! The sign-in: `InitiateAuth` by one of Cognito's flows, and `RespondToAuthChallenge` until there are tokens.
//!
//! One challenge is open at a time. What is known of the sign-in so far travels from challenge to challenge in
//! [`SignIn`]; the session string names it, once. After the password it is Cognito's turn ([`Pool::cognitos_turn`]): a new
//! password, its own MFA. Then Define decides in `CUSTOM_AUTH`, and in every other flow tokens follow.
//!
//! Invariant: a session string works once, within its time, for the client, the user and the challenge it was made for.
//! An answer spends it before anything is judged, so it is spent after a trigger error too; a request that does not
//! match it, or that is refused for its form or for the password policy, does not touch it, and a mistyped code of Cognito's
//! own MFA leaves it open, as clients rely on. A user who does not exist never gets tokens.
//!
//! Source: the Cognito API reference, `InitiateAuth` and `RespondToAuthChallenge`.

use serde_json::{Value, json};

use crate::accounts::{Password, UserStatus, read_attributes};
use crate::cognito_mfa::{Demand, Factor, SentCode, names, no_software_token};
use crate::error::CognitoError;
use crate::pool::{Pool, State};
use crate::random;
use crate::request::{Request, Strings, outside_of_enum, parameter};
use crate::settings::{ClientSettings, ExplicitAuthFlow, PreventUserExistenceErrors, Takeover, UnixSeconds};
use crate::srp::{ClientPublicValue, Handshake, PasswordClaim, PasswordVerifier, read_claim_timestamp};
use crate::triggers::{ChallengeResult, CustomChallenge, EventFrame, NextStep, TokenSource, unrecognizable_output};

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
    decides: Decides,
    /// Waits for Define to ask for the password.
    srp_a: Option<ClientPublicValue>,
    /// What the user chose of several factors.
    chosen: Option<Factor>,
    session: Vec<ChallengeResult>,
}

/// Who decides what comes when Cognito asks nothing of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Decides {
    /// `DefineAuthChallenge`: the flow `CUSTOM_AUTH`.
    Define,
    /// Nobody: tokens follow.
    Cognito,
}

impl SignIn {
    fn has_passed(&self, is_one: impl Fn(&str) -> bool) -> bool {
        self.session.iter().any(|entry| entry.challenge_result && is_one(entry.challenge_name))
    }

    fn has_proven_password(&self) -> bool {
        self.has_passed(|name| matches!(name, "PASSWORD_VERIFIER" | "PASSWORD"))
    }

    fn has_passed_mfa(&self) -> bool {
        self.has_passed(|name| name == "MFA_SETUP" || Factor::named(name).is_some())
    }
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
    SoftwareTokenMfa,
    SentCodeMfa(Factor, SentCode),
    SelectMfaType(Vec<Factor>),
    MfaSetup { verified: bool },
}

impl OpenChallenge {
    fn name(&self) -> &'static str {
        match self {
            Self::PasswordVerifier(_) => "PASSWORD_VERIFIER",
            Self::CustomChallenge { .. } => "CUSTOM_CHALLENGE",
            Self::NewPasswordRequired => "NEW_PASSWORD_REQUIRED",
            Self::SoftwareTokenMfa => Factor::SoftwareToken.name(),
            Self::SentCodeMfa(factor, _) => factor.name(),
            Self::SelectMfaType(_) => "SELECT_MFA_TYPE",
            Self::MfaSetup { .. } => "MFA_SETUP",
        }
    }
}

/// The answer to a challenge, of the right form.
enum Answer<'a> {
    PasswordVerifier { claim: PasswordClaim<'a>, stated_time: UnixSeconds },
    CustomChallenge(&'a str),
    NewPasswordRequired { password: Password<'a>, attributes: Strings },
    MfaCode(&'a str),
    SelectMfaType(Factor),
    MfaSetup,
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
            "SELECT_MFA_TYPE" => {
                let answer = parameter(responses, "ANSWER")?;
                Factor::named(answer).map(Self::SelectMfaType).ok_or_else(|| outside_of_enum("ANSWER", answer))
            }
            "MFA_SETUP" => Ok(Self::MfaSetup),
            other => match Factor::named(other) {
                Some(factor) => Ok(Self::MfaCode(parameter(responses, factor.answer_key())?)),
                None => Err(outside_of_enum("ChallengeName", other)),
            },
        }
    }
}

/// A sign-in that waits for a factor to be set up.
pub(crate) struct SetUp {
    sign_in: SignIn,
    verified: bool,
}

impl SetUp {
    pub(crate) fn user_name(&self) -> &str {
        &self.sign_in.user_name
    }
}

/// Who calls: an app client, or an operator by an operation that starts with `Admin`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Caller {
    Client,
    Operator,
}

impl Pool {
    pub(crate) async fn initiate_auth(&self, request: &Request) -> Result<Value, CognitoError> {
        self.initiate(request, Caller::Client).await
    }

    pub(crate) async fn admin_initiate_auth(&self, request: &Request) -> Result<Value, CognitoError> {
        self.check_user_pool(request)?;
        self.initiate(request, Caller::Operator).await
    }

    async fn initiate(&self, request: &Request, caller: Caller) -> Result<Value, CognitoError> {
        use ExplicitAuthFlow::{AdminUserPassword, CustomAuth, RefreshToken, UserPassword, UserSrp};
        let client = self.client(request)?;
        let parameters = request.strings("AuthParameters")?;
        let auth_flow = request.required("AuthFlow")?;
        let flow = match (auth_flow, caller) {
            ("CUSTOM_AUTH", _) => CustomAuth,
            ("REFRESH_TOKEN_AUTH" | "REFRESH_TOKEN", _) => RefreshToken,
            ("USER_SRP_AUTH", _) => UserSrp,
            ("USER_PASSWORD_AUTH", Caller::Client) => UserPassword,
            ("ADMIN_USER_PASSWORD_AUTH" | "ADMIN_NO_SRP_AUTH", Caller::Operator) => AdminUserPassword,
            ("USER_PASSWORD_AUTH", Caller::Operator)
            | ("ADMIN_USER_PASSWORD_AUTH" | "ADMIN_NO_SRP_AUTH", Caller::Client) => {
                return Err(CognitoError::invalid_parameter("Initiate Auth method not supported."));
            }
            ("USER_AUTH", _) => return Err(flow_not_enabled(auth_flow)),
            (unknown, _) => return Err(outside_of_enum("AuthFlow", unknown)),
        };
        if !client.explicit_auth_flows.contains(&flow) {
            return Err(flow_not_enabled(auth_flow));
        }
        match flow {
            CustomAuth => self.initiate_custom_auth(client, &parameters).await,
            RefreshToken => self.refresh(client, &parameters).await,
            UserSrp => self.initiate_srp_auth(client, &parameters),
            UserPassword | AdminUserPassword => self.initiate_password_auth(client, &parameters).await,
        }
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
            (challenge @ (OpenChallenge::SoftwareTokenMfa | OpenChallenge::SentCodeMfa(..)), Answer::MfaCode(code)) => {
                let name = challenge.name();
                if let Err(wrong) = self.check_mfa_code(&sign_in, &challenge, code) {
                    self.leave_open(session, sign_in, challenge);
                    return Err(wrong);
                }
                ChallengeResult::own(name, true)
            }
            (OpenChallenge::SelectMfaType(offered), Answer::SelectMfaType(chosen)) => {
                if !offered.contains(&chosen) {
                    self.leave_open(session, sign_in, OpenChallenge::SelectMfaType(offered));
                    return Err(CognitoError::invalid_parameter(format!(
                        "{} is not among MFAS_CAN_CHOOSE",
                        chosen.name()
                    )));
                }
                sign_in.chosen = Some(chosen);
                ChallengeResult::own("SELECT_MFA_TYPE", true)
            }
            (OpenChallenge::MfaSetup { verified }, Answer::MfaSetup) => {
                if let Err(early) = self.finish_set_up(&sign_in, verified) {
                    self.leave_open(session, sign_in, OpenChallenge::MfaSetup { verified });
                    return Err(early);
                }
                ChallengeResult::own("MFA_SETUP", true)
            }
            (
                OpenChallenge::PasswordVerifier(_)
                | OpenChallenge::CustomChallenge { .. }
                | OpenChallenge::NewPasswordRequired
                | OpenChallenge::SoftwareTokenMfa
                | OpenChallenge::SentCodeMfa(..)
                | OpenChallenge::SelectMfaType(_)
                | OpenChallenge::MfaSetup { .. },
                _,
            ) => return Err(invalid_session()),
        };
        sign_in.session.push(result);
        self.go_on(sign_in, client_metadata).await
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
        let client = client.clone();
        let decides = Decides::Define;
        let sign_in = SignIn { client, user_name, user_not_found, decides, srp_a, chosen: None, session };
        self.go_on(sign_in, None).await
    }

    /// `USER_SRP_AUTH`: the password is asked for at once, and no trigger is.
    fn initiate_srp_auth(&self, client: &ClientSettings, parameters: &Strings) -> Result<Value, CognitoError> {
        let mut sign_in = self.without_define(client, parameters)?;
        let srp_a = ClientPublicValue::parse(parameter(parameters, "SRP_A")?);
        let srp_a = srp_a.ok_or_else(|| CognitoError::invalid_parameter("Invalid SRP_A"))?;
        sign_in.session.push(ChallengeResult::own("SRP_A", true));
        self.ask_for_password(sign_in, srp_a)
    }

    /// `USER_PASSWORD_AUTH` and `ADMIN_USER_PASSWORD_AUTH`: the password comes with the call.
    async fn initiate_password_auth(
        &self,
        client: &ClientSettings,
        parameters: &Strings,
    ) -> Result<Value, CognitoError> {
        let password = parameter(parameters, "PASSWORD")?;
        let mut sign_in = self.without_define(client, parameters)?;
        let known = self.state().user(&sign_in.user_name).map(|user| (user.password.clone(), user.status));
        let proven =
            known.filter(|(verifier, _)| verifier.is_of(&self.settings.user_pool_id, &sign_in.user_name, password));
        match proven {
            None => return Err(CognitoError::incorrect_username_or_password()),
            Some((_, UserStatus::Unconfirmed)) => return Err(CognitoError::user_not_confirmed()),
            Some((_, UserStatus::Confirmed | UserStatus::ForceChangePassword)) => {}
        }
        sign_in.session.push(ChallengeResult::own("PASSWORD", true));
        self.go_on(sign_in, None).await
    }

    fn without_define(&self, client: &ClientSettings, parameters: &Strings) -> Result<SignIn, CognitoError> {
        let typed_name = parameter(parameters, "USERNAME")?;
        client.check_secret_hash(typed_name, parameters.get("SECRET_HASH").map(String::as_str))?;
        let known = self.state().user(typed_name).map(|user| user.user_name.clone());
        let user_not_found = known.is_none();
        if user_not_found && client.prevent_user_existence_errors == PreventUserExistenceErrors::Legacy {
            return Err(CognitoError::user_not_found());
        }
        Ok(SignIn {
            client: client.clone(),
            user_name: known.unwrap_or_else(|| typed_name.to_owned()),
            user_not_found,
            decides: Decides::Cognito,
            srp_a: None,
            chosen: None,
            session: Vec::new(),
        })
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
        let session = state.session(session)?;
        let Some((sign_in, challenge)) = &session.open else {
            return Err(session_spent());
        };
        let is_meant = sign_in.client.client_id == client.client_id
            && sign_in.user_name.to_lowercase() == user_name.to_lowercase()
            && challenge.name() == challenge_name;
        if !is_meant {
            return Err(invalid_session());
        }
        session.check_expiry(now)?;
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
        let define_is_told = sign_in.decides == Decides::Define && self.settings.define_sees_wrong_password;
        if !proven && !define_is_told {
            return Err(CognitoError::incorrect_username_or_password());
        }
        let status = self.state().user(&sign_in.user_name).map(|user| user.status);
        if proven && status == Some(UserStatus::Unconfirmed) {
            return Err(CognitoError::user_not_confirmed());
        }
        Ok(proven)
    }

    /// What comes next: a challenge of Cognito's own, tokens without Define, or what Define says.
    async fn go_on(&self, sign_in: SignIn, client_metadata: Option<Strings>) -> Result<Value, CognitoError> {
        match self.cognitos_turn(&sign_in) {
            CognitosTurn::NewPassword => self.ask_for_new_password(sign_in),
            CognitosTurn::Mfa(factor) => self.ask_for_mfa(sign_in, factor),
            CognitosTurn::ChoiceOfMfa(factors) => {
                let parameters = json!({ "MFAS_CAN_CHOOSE": names(&factors), "USER_ID_FOR_SRP": sign_in.user_name });
                self.open(sign_in, OpenChallenge::SelectMfaType(factors), parameters)
            }
            CognitosTurn::MfaSetup(factors) => {
                let parameters = json!({ "MFAS_CAN_SETUP": names(&factors), "USER_ID_FOR_SRP": sign_in.user_name });
                self.open(sign_in, OpenChallenge::MfaSetup { verified: false }, parameters)
            }
            CognitosTurn::Tokens(source) => {
                self.issue_tokens(&sign_in.client, &sign_in.user_name, source, client_metadata).await
            }
            CognitosTurn::Over => self.ask_define(sign_in, client_metadata).await,
        }
    }

    fn cognitos_turn(&self, sign_in: &SignIn) -> CognitosTurn {
        let state = self.state();
        let Some(user) = state.user(&sign_in.user_name).filter(|_| sign_in.has_proven_password()) else {
            return CognitosTurn::Over;
        };
        let takes_over = |takeover| sign_in.decides == Decides::Cognito || takeover == Takeover::TokensFollow;
        let new_password_is_cognitos = takes_over(self.settings.temporary_passwords);
        if user.status == UserStatus::ForceChangePassword {
            return if new_password_is_cognitos { CognitosTurn::NewPassword } else { CognitosTurn::Over };
        }
        if !sign_in.has_passed_mfa() {
            match (user.mfa_demanded(&state.mfa), sign_in.chosen) {
                (Demand::Nothing, _) => {}
                (Demand::SetUp(factors), _) => return CognitosTurn::MfaSetup(factors),
                (Demand::Factor(factor), _) | (Demand::Choice(_), Some(factor)) => return CognitosTurn::Mfa(factor),
                (Demand::Choice(factors), None) => return CognitosTurn::ChoiceOfMfa(factors),
            }
        }
        match sign_in.session.last().map(|last| last.challenge_name) {
            Some("NEW_PASSWORD_REQUIRED") if new_password_is_cognitos => {
                CognitosTurn::Tokens(TokenSource::NewPasswordChallenge)
            }
            Some(name) if name == "MFA_SETUP" || Factor::named(name).is_some() => {
                if takes_over(self.settings.after_cognito_mfa) {
                    CognitosTurn::Tokens(TokenSource::Authentication)
                } else {
                    CognitosTurn::Over
                }
            }
            Some(_) | None if sign_in.decides == Decides::Cognito => CognitosTurn::Tokens(TokenSource::Authentication),
            Some(_) | None => CognitosTurn::Over,
        }
    }

    fn ask_for_mfa(&self, sign_in: SignIn, factor: Factor) -> Result<Value, CognitoError> {
        let user_name = &sign_in.user_name;
        let (challenge, parameters) = match factor {
            Factor::SoftwareToken => {
                let state = self.state();
                let name = state.user(user_name).and_then(|user| user.mfa.software_token_name());
                let mut parameters = json!({ "USER_ID_FOR_SRP": user_name });
                if let (Some(name), Some(parameters)) = (name, parameters.as_object_mut()) {
                    parameters.insert("FRIENDLY_DEVICE_NAME".to_owned(), json!(name));
                }
                (OpenChallenge::SoftwareTokenMfa, parameters)
            }
            Factor::Sms | Factor::Email => {
                let (code, destination) = self.send_code(user_name, factor)?;
                let parameters = json!({
                    "CODE_DELIVERY_DELIVERY_MEDIUM": if factor == Factor::Sms { "SMS" } else { "EMAIL" },
                    "CODE_DELIVERY_DESTINATION": destination,
                    "USER_ID_FOR_SRP": user_name,
                });
                (OpenChallenge::SentCodeMfa(factor, code), parameters)
            }
        };
        self.open(sign_in, challenge, parameters)
    }

    fn check_mfa_code(&self, sign_in: &SignIn, challenge: &OpenChallenge, code: &str) -> Result<(), CognitoError> {
        match challenge {
            OpenChallenge::SentCodeMfa(_, sent) => sent.check(code),
            OpenChallenge::SoftwareTokenMfa => {
                let now = self.now();
                self.state().user_mut(&sign_in.user_name)?.spend_passcode(code, now)
            }
            OpenChallenge::PasswordVerifier(_)
            | OpenChallenge::CustomChallenge { .. }
            | OpenChallenge::NewPasswordRequired
            | OpenChallenge::SelectMfaType(_)
            | OpenChallenge::MfaSetup { .. } => Err(invalid_session()),
        }
    }

    fn finish_set_up(&self, sign_in: &SignIn, verified: bool) -> Result<(), CognitoError> {
        if !verified {
            return Err(no_software_token());
        }
        self.state().user_mut(&sign_in.user_name)?.mfa.enable_software_token()
    }

    /// Takes an `MFA_SETUP` out from under its session string.
    pub(crate) fn spend_set_up(&self, session: &str) -> Result<SetUp, CognitoError> {
        let now = self.now();
        let mut state = self.state();
        let session = state.open_session(session, now)?;
        match session.open.take() {
            Some((sign_in, OpenChallenge::MfaSetup { verified })) => Ok(SetUp { sign_in, verified }),
            another => {
                session.open = another;
                Err(invalid_session())
            }
        }
    }

    /// A verification holds for the sign-in that it was made in, and until the next association.
    pub(crate) fn continue_set_up(&self, set_up: SetUp, verified: bool) -> Result<String, CognitoError> {
        self.wait_for(set_up.sign_in, OpenChallenge::MfaSetup { verified })
    }

    /// Undoes [`Self::spend_set_up`].
    pub(crate) fn leave_set_up_open(&self, session: &str, set_up: SetUp) {
        let SetUp { sign_in, verified } = set_up;
        self.leave_open(session, sign_in, OpenChallenge::MfaSetup { verified });
    }

    /// Asks Define what comes next, and does it.
    async fn ask_define(&self, mut sign_in: SignIn, client_metadata: Option<Strings>) -> Result<Value, CognitoError> {
        let frame = self.event_frame(&sign_in, client_metadata.clone());
        let challenge_name = match self.delivery.define(&frame, &sign_in.session).await? {
            NextStep::FailAuthentication => return Err(CognitoError::incorrect_username_or_password()),
            NextStep::IssueTokens if sign_in.user_not_found => {
                return Err(CognitoError::incorrect_username_or_password());
            }
            NextStep::IssueTokens => {
                let source = TokenSource::Authentication;
                return self.issue_tokens(&sign_in.client, &sign_in.user_name, source, client_metadata).await;
            }
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
        let is_password_proven = sign_in.has_proven_password();
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
        let name = challenge.name();
        let session = self.wait_for(sign_in, challenge)?;
        Ok(json!({ "ChallengeName": name, "ChallengeParameters": parameters, "Session": session }))
    }

    fn wait_for(&self, sign_in: SignIn, challenge: OpenChallenge) -> Result<String, CognitoError> {
        let session = random::opaque::<96>()?;
        let now = self.now();
        let expires_at = now.saturating_add(sign_in.client.auth_session_validity.seconds());
        let mut state = self.state();
        state.sessions.retain(|_, session| now < session.expires_at.saturating_add(SESSION_REMEMBERED));
        state.sessions.insert(session.clone(), Session { expires_at, open: Some((sign_in, challenge)) });
        Ok(session)
    }

    /// Undoes the spending of a session string, for an answer that was mistyped.
    fn leave_open(&self, session: &str, sign_in: SignIn, challenge: OpenChallenge) {
        if let Some(session) = self.state().sessions.get_mut(session) {
            session.open = Some((sign_in, challenge));
        }
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

/// What Cognito does of its own before anybody else decides.
enum CognitosTurn {
    NewPassword,
    Mfa(Factor),
    ChoiceOfMfa(Vec<Factor>),
    MfaSetup(Vec<Factor>),
    Tokens(TokenSource),
    Over,
}

impl State {
    fn session(&mut self, session: &str) -> Result<&mut Session, CognitoError> {
        self.sessions.get_mut(session).ok_or_else(invalid_session)
    }

    /// One that is neither spent nor expired.
    fn open_session(&mut self, session: &str, now: UnixSeconds) -> Result<&mut Session, CognitoError> {
        let session = self.session(session)?;
        if session.open.is_none() {
            return Err(session_spent());
        }
        session.check_expiry(now)?;
        Ok(session)
    }
}

impl Session {
    fn check_expiry(&self, now: UnixSeconds) -> Result<(), CognitoError> {
        if self.expires_at <= now {
            return Err(CognitoError::not_authorized("Invalid session for the user, session is expired."));
        }
        Ok(())
    }
}

fn session_spent() -> CognitoError {
    CognitoError::not_authorized("Invalid session for the user, session can only be used once.")
}

fn invalid_session() -> CognitoError {
    CognitoError::not_authorized("Invalid session for the user.")
}

fn flow_not_enabled(flow: &str) -> CognitoError {
    CognitoError::invalid_parameter(match flow {
        "USER_SRP_AUTH" => "USER_SRP_AUTH is not enabled for the client.".to_owned(),
        "USER_PASSWORD_AUTH" | "USER_AUTH" => format!("{flow} flow not enabled for this client"),
        _ => "Auth flow not enabled for this client".to_owned(),
    })
}
