//! What an operator decides about the token guard, apart from [`TokenGuard`]: until when it only reports, since
//! when it has refused, what a client without a grant reads, and which function it hands its events on to. None has to be set; a wrong value
//! stops the function, as in [`settings`](crate::settings).

use std::borrow::Cow;

use crate::clock::UnixTime;
use crate::settings::{Lookup, Policy, SettingError, TokenGuard, optional, required, utc};

/// Until when the token guard refuses nothing and logs what it would refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportOnly(Option<UnixTime>);

impl ReportOnly {
    /// The environment variable.
    pub const VARIABLE: &str = "REPORT_ONLY_UNTIL";
    /// The guard refuses.
    pub const NEVER: Self = Self(None);

    /// The guard refuses from `time` on.
    #[must_use]
    pub fn until(time: UnixTime) -> Self {
        Self(Some(time))
    }

    /// Reads [`Self::VARIABLE`].
    ///
    /// # Errors
    /// It is set and not a time.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        optional(lookup, Self::VARIABLE).map_or(Ok(Self::NEVER), |value| Self::parse(&value))
    }

    /// Reads the value of [`Self::VARIABLE`]: RFC 3339 in UTC, in whole seconds. A time with another offset is refused, as it
    /// is easily an hour off, and the guard would refuse an hour too early.
    ///
    /// # Errors
    /// It is not such a time, or one before 1970.
    pub fn parse(value: &str) -> Result<Self, SettingError> {
        utc(Self::VARIABLE, value).map(Self::until)
    }

    /// Whether the guard only reports at `now`.
    #[must_use]
    pub fn is_on(self, now: UnixTime) -> bool {
        self.0.is_some_and(|until| now < until)
    }
}

/// Since when no tokens of a sign-in have passed without a grant; nothing else can know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardedSince(Option<UnixTime>);

impl GuardedSince {
    /// The environment variable.
    pub const VARIABLE: &str = "GUARDED_SINCE";
    /// The tokens say nothing about it.
    pub const NONE: Self = Self(None);
    /// How far the clock of whoever wrote the time may be ahead.
    const CLOCK_SKEW_SECONDS: u64 = 60;

    /// It is this time.
    #[must_use]
    pub fn new(time: UnixTime) -> Self {
        Self(Some(time))
    }

    /// Reads [`Self::VARIABLE`]: a time as in [`ReportOnly::parse`].
    ///
    /// # Errors
    /// It is none, or one in the future; the guard looks at no grants, or only reports.
    pub fn read(
        lookup: Lookup<'_>,
        guard: TokenGuard,
        report_only: ReportOnly,
        now: UnixTime,
    ) -> Result<Self, SettingError> {
        let Some(value) = optional(lookup, Self::VARIABLE) else {
            return Ok(Self::NONE);
        };
        let time = utc(Self::VARIABLE, &value)?;
        let wrong = |problem: String| Err(SettingError { variable: Self::VARIABLE, problem });
        match (guard, report_only) {
            (TokenGuard::TriggerSource, _) => {
                wrong(format!("must not be set with {} TRIGGER_SOURCE; it is {value:?}", TokenGuard::VARIABLE))
            }
            // Tokens that passed until then would count as guarded.
            (TokenGuard::Grant, ReportOnly(Some(_))) => {
                wrong(format!("must not be set with a {}; it is {value:?}", ReportOnly::VARIABLE))
            }
            (TokenGuard::Grant, ReportOnly(None)) if time > now.plus(Self::CLOCK_SKEW_SECONDS) => {
                wrong(format!("must be a time that has passed; it is {value:?}"))
            }
            (TokenGuard::Grant, ReportOnly(None)) => Ok(Self::new(time)),
        }
    }

    /// The time.
    #[must_use]
    pub fn time(self) -> Option<UnixTime> {
        self.0
    }

    /// The time, for a guard that refuses tokens without a grant at `now`.
    #[must_use]
    pub fn of(self, guard: TokenGuard, report_only: ReportOnly, now: UnixTime) -> Option<UnixTime> {
        self.0.filter(|_| guard == TokenGuard::Grant && !report_only.is_on(now))
    }
}

