//! Authorization grants: what one sign-in was given. A grant has one refresh token, and ID and access tokens that carry its
//! `origin_jti`. Revoking the refresh token revokes its access tokens too, as with `EnableTokenRevocation`.
//!
//! Invariant: a refresh token is good for the client it was issued to, until it expires or is revoked.
//!
//! Source: RFC 7009 section 2.1 for the word and for what revocation covers.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use shared::clock::UnixTime;

use crate::error::CognitoError;
use crate::random;
use crate::settings::ClientSettings;

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AuthorizationGrant {
    /// The user name.
    pub(crate) user: String,
    client_id: String,
    pub(crate) origin_jti: String,
    pub(crate) event_id: String,
    pub(crate) auth_time: UnixTime,
    expires_at: UnixTime,
    revoked: bool,
}

impl AuthorizationGrant {
    pub(crate) fn new(client: &ClientSettings, user_name: &str, now: UnixTime) -> Result<Self, CognitoError> {
        Ok(Self {
            user: user_name.to_owned(),
            client_id: client.client_id.clone(),
            origin_jti: random::uuid()?.to_string(),
            event_id: random::uuid()?.to_string(),
            auth_time: now,
            expires_at: now.plus(client.refresh_token_validity.as_secs()),
            revoked: false,
        })
    }

    /// Whether the refresh token can still be used.
    pub(crate) fn check_refresh_token(&self, now: UnixTime) -> Result<(), CognitoError> {
        if self.revoked {
            return Err(CognitoError::not_authorized("Refresh Token has been revoked"));
        }
        if self.expires_at <= now {
            return Err(CognitoError::not_authorized("Refresh Token has expired"));
        }
        Ok(())
    }
}

/// All grants, by refresh token.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Grants(HashMap<String, AuthorizationGrant>);

impl Grants {
    pub(crate) fn add(&mut self, refresh_token: String, grant: AuthorizationGrant) {
        self.0.insert(refresh_token, grant);
    }

    /// The grant of a client's refresh token.
    pub(crate) fn of_refresh_token(&self, client: &ClientSettings, refresh_token: &str) -> Option<&AuthorizationGrant> {
        self.0.get(refresh_token).filter(|grant| grant.client_id == client.client_id)
    }

    /// Whether the access tokens with this `origin_jti` were revoked; `None` where there is no such grant.
    pub(crate) fn is_revoked(&self, origin_jti: &str) -> Option<bool> {
        self.0.values().find(|grant| grant.origin_jti == origin_jti).map(|grant| grant.revoked)
    }

    pub(crate) fn revoke(&mut self, client: &ClientSettings, refresh_token: &str) -> Result<(), CognitoError> {
        // RFC 7009 section 2.2: an unknown token counts as revoked.
        if let Some(grant) = self.0.get_mut(refresh_token) {
            if grant.client_id != client.client_id {
                return Err(CognitoError::new("UnauthorizedException", "The token was issued to another client"));
            }
            grant.revoked = true;
        }
        Ok(())
    }

    pub(crate) fn revoke_all_of(&mut self, user_name: &str) {
        for grant in self.0.values_mut().filter(|grant| grant.user == user_name) {
            grant.revoked = true;
        }
    }
}
