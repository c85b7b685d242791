//! Users without a second factor: what a record says about who may do without, and which of their sessions have proven none.
//!
//! Invariant: tokens that pass without a grant are noted before they leave, and only a sign-out ends what was noted.

use crate::clock::UnixTime;
use crate::cognito::ClientId;
use crate::guard_settings::LongestSession;
use crate::ids::Generation;
use crate::record::Record;
use crate::requirements::Required;
use crate::token_grant::ISSUED_WITHIN_SECONDS;

/// Whether tokens without a grant pass.
#[derive(Debug, PartialEq, Eq)]
pub enum WithoutGrant {
    /// They do, once this record has replaced it.
    PassNoting(Record),
    /// They do, and tokens of the same second have noted it.
    Pass,
    /// A second factor is required and there is none: the next sign-in sets one up, once this record has replaced it.
    RequiredNoting(Record),
    /// The same, and it was noted, or need not be.
    Required,
    /// There is a second factor, or there was one until an operator took it.
    NoGrant,
}

impl Record {
    /// Whether a second factor is required of this user, whatever the policy: there is one, or an operator has reset, closed or
    /// forgotten the record, or the token guard has seen that one is required.
    #[must_use]
    pub fn requires_second_factor(&self) -> bool {
        !self.may_do_without() || self.required_since.is_some()
    }

    /// Whether an operator has reset, closed or forgotten the record, and nothing was set up since.
    pub(crate) fn was_taken_back(&self) -> bool {
        self.authenticator.is_none() && !self.may_do_without()
    }

    /// A record that an older command has reset is not of the generation of no record, and nobody turned anything off in it.
    fn may_do_without(&self) -> bool {
        let was_reset = self.generation != Generation::NONE && self.turned_off_at.is_none();
        self.authenticator.is_none() && !self.is_closed() && !was_reset
    }

    /// Whether tokens for `client` pass that have no grant.
    #[must_use]
    pub fn without_grant(&self, client: &ClientId, required: Required, now: UnixTime) -> WithoutGrant {
        if !self.may_do_without() {
            return WithoutGrant::NoGrant;
        }
        match (required, self.required_since) {
            (Required::No, _) => {}
            (Required::ByGroup, None) => {
                return WithoutGrant::RequiredNoting(self.clone().noting_requirement(true, now));
            }
            (Required::ByGroup, Some(_)) | (Required::BySettings, _) => return WithoutGrant::Required,
        }
        let unproven = self.unproven_at.clone().with(client, now);
        let noted = Self { unproven_at: unproven, ..self.clone() }.noting_requirement(false, now);
        if noted == *self { WithoutGrant::Pass } else { WithoutGrant::PassNoting(noted) }
    }

    /// The same, with what the token guard's event says: only there a user's groups are seen.
    #[must_use]
    pub(crate) fn noting_requirement(self, by_group: bool, now: UnixTime) -> Self {
        let required_since = by_group.then(|| self.required_since.unwrap_or(now));
        Self { required_since, ..self }
    }

    /// Whether the session that a refresh continues may have proven no second factor, where one is required now.
    #[must_use]
    pub fn refresh_is_unproven(
        &self,
        client: &ClientId,
        longest: LongestSession,
        everybody_signed_out_at: Option<UnixTime>,
        now: UnixTime,
    ) -> bool {
        let signed_out_at = self.signed_out_at.max(everybody_signed_out_at);
        let issued_until = |passed: UnixTime| passed.plus(ISSUED_WITHIN_SECONDS);
        // What was noted ends with `signed_out`, and not by the time: the operator's clock may be ahead.
        let unguarded = Some(longest.unguarded_until);
        let unguarded = unguarded.filter(|&until| signed_out_at.is_none_or(|at| at <= issued_until(until)));
        let last_unproven = self.unproven_at.last_of(client).max(unguarded);
        self.authenticator.is_none()
            || last_unproven.is_some_and(|last| now.since(issued_until(last)) < longest.seconds)
    }

    /// The same after Cognito has ended every session of the user: `now` is from before that. It holds only if nobody saved the record
    /// in between, so it replaces the version that was loaded before. What the token guard has passed just now may be issued later,
    /// and stays noted: see [`Self::may_go_on_unproven`].
    #[must_use]
    pub fn signed_out(&self, now: UnixTime) -> Self {
        Self { signed_out_at: Some(now), unproven_at: self.unproven_at.clone().issued_after(now), ..self.clone() }
    }

    /// Whether a session that has proven nothing may have outlived the sign-out that this record notes.
    #[must_use]
    pub fn may_go_on_unproven(&self) -> bool {
        !self.unproven_at.is_empty()
    }

    /// When the user was signed out everywhere.
    #[must_use]
    pub fn signed_out_at(&self) -> Option<UnixTime> {
        self.signed_out_at
    }

    /// When tokens passed last that had no grant, since the user was signed out.
    #[must_use]
    pub fn last_unproven_at(&self) -> Option<UnixTime> {
        self.unproven_at.last()
    }

    /// Since when a second factor is required, as the token guard has seen.
    #[must_use]
    pub fn required_since(&self) -> Option<UnixTime> {
        self.required_since
    }

    /// When the user turned the second factor off.
    #[must_use]
    pub fn turned_off_at(&self) -> Option<UnixTime> {
        self.turned_off_at
    }

    /// The same with the sessions of `before`, which this record replaces: no change of a record ends a session.
    #[must_use]
    pub fn with_sessions_of(self, before: &Self) -> Self {
        Self { unproven_at: before.unproven_at.clone(), signed_out_at: before.signed_out_at, ..self }
    }

    /// Whether the user may turn the second factor off, as far as the record says: nothing requires one, and no code of an operator
    /// is outstanding.
    #[must_use]
    pub fn may_be_turned_off(&self, now: UnixTime) -> bool {
        let is_open = self.forgotten_at.is_none() && self.operator_code_until(now).is_none();
        self.authenticator.is_some() && is_open && self.required_since.is_none()
    }

    /// The same after the user has turned the second factor off. No proof and no grant is left, and no recorded answer; the wrong
    /// passcodes still count, but the tokens of a later authenticator do not report them.
    #[must_use]
    pub(crate) fn turned_off(&self, next: Generation, now: UnixTime) -> Self {
        Self {
            generation: next,
            authenticator: None,
            enrolled_since: None,
            recovery: None,
            codes_due: false,
            wrong_passcodes: 0,
            outcomes: Vec::new(),
            last_proof: None,
            grant: None,
            operator_code: None,
            clock_offset: None,
            turned_off_at: Some(now),
            ..self.clone()
        }
    }
}