/// How long a session may last that has proven no second factor, where one is required by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongestSession {
    pub(crate) seconds: u64,
    /// Until when the guard passed every sign-in.
    pub(crate) unguarded_until: UnixTime,
}

impl LongestSession {
    /// The environment variable: the longest validity of a refresh token among the app clients, in days.
    pub const VARIABLE: &str = "LONGEST_SESSION_DAYS";
    /// Days of a refresh token at most (service model, `RefreshTokenValidityType`).
    const MOST_DAYS: u64 = 3650;
    const DAY_SECONDS: u64 = 24 * 3600;

    /// Sessions of `days` days, where the guard passed every sign-in until that time.
    #[must_use]
    pub fn new(days: u64, unguarded_until: UnixTime) -> Self {
        Self { seconds: days.saturating_mul(Self::DAY_SECONDS), unguarded_until }
    }

    /// The days.
    #[must_use]
    pub fn days(self) -> u64 {
        self.seconds / Self::DAY_SECONDS
    }

    /// Reads [`Self::VARIABLE`]; without it, a refresh passes whatever is required.
    ///
    /// # Errors
    /// It is no number of days; it is not known since when the guard refuses, or it looks at no grants; it is missing under
    /// `OPTIONAL`.
    pub fn read(
        lookup: Lookup<'_>,
        guard: TokenGuard,
        policy: Policy,
        report_only: ReportOnly,
        guarded_since: GuardedSince,
    ) -> Result<Option<Self>, SettingError> {
        let wrong = |problem: String| Err(SettingError { variable: Self::VARIABLE, problem });
        let Some(value) = optional(lookup, Self::VARIABLE) else {
            return match policy {
                Policy::Required => Ok(None),
                // A plain user skips, becomes an administrator, and refreshes.
                Policy::Optional => wrong(format!("must be set with {} OPTIONAL", Policy::VARIABLE)),
            };
        };
        if guard == TokenGuard::TriggerSource {
            // No session would be noted, and every refresh refused.
            return wrong(format!("must not be set with {} TRIGGER_SOURCE; it is {value:?}", TokenGuard::VARIABLE));
        }
        let days = value.parse().ok().filter(|days| (1..=Self::MOST_DAYS).contains(days));
        let Some(days) = days else {
            return wrong(format!("must be a number of days from 1 to {}; it is {value:?}", Self::MOST_DAYS));
        };
        match guarded_since.0.max(report_only.0) {
            Some(unguarded_until) => Ok(Some(Self::new(days, unguarded_until))),
            None => wrong(format!("needs {} or {}", GuardedSince::VARIABLE, ReportOnly::VARIABLE)),
        }
    }
}

/// What a client reads that has proven the password and no second factor: most often an app that does not know of it yet.
///
/// Managed login prints it on a page, so it has no character that HTML gives a meaning to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoGrantMessage(Cow<'static, str>);

impl NoGrantMessage {
    /// The environment variable.
    pub const VARIABLE: &str = "NO_GRANT_MESSAGE";
    /// The message, unless an operator writes another one.
    pub const DEFAULT: &str = "A second factor is needed. Please update the app, then sign in again.";
    /// Characters at most.
    pub const LONGEST: usize = 200;

    /// Reads [`Self::VARIABLE`].
    ///
    /// # Errors
    /// It is too long, or has another character than printable ASCII without `<`, `>`, `&` and `"`.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        let Some(value) = optional(lookup, Self::VARIABLE) else { return Ok(Self::default()) };
        let is_plain = |c: char| matches!(c, ' '..='~') && !"<>&\"".contains(c);
        if value.len() > Self::LONGEST || !value.chars().all(is_plain) {
            let longest = Self::LONGEST;
            let problem =
                format!("must be at most {longest} characters of printable ASCII without <>&\"; it is {value:?}");
            return Err(SettingError { variable: Self::VARIABLE, problem });
        }
        Ok(Self(value.into()))
    }
}

impl Default for NoGrantMessage {
    fn default() -> Self {
        Self(Self::DEFAULT.into())
    }
}

