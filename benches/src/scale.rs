//! What a million sign-ins cost, what limits them first, and how they degrade: on paper, and simulated.
//!
//! Invariant: a figure is measured, a price or quota with AWS's page, or a named assumption. A seed gives one report.

use std::collections::{BTreeMap, BTreeSet};

use shared::timeouts;

/// What one invocation of a function was measured to do.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The function.
    pub function: &'static str,
    /// `MemorySize` of the template.
    pub memory_mb: u32,
    /// Instructions of an answer, once warm.
    pub instructions: u64,
    /// Instructions of a start and of the answer after it.
    pub cold_instructions: u64,
    /// Calls of AWS, in their order.
    pub calls: Vec<Call>,
    /// Bytes of our log lines.
    pub log_bytes: u64,
}

/// A call of AWS. The number is the item's bytes, names of attributes included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// A consistent read.
    GetItem(u64),
    /// A conditional write.
    PutItem(u64),
    /// KMS.
    Encrypt,
    /// KMS.
    Decrypt,
}

/// The triggers that each request of a sign-in sets off: `InitiateAuth`, then each `RespondToAuthChallenge`.
#[derive(Clone, Debug)]
pub struct SignIn(Vec<Vec<Invocation>>);

impl SignIn {
    /// Of a user who has an authenticator: SRP, password, passcode.
    pub fn later(define: &Invocation, create: &Invocation, verify: &Invocation, guard: &Invocation) -> Self {
        Self::of(&[&[define], &[define, create], &[verify, define, guard]])
    }

    /// Of a user who enrolls: SRP, password, `TOTP_SETUP`, `RECOVERY_CODES`. Each pair is Create's and Verify's.
    pub fn first(define: &Invocation, setup: [&Invocation; 2], codes: [&Invocation; 2], guard: &Invocation) -> Self {
        let ([create, verify], [create_codes, verify_codes]) = (setup, codes);
        Self::of(&[&[define], &[define, create], &[verify, define, create_codes], &[verify_codes, define, guard]])
    }

    fn of(requests: &[&[&Invocation]]) -> Self {
        Self(requests.iter().map(|triggers| triggers.iter().copied().cloned().collect()).collect())
    }

    fn takes(&self, limit: Limit) -> f64 {
        let invocations = || self.0.iter().flatten();
        let units = |call: &Call| if call.takes().0 == limit { call.takes().1 } else { 0.0 };
        match limit {
            Limit::Initiate => 1.0,
            Limit::Respond => self.0.len().saturating_sub(1) as f64,
            Limit::Invoke => invocations().count() as f64,
            Limit::AtOnce => invocations().map(|of| of.milliseconds(false).1).sum::<f64>() / 1000.0,
            Limit::Gain => 0.0,
            Limit::Reads | Limit::Writes | Limit::Kms => invocations().flat_map(|of| &of.calls).map(units).sum(),
        }
    }
}

