//! Issued challenges, for tests that call `begin_verification` or `verify_answer` themselves.

use shared::challenge::{Challenge, Due, IssuedChallenge, Prompt};
use shared::ids::Nonce;
use shared::settings::{Admission, Enrollment, Policy};

use crate::random::random;

/// As template.yaml sets Verify.
pub const AT_SIGN_IN: Enrollment = Enrollment::AtSignIn;
/// The same, under the policy that nobody may do without.
pub const ADMITTED: Admission = Admission { enrollment: AT_SIGN_IN, policy: Policy::Required, required: true };
/// The prompt of a user who has enough codes.
pub const PROMPT: Challenge = Challenge::SecondFactor(Prompt::FOR_NOBODY);
/// The prompt of a user for whom codes are due.
pub const PROMPT_CODES_DUE: Challenge =
    Challenge::SecondFactor(Prompt { due: Due::RecoveryCodes, ..Prompt::FOR_NOBODY });

/// `challenge`, issued in its own sign-in.
#[must_use]
pub fn issued(challenge: Challenge) -> IssuedChallenge {
    IssuedChallenge { nonce: Nonce(random()), challenge }
}