impl std::fmt::Display for NoGrantMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The team's own Pre Token Generation function, and what becomes of its errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextFunctionSettings {
    /// Which function.
    pub function: FunctionArn,
    /// What a client sees when it refuses.
    pub errors: NextFunctionErrors,
}

impl NextFunctionSettings {
    /// Reads `NEXT_PRE_TOKEN_GENERATION` and `NEXT_PRE_TOKEN_GENERATION_ERRORS`; `None` if the guard is the only function.
    ///
    /// # Errors
    /// A variable that is wrong; the guard itself; `SHOWN` without a function.
    pub fn read(lookup: Lookup<'_>) -> Result<Option<Self>, SettingError> {
        let errors = NextFunctionErrors::read(lookup)?;
        let wrong = |variable, problem: String| Err(SettingError { variable, problem });
        let Some(value) = optional(lookup, FunctionArn::VARIABLE) else {
            return match errors {
                NextFunctionErrors::Hidden => Ok(None),
                NextFunctionErrors::Shown => {
                    let problem = format!("must be HIDDEN without a {}", FunctionArn::VARIABLE);
                    wrong(NextFunctionErrors::VARIABLE, problem)
                }
            };
        };
        let function = FunctionArn::parse(&value)?;
        // Lambda sets both.
        let (region, own_name) = (required(lookup, "AWS_REGION")?, required(lookup, "AWS_LAMBDA_FUNCTION_NAME")?);
        if function.region != region {
            return wrong(FunctionArn::VARIABLE, format!("must be in the region {region}; it is {value:?}"));
        }
        // By any of its versions and aliases, it would call itself for as long as it has time.
        if function.name.eq_ignore_ascii_case(&own_name) {
            return wrong(FunctionArn::VARIABLE, format!("must not be the token guard itself; it is {value:?}"));
        }
        Ok(Some(Self { function, errors }))
    }
}

/// The ARN of a Lambda function, with or without a version or an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionArn {
    arn: String,
    region: String,
    name: String,
}

impl FunctionArn {
    /// The environment variable.
    pub const VARIABLE: &str = "NEXT_PRE_TOKEN_GENERATION";

    /// Reads the value of [`Self::VARIABLE`].
    ///
    /// # Errors
    /// It is no whole ARN of a function. A bare name is none: it would be read in another way.
    pub fn parse(value: &str) -> Result<Self, SettingError> {
        let is_of = |text: &str, others: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
        };
        let is_lower = |text: &str| is_of(text, "-") && !text.contains(|c: char| c.is_ascii_uppercase());
        let (region, name) = match value.split(':').collect::<Vec<_>>().as_slice() {
            ["arn", partition, "lambda", region, account, "function", name, qualifier @ ..]
                if is_lower(partition)
                    && is_lower(region)
                    && account.len() == 12
                    && account.bytes().all(|digit| digit.is_ascii_digit())
                    && is_of(name, "-_")
                    && (qualifier.is_empty() || matches!(qualifier, [qualifier] if is_of(qualifier, "-_$."))) =>
            {
                ((*region).to_owned(), (*name).to_owned())
            }
            _ => {
                let problem = format!("must be the ARN of a Lambda function; it is {value:?}");
                return Err(SettingError { variable: Self::VARIABLE, problem });
            }
        };
        Ok(Self { arn: value.to_owned(), region, name })
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.arn
    }
}

/// What a client sees when the next function refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextFunctionErrors {
    /// `HIDDEN`: the one fixed sentence.
    Hidden,
    /// `SHOWN`: the function's own error message.
    Shown,
}

impl NextFunctionErrors {
    /// The environment variable.
    pub const VARIABLE: &str = "NEXT_PRE_TOKEN_GENERATION_ERRORS";

    fn read(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        match optional(lookup, Self::VARIABLE).as_deref() {
            None | Some("HIDDEN") => Ok(Self::Hidden),
            Some("SHOWN") => Ok(Self::Shown),
            Some(value) => Err(SettingError {
                variable: Self::VARIABLE,
                problem: format!("must be HIDDEN or SHOWN; it is {value:?}"),
            }),
        }
    }
}
