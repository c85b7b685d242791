//! ID and access tokens (RS256), refresh tokens, and how they end.
//!
//! A grant is what one sign-in was given: a refresh token, and all ID and access tokens with its `origin_jti`. Revoking
//! the refresh token revokes these access tokens too, as with `EnableTokenRevocation`.
//!
//! Invariant: a refresh token is good for the client it was issued to, until it expires or is revoked.
//!
//! Source: the Cognito developer guide, "Understanding user pool JSON web tokens" and "Pre token generation Lambda
//! trigger" (which claims it may change); RFC 7515 (the compact form), RFC 7517
//! and RFC 7518 section 6.3 (the key set).

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use aws_lc_rs::{constant_time, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::accounts::{User, UserKey, UserStatus};
use crate::error::CognitoError;
use crate::pool::Pool;
use crate::random;
use crate::request::{Request, Strings, parameter};
use crate::settings::{ClientSettings, UnixSeconds};
use crate::triggers::{ClaimChanges, EventFrame, SCOPE, TokenChanges, TokenSource};

/// The key that signs tokens: made at the start, and gone at the end.
pub(crate) struct SigningKey {
    pair: KeyPair,
    key_id: String,
}

impl SigningKey {
    pub(crate) fn generate() -> Result<Self, Unspecified> {
        let pair = KeyPair::generate(KeySize::Rsa2048)?;
        let key_id = digest::digest(&digest::SHA256, pair.public_key().as_ref());
        Ok(Self { pair, key_id: BASE64_URL_SAFE_NO_PAD.encode(key_id) })
    }

    pub(crate) fn jwks(&self) -> Value {
        let number = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let public_key = self.pair.public_key();
        json!({ "keys": [{
            "alg": "RS256",
            "kty": "RSA",
            "use": "sig",
            "kid": self.key_id,
            "n": number(public_key.modulus().big_endian_without_leading_zero()),
            "e": number(public_key.exponent().big_endian_without_leading_zero()),
        }] })
    }

    fn sign(&self, claims: &Value) -> Result<String, Unspecified> {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({ "kid": self.key_id, "alg": "RS256" });
        let signed = format!("{}.{}", part(&header), part(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)?;
        Ok(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The claims of a token that this key signed.
    fn verify(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.pair.public_key().as_ref())
            .verify(signed.as_bytes(), &signature)
            .ok()?;
        let (_header, claims) = signed.split_once('.')?;
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }
}

/// What one sign-in was given.
#[derive(Clone)]
pub(crate) struct Grant {
    user: UserKey,
    client_id: String,
    origin_jti: String,
    event_id: String,
    auth_time: UnixSeconds,
    expires_at: UnixSeconds,
    revoked: bool,
}

impl Pool {
    /// Ends a sign-in: the response with all three tokens.
    pub(crate) async fn issue_tokens(
        &self,
        client: &ClientSettings,
        user_name: &str,
        source: TokenSource,
        client_metadata: Option<Strings>,
    ) -> Result<Value, CognitoError> {
        let now = self.now();
        let grant = Grant {
            user: UserKey::of(user_name),
            client_id: client.client_id.clone(),
            origin_jti: random::uuid()?.to_string(),
            event_id: random::uuid()?.to_string(),
            auth_time: now,
            expires_at: now.saturating_add(client.refresh_token_validity.as_secs()),
            revoked: false,
        };
        let mut result = self.id_and_access_token(client, &grant, source, client_metadata).await?;
        let refresh_token = random::opaque::<96>()?;
        result.insert("RefreshToken".to_owned(), json!(refresh_token));
        self.state().grants.insert(refresh_token, grant);
        Ok(json!({ "ChallengeParameters": {}, "AuthenticationResult": result }))
    }

    /// `REFRESH_TOKEN_AUTH`: a new ID and access token; the refresh token stays the same.
    pub(crate) async fn refresh(&self, client: &ClientSettings, parameters: &Strings) -> Result<Value, CognitoError> {
        let (grant, user_name) = self.grant(client, parameter(parameters, "REFRESH_TOKEN")?)?;
        client.check_secret_hash(&user_name, parameters.get("SECRET_HASH").map(String::as_str))?;
        let result = self.renewed(client, &grant).await?;
        Ok(json!({ "ChallengeParameters": {}, "AuthenticationResult": result }))
    }

    /// The same as an operation of its own, which Amplify calls. A refresh token is not rotated here, so none comes back.
    pub(crate) async fn get_tokens_from_refresh_token(&self, request: &Request) -> Result<Value, CognitoError> {
        let client = self.client(request)?;
        if !is_secret_of(client, request.optional("ClientSecret")?) {
            return Err(CognitoError::not_authorized("Invalid client secret"));
        }
        let (grant, _) = self.grant(client, request.required("RefreshToken")?)?;
        Ok(json!({ "AuthenticationResult": self.renewed(client, &grant).await? }))
    }

    /// What a client's refresh token stands for, and the name of its user.
    fn grant(&self, client: &ClientSettings, refresh_token: &str) -> Result<(Grant, String), CognitoError> {
        let state = self.state();
        let grant = state.grants.get(refresh_token).filter(|grant| grant.client_id == client.client_id);
        let grant = grant.ok_or_else(|| CognitoError::not_authorized("Invalid Refresh Token"))?;
        let user = state.users.get(&grant.user).ok_or_else(CognitoError::user_not_found)?;
        Ok((grant.clone(), user.user_name.clone()))
    }

    async fn renewed(&self, client: &ClientSettings, grant: &Grant) -> Result<Map<String, Value>, CognitoError> {
        if grant.revoked {
            return Err(CognitoError::not_authorized("Refresh Token has been revoked"));
        }
        if grant.expires_at <= self.now() {
            return Err(CognitoError::not_authorized("Refresh Token has expired"));
        }
        self.id_and_access_token(client, grant, TokenSource::RefreshTokens, None).await
    }

    pub(crate) fn revoke_token(&self, request: &Request) -> Result<Value, CognitoError> {
        let client = self.client(request)?;
        if !is_secret_of(client, request.optional("ClientSecret")?) {
            return Err(CognitoError::new("UnauthorizedException", "Invalid client secret"));
        }
        let token = request.required("Token")?;
        if self.signing_key.verify(token).is_some() {
            return Err(CognitoError::new("UnsupportedTokenTypeException", "Unsupported token type"));
        }
        // RFC 7009 section 2.2: a token that is not known is as good as revoked.
        if let Some(grant) = self.state().grants.get_mut(token) {
            if grant.client_id != client.client_id {
                return Err(CognitoError::new("UnauthorizedException", "The token was issued to another client"));
            }
            grant.revoked = true;
        }
        Ok(json!({}))
    }

    pub(crate) fn global_sign_out(&self, request: &Request) -> Result<Value, CognitoError> {
        let user_name = self.user_of_access_token(request)?;
        self.revoke_all(&user_name);
        Ok(json!({}))
    }

    pub(crate) fn admin_user_global_sign_out(&self, request: &Request) -> Result<Value, CognitoError> {
        self.check_user_pool(request)?;
        let user_name = request.required("Username")?;
        self.state().user_mut(user_name)?;
        self.revoke_all(user_name);
        Ok(json!({}))
    }

    fn revoke_all(&self, user_name: &str) {
        let user = UserKey::of(user_name);
        for grant in self.state().grants.values_mut().filter(|grant| grant.user == user) {
            grant.revoked = true;
        }
    }

    /// Whose `AccessToken` a request carries.
    pub(crate) fn user_of_access_token(&self, request: &Request) -> Result<String, CognitoError> {
        let invalid = || CognitoError::not_authorized("Invalid Access Token");
        let claims = self.signing_key.verify(request.required("AccessToken")?).ok_or_else(invalid)?;
        let text = |name| claims.get(name).and_then(Value::as_str).ok_or_else(invalid);
        if text("token_use")? != "access" {
            return Err(invalid());
        }
        if claims.get("exp").and_then(Value::as_u64).ok_or_else(invalid)? <= self.now() {
            return Err(CognitoError::not_authorized("Access Token has expired"));
        }
        let origin_jti = text("origin_jti")?;
        let state = self.state();
        let grant = state.grants.values().find(|grant| grant.origin_jti == origin_jti).ok_or_else(invalid)?;
        if grant.revoked {
            return Err(CognitoError::not_authorized("Access Token has been revoked"));
        }
        Ok(text("username")?.to_owned())
    }

    async fn id_and_access_token(
        &self,
        client: &ClientSettings,
        grant: &Grant,
        source: TokenSource,
        client_metadata: Option<Strings>,
    ) -> Result<Map<String, Value>, CognitoError> {
        let frame = self.token_frame(client, grant, client_metadata)?;
        let changes = match self.settings.pre_token_generation {
            Some(version) => self.delivery.generate_tokens(&frame, source, version).await?,
            None => TokenChanges::default(),
        };
        let now = self.now();
        let (access, id) = {
            let state = self.state();
            let user = state.users.get(&grant.user).ok_or_else(CognitoError::user_not_found)?;
            let mut access = self.common_claims(client, grant, user, now)?;
            access.insert("token_use".to_owned(), json!("access"));
            access.insert("client_id".to_owned(), json!(client.client_id));
            access.insert("username".to_owned(), json!(user.user_name));
            access.insert("scope".to_owned(), json!(SCOPE));
            let mut id = self.common_claims(client, grant, user, now)?;
            id.insert("token_use".to_owned(), json!("id"));
            id.insert("aud".to_owned(), json!(client.client_id));
            id.insert("cognito:username".to_owned(), json!(user.user_name));
            id.extend(user.attributes.iter().map(|(name, value)| (name.clone(), attribute_claim(name, value))));
            (changed(access, changes.access), changed(id, changes.id))
        };
        let result = json!({
            "AccessToken": self.signing_key.sign(&access)?,
            "IdToken": self.signing_key.sign(&id)?,
            "ExpiresIn": client.token_validity.as_secs(),
            "TokenType": "Bearer",
        });
        Ok(result.as_object().cloned().unwrap_or_default())
    }

    fn token_frame(
        &self,
        client: &ClientSettings,
        grant: &Grant,
        client_metadata: Option<Strings>,
    ) -> Result<EventFrame, CognitoError> {
        let state = self.state();
        let user = state.users.get(&grant.user).ok_or_else(CognitoError::user_not_found)?;
        if user.status == UserStatus::Unconfirmed {
            return Err(CognitoError::user_not_confirmed());
        }
        Ok(EventFrame {
            region: self.settings.region.clone(),
            user_pool_id: self.settings.user_pool_id.clone(),
            user_name: user.user_name.clone(),
            client_id: client.client_id.clone(),
            user_attributes: user.trigger_attributes(),
            user_not_found: None,
            client_metadata,
        })
    }

    fn common_claims(
        &self,
        client: &ClientSettings,
        grant: &Grant,
        user: &User,
        now: UnixSeconds,
    ) -> Result<Map<String, Value>, CognitoError> {
        let claims = json!({
            "sub": user.sub,
            "iss": format!("{}/{}", self.settings.endpoint, self.settings.user_pool_id),
            "origin_jti": grant.origin_jti,
            "event_id": grant.event_id,
            "auth_time": grant.auth_time,
            "iat": now,
            "exp": now.saturating_add(client.token_validity.as_secs()),
            "jti": random::uuid()?.to_string(),
        });
        Ok(claims.as_object().cloned().unwrap_or_default())
    }
}

/// The claims as `PreTokenGeneration` wants them. What says whose token it is, for whom and from when on, stays.
fn changed(mut claims: Map<String, Value>, changes: ClaimChanges) -> Value {
    const FIXED: [&str; 15] = [
        "acr",
        "amr",
        "at_hash",
        "aud",
        "auth_time",
        "azp",
        "client_id",
        "exp",
        "iat",
        "iss",
        "jti",
        "nonce",
        "origin_jti",
        "sub",
        "token_use",
    ];
    let may_change = |name: &str| !FIXED.contains(&name) && !name.starts_with("cognito:");
    claims.retain(|name, _| !(may_change(name) && changes.suppress.contains(name)));
    claims.extend(changes.add.into_iter().filter(|(name, _)| may_change(name)));
    Value::Object(claims)
}

/// Whether the request carried the client's secret itself, or none where the client has none.
fn is_secret_of(client: &ClientSettings, presented: Option<&str>) -> bool {
    let secret = client.client_secret.as_deref().unwrap_or_default();
    constant_time::verify_slices_are_equal(secret.as_bytes(), presented.unwrap_or_default().as_bytes()).is_ok()
}

/// Attributes are strings, and claims likewise, but for the two that say whether an address was verified.
fn attribute_claim(name: &str, value: &str) -> Value {
    match name {
        "email_verified" | "phone_number_verified" => json!(value == "true"),
        _ => json!(value),
    }
}