/// The section of the report. `item_bytes` is what a user's item takes in the table.
pub fn report(later: &SignIn, first: &SignIn, item_bytes: u64, seed: u64) -> String {
    let [costs, first_costs] = [later, first].map(|of| cost(of, COLD_SHARE));
    let [total, first_total] = [costs, first_costs].map(|of| of.iter().map(|(_, _, dollars)| dollars).sum::<f64>());
    let mut quotas = Limit::ALL.map(|limit| (limit.quota().0 / later.takes(limit), limit));
    quotas.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let [(allows, first_limit), ..] = quotas;
    let (_, _, name, raised) = first_limit.quota();
    let mut text = format!(
        "## Scale

- **Cost**: a million later sign-ins cost ${total:.2}, a million first ones ${first_total:.2}.
  Cognito's own price comes on top: up to [$15,000 for a million users][cognito-prices] active in a month (Essentials, $0.015 each).
- **First limit**: {name}: {allows:.0} sign-ins/s.
  It is raised {raised}.
- **Beyond it**: a sign-in that is turned away gets no tokens, and nobody's count of wrong passcodes changes.
  The exception: a sign-in that fails after Verify recorded a correct passcode has used that passcode up.

| US dollars | price | a million later | a million first |\n|---|---:|---:|---:|\n",
    );
    for ((price, unit, of_later), (_, _, of_first)) in costs.into_iter().zip(first_costs) {
        text += &format!("| {unit} | {price} | {of_later:.2} | {of_first:.2} |\n");
    }
    text += &format!(
        "| **together** | | **{total:.2}** | **{first_total:.2}** |

Prices are those of us-east-1, on demand, without the free tier, in November 2026.
An idle month costs $1.00 for [the key][kms-prices] ($3.00 after two yearly rotations), $2.10 for [alarms][cloudwatch-prices] on 21 metrics, and for a million users of {item_bytes} bytes ${:.2} ([$0.25 a GB][dynamodb-prices], without backups).

| quota (us-east-1) | default | a later sign-in takes | sign-ins/s | raised |\n|---|---:|---:|---:|---|\n",
        item_bytes as f64 * 1e6 / GB * 0.25,
    );
    for (allows, limit) in quotas {
        let ((default, _, name, raised), takes) = (limit.quota(), later.takes(limit));
        let decimals = if takes < 1.0 { 3 } else { 0 };
        text += &format!("| {name} | {} | {takes:.decimals$} | {} | {raised} |\n", grouped(default), grouped(allows));
    }
    text += &format!(
        "
The table below is simulated: later sign-ins for {SIMULATED_S} s, at first without environments, of which a function [gains at most 1,000 in ten seconds][lambda-scaling].
The {COUNTED_S} s in the middle are counted; cold starts, and the most invocations at once, are those of the whole time.
The columns from Cognito to KMS are the sign-ins that each service refused, and `used up` those whose passcode was used up for nothing, in % of the sign-ins that were offered.
p50 and p99 are those of a trigger.

| | offered/s | completed/s | Cognito | Lambda | DynamoDB | KMS | used up | p50 ms | p99 ms | cold % | at once |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for (name, load) in SCENARIOS {
        let of = simulate(later, load, seed);
        let by = ["Cognito", "Lambda", "DynamoDB", "KMS"].map(|who| *of.refused.get(who).unwrap_or(&0.0));
        let percent = |part: f64| format!("{:.1}", part / of.offered * 100.0);
        let (by, lost) = (by.map(percent).join(" | "), percent(of.used_up));
        let last = of.trigger_s.len().saturating_sub(1) as f64;
        let ms = |part| 1000.0 * of.trigger_s.get((last * part) as usize).unwrap_or(&0.0);
        let ([p50, p99], cold) = ([0.5, 0.99].map(ms), of.cold / of.invocations * 100.0);
        let [came, done, peak] = [load.0, of.completed / COUNTED_S, of.peak].map(grouped);
        text += &format!("| {name} | {came} | {done} | {by} | {lost} | {p50:.0} | {p99:.0} | {cold:.2} | {peak} |\n");
    }
    text + &format!(
        "
A function makes {ATTEMPTS} attempts of a call, up to {BACKOFF_MS} ms apart, then twice that, within {BUDGET_S} s.
The rest is assumed:

- {INSTRUCTIONS_A_SECOND:e} instructions a second of a processor (Graviton2, one a cycle, as many as x86_64's), of which a function has [memory/{PROCESSOR_MB} MB][lambda-memory];
- {DYNAMODB_MS} ms for a call of DynamoDB and {KMS_MS} ms for one of KMS, drawn around that in the simulation;
- {CONNECTION_MS} ms for a connection, and {ENVIRONMENT_MS} ms, not billed, for an environment;
- a share of {COLD_SHARE} cold starts in the costs ([under 1 %][lambda-init]);
- {PLATFORM_LOG_BYTES} bytes of START, END and REPORT in the log;
- a second's worth in every bucket;
- an invocation that Lambda turns away comes [{DELIVERIES} times][cognito-triggers], {DELIVERY_GAP_S} s apart;
- a client that starts again waits up to {CLIENT_WAIT_S} s, then twice that.
{LINKS}",
    )
}

// Assumptions.
const INSTRUCTIONS_A_SECOND: f64 = 2.5e9;
const DYNAMODB_MS: f64 = 5.0;
const KMS_MS: f64 = 8.0;
const CONNECTION_MS: f64 = 5.0;
const ENVIRONMENT_MS: f64 = 150.0;
const COLD_SHARE: f64 = 0.01;
const PLATFORM_LOG_BYTES: f64 = 270.0;
const DELIVERY_GAP_S: f64 = 1.0;
const CLIENT_WAIT_S: f64 = 2.0;
/// In the middle: before, buckets are full; after, who comes last would meet fewer others.
const COUNTED_S: f64 = 30.0;
const SIMULATED_S: f64 = 50.0;
// Ours.
const ATTEMPTS: u32 = timeouts::ATTEMPTS;
const BACKOFF_MS: f64 = timeouts::FIRST_BACKOFF.as_secs_f64() * 1000.0;
const BUDGET_S: f64 = timeouts::INVOCATION.as_secs_f64();
// AWS's.
const PROCESSOR_MB: f64 = 1769.0;
const DELIVERIES: u32 = 3;
const GB: f64 = 1_073_741_824.0;
const LINKS: &str = "
[cloudwatch-prices]: https://aws.amazon.com/cloudwatch/pricing/
[cognito-prices]: https://aws.amazon.com/cognito/pricing/
[cognito-quotas]: https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
[cognito-triggers]:
  https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html
[dynamodb-prices]: https://aws.amazon.com/dynamodb/pricing/on-demand/
[dynamodb-quotas]: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
[kms-prices]: https://aws.amazon.com/kms/pricing/
[kms-quotas]: https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html
[lambda-init]: https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/
[lambda-memory]: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
[lambda-prices]: https://aws.amazon.com/lambda/pricing/
[lambda-quotas]: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
[lambda-rate]: https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
[lambda-scaling]: https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
";

/// Sign-ins a second, how often a client that is turned away starts again, and what differs from the quotas.
type Load = (f64, i32, &'static [&'static [(Limit, f64)]]);

const RAISED: &[(Limit, f64)] = &[(Limit::Initiate, 3000.0), (Limit::Respond, 9000.0)];
const GROWN: &[(Limit, f64)] = &[(Limit::Reads, 40_000.0), (Limit::Writes, 40_000.0)];
const SCENARIOS: [(&str, Load); 9] = [
    ("as deployed", (110.0, 0, &[])),
    ("as deployed", (150.0, 0, &[])),
    ("as deployed", (300.0, 0, &[])),
    ("…, clients start again up to 3 times", (150.0, 3, &[])),
    ("others leave 80/s of KMS", (110.0, 0, &[&[(Limit::Kms, 80.0)]])),
    ("Cognito raised to 3,000/s", (900.0, 0, &[RAISED])),
    ("Cognito raised to 3,000/s", (1300.0, 0, &[RAISED])),
    ("…, table grown to 40,000 units", (2000.0, 0, &[RAISED, GROWN])),
    ("…, others leave 300/s of KMS", (900.0, 0, &[RAISED, GROWN, &[(Limit::Kms, 300.0)]])),
];

/// A unit's price, the unit, and what a million sign-ins cost, where so great a share of invocations starts cold.
fn cost(sign_in: &SignIn, cold_share: f64) -> [(f64, &'static str, f64); 6] {
    let each = |of: &dyn Fn(&Invocation) -> f64| sign_in.0.iter().flatten().map(of).sum::<f64>();
    let gb_ms = |of: &Invocation, cold| of.milliseconds(cold).1.ceil() * f64::from(of.memory_mb) / 1024.0;
    let gb_s = each(&|of| gb_ms(of, false) * (1.0 - cold_share) + gb_ms(of, true) * cold_share) / 1000.0;
    let log_bytes = each(&|of| of.log_bytes as f64 + PLATFORM_LOG_BYTES);
    [
        (0.20, "[million requests of Lambda][lambda-prices]", sign_in.takes(Limit::Invoke)),
        (0.000_013_333_4, "[GB-second of Lambda on arm64, INIT included][lambda-prices]", gb_s * 1e6),
        (0.125, "[million read units of DynamoDB][dynamodb-prices]", sign_in.takes(Limit::Reads)),
        (0.625, "[million write units of DynamoDB][dynamodb-prices]", sign_in.takes(Limit::Writes)),
        (0.03, "[10,000 requests of KMS][kms-prices]", sign_in.takes(Limit::Kms) * 1e6 / 10_000.0),
        (0.50, "[GB taken in by CloudWatch Logs][cloudwatch-prices]", log_bytes * 1e6 / GB),
    ]
    .map(|(price, unit, units)| (price, unit, price * units))
}

impl Invocation {
    /// Before its calls, and with them; Lambda's making of an environment is in neither.
    fn milliseconds(&self, cold: bool) -> (f64, f64) {
        let services = self.calls.iter().map(|call| call.takes().0.quota().1).collect::<BTreeSet<_>>();
        let connections = f64::from(cold) * services.len() as f64 * CONNECTION_MS;
        let instructions = if cold { self.cold_instructions } else { self.instructions };
        let processors = f64::from(self.memory_mb) / PROCESSOR_MB;
        let before = instructions as f64 / (INSTRUCTIONS_A_SECOND * processors) * 1000.0 + connections;
        (before, self.calls.iter().fold(before, |sum, call| sum + call.takes().2))
    }
}

impl Call {
    /// Units, and milliseconds. A read unit is 4 KB, strongly consistent; a write unit 1 KB.
    fn takes(self) -> (Limit, f64, f64) {
        match self {
            Self::GetItem(item_bytes) => (Limit::Reads, item_bytes.div_ceil(4096).max(1) as f64, DYNAMODB_MS),
            Self::PutItem(item_bytes) => (Limit::Writes, item_bytes.div_ceil(1024).max(1) as f64, DYNAMODB_MS),
            Self::Encrypt | Self::Decrypt => (Limit::Kms, 1.0, KMS_MS),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Limit {
    Initiate,
    Respond,
    Invoke,
    AtOnce,
    Gain,
    Reads,
    Writes,
    Kms,
}

impl Limit {
    const ALL: [Self; 7] =
        [Self::Initiate, Self::Respond, Self::Invoke, Self::AtOnce, Self::Reads, Self::Writes, Self::Kms];

    /// The default of us-east-1 and of a new table, whose it is, of what, and how it is raised.
    fn quota(self) -> (f64, &'static str, &'static str, &'static str) {
        let (paid, grows) = ("for [$20 a month][cognito-prices] each", "by itself, to twice the last peak");
        match self {
            Self::Initiate => (120.0, "Cognito", "[Cognito's InitiateAuth a second][cognito-quotas]", paid),
            Self::Respond => (360.0, "Cognito", "[RespondToAuthChallenge a second][cognito-quotas]", "with it"),
            Self::Invoke => (10_000.0, "Lambda", "[Lambda's invocations a second][lambda-rate]", "with those at once"),
            Self::AtOnce => (1000.0, "Lambda", "[Lambda's invocations at once][lambda-quotas]", "on request"),
            Self::Gain => (1000.0, "Lambda", "[environments that a function gains in ten seconds][lambda-scaling]", ""),
            Self::Reads => (12_000.0, "DynamoDB", "[a new table's read units a second][dynamodb-quotas]", grows),
            Self::Writes => (4000.0, "DynamoDB", "[a new table's write units a second][dynamodb-quotas]", grows),
            Self::Kms => (100_000.0, "KMS", "[KMS's calls a second][kms-quotas]", "on request; elsewhere 10,000+"),
        }
    }
}

/// Sign-ins come at random, each through its requests, triggers and calls.
fn simulate(sign_in: &SignIn, (offered, client_retries, changed): Load, seed: u64) -> Simulation {
    let mut steps = Vec::new();
    for (at, triggers) in sign_in.0.iter().enumerate() {
        steps.push(Step::Request(if at == 0 { Limit::Initiate } else { Limit::Respond }));
        for trigger in triggers {
            steps.push(Step::Start(trigger));
            steps.extend(trigger.calls.iter().map(|call| Step::Call(trigger, *call)));
            steps.push(Step::Answer(trigger));
        }
    }
    let mut simulation = Simulation { client_retries, changed, random: Random(seed), ..Simulation::default() };
    let mut at = simulation.random.exponential() / offered;
    while at < SIMULATED_S {
        let counted = (at - SIMULATED_S / 2.0).abs() < COUNTED_S / 2.0;
        simulation.offered += f64::from(counted);
        simulation.push(at, Walk { counted, ..Walk::default() });
        at += simulation.random.exponential() / offered;
    }
    while let Some(((at, _), walk)) = simulation.events.pop_first() {
        simulation.walk(f64::from_bits(at), walk, steps.get(walk.step));
    }
    simulation.trigger_s.sort_by(f64::total_cmp);
    simulation
}

enum Step<'a> {
    Request(Limit),
    Start(&'a Invocation),
    Call(&'a Invocation, Call),
    Answer(&'a Invocation),
}

/// Where a sign-in is.
#[derive(Clone, Copy, Default, PartialEq)]
struct Walk {
    counted: bool,
    restarts: i32,
    step: usize,
    tries: u32,
    /// Of the trigger; then of its handler, and so of its budget.
    began: f64,
    handled: f64,
    wrote: bool,
    failed: Option<Limit>,
}

/// What is simulated, and the results of the sign-ins that count: whole numbers, exact below 2^53.
#[derive(Default, PartialEq)]
struct Simulation {
    client_retries: i32,
    changed: &'static [&'static [(Limit, f64)]],
    random: Random,
    /// By time, whose bits are in order as it is never negative, then by number.
    events: BTreeMap<(u64, u64), Walk>,
    number: u64,
    /// Of the account, or of a function: what is left, since when.
    buckets: BTreeMap<(Limit, &'static str), (f64, f64)>,
    /// A function's environments that wait.
    idle: BTreeMap<&'static str, f64>,
    busy: f64,
    peak: f64,
    invocations: f64,
    cold: f64,
    trigger_s: Vec<f64>,
    offered: f64,
    completed: f64,
    refused: BTreeMap<&'static str, f64>,
    /// Attempts that failed after a write.
    used_up: f64,
}

impl Simulation {
    fn push(&mut self, at: f64, walk: Walk) {
        self.number = self.number.saturating_add(1);
        self.events.insert((at.to_bits(), self.number), walk);
    }

    fn limit(&self, limit: Limit) -> f64 {
        self.changed.iter().copied().flatten().find(|(of, _)| *of == limit).map_or(limit.quota().0, |(_, to)| *to)
    }

    fn take(&mut self, limit: Limit, function: &'static str, now: f64, units: f64) -> bool {
        let capacity = self.limit(limit);
        let a_second = if limit == Limit::Gain { capacity / 10.0 } else { capacity };
        let (left, since) = self.buckets.entry((limit, function)).or_insert((capacity, now));
        (*left, *since) = ((*left + (now - *since) * a_second).min(capacity), now);
        let taken = *left >= units;
        *left -= if taken { units } else { 0.0 };
        taken
    }

    fn walk(&mut self, now: f64, walk: Walk, step: Option<&Step<'_>>) {
        let next = Walk { step: walk.step.saturating_add(1), tries: 0, ..walk };
        match (step, walk.failed) {
            (None, _) => self.completed += f64::from(walk.counted),
            (Some(Step::Request(limit)), _) if self.take(*limit, "", now, 1.0) => self.push(now, next),
            (Some(Step::Request(limit)), _) => self.refuse(now, walk, *limit),
            (Some(Step::Start(trigger)), _) => self.start(now, walk, next, trigger),
            (Some(Step::Call(_, call)), None) => self.call(now, walk, next, *call),
            (Some(Step::Call(trigger, _) | Step::Answer(trigger)), failed) => {
                self.busy -= 1.0;
                *self.idle.entry(trigger.function).or_default() += 1.0;
                self.trigger_s.extend(walk.counted.then_some(now - walk.began));
                match failed {
                    Some(limit) => self.refuse(now, walk, limit),
                    None => self.push(now, next),
                }
            }
        }
    }

    fn start(&mut self, now: f64, walk: Walk, next: Walk, trigger: &Invocation) {
        let cold = self.idle.get(trigger.function).is_none_or(|idle| *idle == 0.0);
        let runs = self.busy < self.limit(Limit::AtOnce)
            && self.take(Limit::Invoke, "", now, 1.0)
            && (!cold || self.take(Limit::Gain, trigger.function, now, 1.0));
        if !runs {
            return match walk.tries.saturating_add(1) {
                DELIVERIES => self.refuse(now, walk, Limit::Invoke),
                tries => self.push(now + DELIVERY_GAP_S, Walk { tries, ..walk }),
            };
        }
        *self.idle.entry(trigger.function).or_default() -= f64::from(!cold);
        self.busy += 1.0;
        self.peak = self.peak.max(self.busy);
        self.invocations += 1.0;
        self.cold += f64::from(cold);
        let handled = now + f64::from(cold) * ENVIRONMENT_MS / 1000.0;
        self.push(handled + trigger.milliseconds(cold).0 / 1000.0, Walk { began: now, handled, ..next });
    }

    fn call(&mut self, now: f64, walk: Walk, next: Walk, call: Call) {
        let (limit, units, milliseconds) = call.takes();
        // As much again as is drawn here, on average, is the call's shortest time.
        let answered = now + milliseconds / 1000.0 * (0.5 + 0.5 * self.random.exponential());
        if self.take(limit, "", now, units) {
            return self.push(answered, Walk { wrote: walk.wrote || limit == Limit::Writes, ..next });
        }
        let tries = walk.tries.saturating_add(1);
        let again = answered + self.random.part() * BACKOFF_MS / 1000.0 * 2_f64.powi(walk.tries as i32);
        let failed = Walk { failed: Some(limit), ..walk };
        match walk.handled + BUDGET_S {
            _ if tries >= ATTEMPTS => self.push(answered, failed),
            end if again > end => self.push(end, failed),
            _ => self.push(again, Walk { tries, ..walk }),
        }
    }

    fn refuse(&mut self, now: f64, walk: Walk, limit: Limit) {
        self.used_up += f64::from(walk.counted && walk.wrote);
        if walk.restarts < self.client_retries {
            let wait = self.random.part() * CLIENT_WAIT_S * 2_f64.powi(walk.restarts);
            let (counted, restarts) = (walk.counted, walk.restarts.saturating_add(1));
            self.push(now + wait, Walk { counted, restarts, ..Walk::default() });
        } else if walk.counted {
            *self.refused.entry(limit.quota().1).or_default() += 1.0;
        }
    }
}

/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (`SplitMix64`).
#[derive(Default, PartialEq)]
struct Random(u64);

impl Random {
    /// Below 1.
    fn part(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Of mean 1.
    fn exponential(&mut self) -> f64 {
        -(1.0 - self.part()).ln()
    }
}

fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let comma = |at: usize| if at > 0 && digits.len().saturating_sub(at).is_multiple_of(3) { "," } else { "" };
    digits.chars().enumerate().fold(String::new(), |text, (at, digit)| text + comma(at) + &String::from(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later() -> SignIn {
        let (get, put) = (Call::GetItem(1500), Call::PutItem(1500));
        let of = |function, memory_mb, calls: &[Call]| {
            let (instructions, cold_instructions, calls) = (1_000_000, 20_000_000, calls.to_vec());
            Invocation { function, memory_mb, instructions, cold_instructions, calls, log_bytes: 130 }
        };
        let verify = of("verify", 512, &[get, Call::Decrypt, put]);
        SignIn::later(&of("define", 128, &[]), &of("create", 512, &[get]), &verify, &of("guard", 512, &[get, put]))
    }

    fn run(load: Load) -> Simulation {
        let of = simulate(&later(), load, 7);
        assert_eq!(of.offered, of.completed + of.refused.values().sum::<f64>(), "nobody is lost");
        of
    }

    #[test]
    fn the_costs_of_a_million_are_what_one_computes_by_hand() {
        // 1e6 / (2.5e9 * 128 / 1769) = 5.53 ms, billed as 6; at 512 MB 1.38, with the calls 6.38, 19.38 and 11.38.
        let warm_gb_ms = 3.0 * 6.0 * 0.125 + (7.0 + 20.0 + 12.0) * 0.5;
        // 20e6 instructions: 110.6 ms at 128 MB; at 512 27.6, and 5 for each of one, two and one connections.
        let cold_gb_ms = 3.0 * 111.0 * 0.125 + (38.0 + 56.0 + 43.0) * 0.5;
        let duration = (warm_gb_ms + cold_gb_ms) / 2.0 * 1000.0 * 0.000_013_333_4;
        let logs = 6.0 * 400.0 * 1e6 / 1_073_741_824.0 * 0.5;
        let by_hand = [6.0 * 0.20, duration, 3.0 * 0.125, 2.0 * 2.0 * 0.625, 3.0, logs];
        for ((_, unit, ours), by_hand) in cost(&later(), 0.5).into_iter().zip(by_hand) {
            assert!((ours - by_hand).abs() < 1e-6, "{unit}: {ours} is not {by_hand}");
        }
    }

    #[test]
    fn below_all_limits_nothing_is_refused() {
        let of = run((60.0, 0, &[]));
        assert!(of.completed == of.offered && (1650.0..1950.0).contains(&of.offered), "60/s for 30 s: {}", of.offered);
    }

    #[test]
    fn above_cognitos_quota_as_many_complete_as_it_allows() {
        for retries in [0, 3] {
            let of = run((300.0, retries, &[]));
            assert!((117.0..123.0).contains(&(of.completed / COUNTED_S)), "{}", of.completed);
            assert!(of.refused.keys().eq(&["Cognito"]));
        }
    }

    #[test]
    fn without_kms_sign_ins_fail_and_without_writes_they_use_passcodes_up() {
        let kms = run((110.0, 0, &[&[(Limit::Kms, 80.0)]]));
        assert!((78.0..82.0).contains(&(kms.completed / COUNTED_S)), "{}", kms.completed);
        assert!(kms.refused.keys().eq(&["KMS"]) && kms.used_up == 0.0);
        let writes = run((110.0, 0, &[&[(Limit::Writes, 300.0)]]));
        assert!(writes.refused.keys().eq(&["DynamoDB"]) && writes.used_up > 0.0);
    }

    #[test]
    fn a_seed_gives_one_outcome_and_another_seed_another() {
        let of = |seed| simulate(&later(), (150.0, 1, &[]), seed);
        assert!(of(1) == of(1) && of(1).trigger_s != of(2).trigger_s);
        assert_eq!(Random(0).part(), (0xe220_a839_7b1d_cdaf_u64 >> 11) as f64 / 2_f64.powi(53), "as published");
    }
}
