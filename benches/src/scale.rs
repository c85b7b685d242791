//! Scale on paper and by simulation: what a million sign-ins cost, what limits first, and how it degrades.
//!
//! Every figure is measured (a [`SignIn`], which the caller fills), a price or quota of AWS with its page, or an
//! assumption, which has a name here. Pure: no clock, no I/O, and the generator is seeded.

use std::collections::BTreeMap;

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

/// A request of the client to Cognito, and the triggers that it sets off, in their order.
#[derive(Clone, Debug)]
pub struct Request {
    /// `InitiateAuth`; else `RespondToAuthChallenge`.
    pub initiates: bool,
    /// The triggers.
    pub invocations: Vec<Invocation>,
}

/// A sign-in from the first request to the tokens.
#[derive(Clone, Debug)]
pub struct SignIn(pub Vec<Request>);

impl SignIn {
    /// Of a user who has an authenticator: SRP, password, passcode.
    pub fn later(define: &Invocation, create: &Invocation, verify: &Invocation, guard: &Invocation) -> Self {
        Self::of([vec![define], vec![define, create], vec![verify, define, guard]])
    }

    /// Of a user who enrols: SRP, password, `TOTP_SETUP`, `RECOVERY_CODES`. Each pair is Create's and Verify's.
    pub fn first(define: &Invocation, setup: [&Invocation; 2], codes: [&Invocation; 2], guard: &Invocation) -> Self {
        let ([create_setup, verify_setup], [create_codes, verify_codes]) = (setup, codes);
        let to_codes = vec![verify_setup, define, create_codes];
        Self::of([vec![define], vec![define, create_setup], to_codes, vec![verify_codes, define, guard]])
    }

    fn of<const N: usize>(requests: [Vec<&Invocation>; N]) -> Self {
        let request = |(at, triggers): (usize, Vec<&Invocation>)| Request {
            initiates: at == 0,
            invocations: triggers.into_iter().cloned().collect(),
        };
        Self(requests.into_iter().enumerate().map(request).collect())
    }

    fn invocations(&self) -> impl Iterator<Item = &Invocation> {
        self.0.iter().flat_map(|request| &request.invocations)
    }

    fn calls(&self) -> impl Iterator<Item = &Call> {
        self.invocations().flat_map(|invocation| &invocation.calls)
    }
}

impl Call {
    fn service(self) -> Who {
        match self {
            Self::GetItem(_) | Self::PutItem(_) => Who::DynamoDb,
            Self::Encrypt | Self::Decrypt => Who::Kms,
        }
    }

    /// A read unit is 4 KB, strongly consistent; a write unit 1 KB.
    fn units(self) -> (f64, f64) {
        match self {
            Self::GetItem(item_bytes) => (item_bytes.div_ceil(4096).max(1) as f64, 0.0),
            Self::PutItem(item_bytes) => (0.0, item_bytes.div_ceil(1024).max(1) as f64),
            Self::Encrypt | Self::Decrypt => (0.0, 0.0),
        }
    }

    fn latency_ms(self) -> f64 {
        if self.service() == Who::Kms { KMS_MS } else { DYNAMODB_MS }
    }
}

impl Invocation {
    /// What the function takes, without Lambda's making of an environment.
    fn milliseconds(&self, cold: bool) -> f64 {
        let services = [Who::DynamoDb, Who::Kms].map(|who| self.calls.iter().any(|call| call.service() == who));
        let connections = services.into_iter().filter(|called| cold && *called).count() as f64;
        self.processor_ms(cold)
            + connections * CONNECTION_MS
            + self.calls.iter().map(|call| call.latency_ms()).sum::<f64>()
    }

    fn processor_ms(&self, cold: bool) -> f64 {
        let instructions = if cold { self.cold_instructions } else { self.instructions };
        let share = f64::from(self.memory_mb) / MEMORY_MB_OF_A_PROCESSOR;
        instructions as f64 / (INSTRUCTIONS_A_SECOND * share) * 1000.0
    }
}

// Assumptions. Everything below that is neither measured nor of AWS's pages.

/// Of one Graviton2 processor: 2.5 GHz, one a cycle. The count is x86_64's; arm64's is taken to be the same.
pub const INSTRUCTIONS_A_SECOND: f64 = 2.5e9;
/// A call of DynamoDB within the region, on a connection that is open.
pub const DYNAMODB_MS: f64 = 5.0;
/// A call of KMS.
pub const KMS_MS: f64 = 8.0;
/// Opening a connection with TLS, beside its instructions.
pub const CONNECTION_MS: f64 = 5.0;
/// Lambda makes an environment and fetches the code; Cognito waits for it, and it is not billed.
pub const ENVIRONMENT_MS: f64 = 150.0;
/// "Under 1 %": <https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/>
pub const COLD_SHARE: f64 = 0.01;
/// Lambda's own lines START, END and REPORT, which LogFormat Text brings with it.
pub const PLATFORM_LOG_BYTES: f64 = 270.0;
/// Between two deliveries of an event that Lambda turned away.
pub const DELIVERY_GAP_S: f64 = 1.0;
/// A client waits a random part of this before it starts again, of twice as much the next time, and so on.
pub const CLIENT_WAIT_S: f64 = 2.0;

/// Processor time comes with memory: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
pub const MEMORY_MB_OF_A_PROCESSOR: f64 = 1769.0;
/// The SDK's standard retries, and what it waits a random part of before the first; the double before the next:
/// <https://docs.aws.amazon.com/sdk-for-rust/latest/dg/retries.html>
pub const ATTEMPTS: u32 = 3;
/// As above.
pub const BACKOFF_S: f64 = 1.0;
/// `shared::runtime::BUDGET`.
pub const BUDGET_S: f64 = 4.0;
/// Deliveries of one event by Cognito, in all:
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html>
pub const DELIVERIES: u32 = 3;

/// A price of AWS: us-east-1, on demand, no free tier, November 2026.
#[derive(Clone, Copy, Debug)]
pub struct Price(pub f64, pub &'static str, pub &'static str);

const LAMBDA_REQUEST: Price = Price(0.20, "million requests of Lambda", LAMBDA_PRICES);
const LAMBDA_GB_SECOND: Price = Price(0.000_013_333_4, "GB-second of Lambda on arm64, INIT included", LAMBDA_PRICES);
const DYNAMODB_READ: Price = Price(0.125, "million read units of DynamoDB", DYNAMODB_PRICES);
const DYNAMODB_WRITE: Price = Price(0.625, "million write units of DynamoDB", DYNAMODB_PRICES);
const KMS_REQUEST: Price = Price(0.03, "10,000 requests of KMS", KMS_PRICES);
const LOGS: Price = Price(0.50, "GB taken in by CloudWatch Logs", CLOUDWATCH_PRICES);
const KEY: Price = Price(1.00, "KMS key and month; as much again after each of two rotations", KMS_PRICES);
const ALARM: Price = Price(0.10, "metric of a CloudWatch alarm and month", CLOUDWATCH_PRICES);
const STORED: Price = Price(0.45, "GB-month of DynamoDB, point-in-time recovery ($0.20) included", DYNAMODB_PRICES);
const COGNITO_RATE: Price = Price(20.00, "request/s above Cognito's quota and month", COGNITO_PRICES);
const COGNITO_USER: Price = Price(0.015, "active user of Cognito Essentials and month", COGNITO_PRICES);
const PRICES: [Price; 11] = [
    LAMBDA_REQUEST,
    LAMBDA_GB_SECOND,
    DYNAMODB_READ,
    DYNAMODB_WRITE,
    KMS_REQUEST,
    LOGS,
    KEY,
    ALARM,
    STORED,
    COGNITO_RATE,
    COGNITO_USER,
];
const LAMBDA_PRICES: &str = "https://aws.amazon.com/lambda/pricing/";
const DYNAMODB_PRICES: &str = "https://aws.amazon.com/dynamodb/pricing/on-demand/";
const KMS_PRICES: &str = "https://aws.amazon.com/kms/pricing/";
const CLOUDWATCH_PRICES: &str = "https://aws.amazon.com/cloudwatch/pricing/";
const COGNITO_PRICES: &str = "https://aws.amazon.com/cognito/pricing/";
/// Of template.yaml: 13 alarms on one metric, two on two.
const ALARM_METRICS: f64 = 17.0;
const GB: f64 = 1_073_741_824.0;
const MILLION: f64 = 1e6;

/// US dollars per million sign-ins, and what for.
#[derive(Clone, Copy, Debug)]
pub struct Cost(pub [(&'static str, f64); 6]);

impl Cost {
    /// All of it.
    pub fn total(&self) -> f64 {
        self.0.into_iter().map(|(_, dollars)| dollars).sum()
    }
}

/// What a million of these sign-ins cost, where so great a share of invocations starts cold.
pub fn cost(sign_in: &SignIn, cold_share: f64) -> Cost {
    let each = |of: &dyn Fn(&Invocation) -> f64| sign_in.invocations().map(of).sum::<f64>();
    let gb_ms = each(&|of| {
        let billed = of.milliseconds(false).ceil() * (1.0 - cold_share) + of.milliseconds(true).ceil() * cold_share;
        billed * f64::from(of.memory_mb) / 1024.0
    });
    let kms = sign_in.calls().filter(|call| call.service() == Who::Kms).count() as f64;
    let units = |of: fn((f64, f64)) -> f64| sign_in.calls().map(|call| of(call.units())).sum::<f64>();
    let log_bytes = each(&|of| of.log_bytes as f64 + PLATFORM_LOG_BYTES);
    Cost([
        ("Lambda, requests", each(&|_| LAMBDA_REQUEST.0)),
        ("Lambda, duration", gb_ms / 1000.0 * MILLION * LAMBDA_GB_SECOND.0),
        ("DynamoDB, reads", units(|(reads, _)| reads) * DYNAMODB_READ.0),
        ("DynamoDB, writes", units(|(_, writes)| writes) * DYNAMODB_WRITE.0),
        ("KMS, requests", kms * MILLION / 10_000.0 * KMS_REQUEST.0),
        ("CloudWatch Logs", log_bytes * MILLION / GB * LOGS.0),
    ])
}

/// Rates of an account in a region, a second; the default is us-east-1's with a new table.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `UserAuthentication`: InitiateAuth has this, RespondToAuthChallenge three times as much.
    pub cognito: f64,
    /// Invocations at once; ten times as many a second.
    pub concurrency: f64,
    /// Environments that a function gains in ten seconds.
    pub scaling: f64,
    /// What the rest of the account leaves of KMS's symmetric operations.
    pub kms: f64,
    /// Read units of the table.
    pub reads: f64,
    /// Write units of the table.
    pub writes: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { cognito: 120.0, concurrency: 1000.0, scaling: 1000.0, kms: 100_000.0, reads: 12_000.0, writes: 4000.0 }
    }
}

const COGNITO_QUOTAS: &str = "https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html";
const LAMBDA_QUOTAS: &str = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html";
const LAMBDA_RATE: &str = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html";
const LAMBDA_SCALING: &str = "https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html";
const KMS_QUOTAS: &str = "https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html";
const TABLE_QUOTAS: &str =
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html";

/// A quota, and what a sign-in takes of it.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    /// Of what.
    pub name: &'static str,
    /// A second, or at once.
    pub quota: f64,
    /// What one sign-in takes.
    pub per_sign_in: f64,
    /// How it is raised.
    pub raised: &'static str,
    /// AWS's page.
    pub page: &'static str,
}

impl Quota {
    /// Sign-ins a second.
    pub fn allows(&self) -> f64 {
        self.quota / self.per_sign_in
    }
}

/// What limits these sign-ins, first things first.
pub fn quotas(sign_in: &SignIn, limits: &Limits) -> Vec<Quota> {
    let [initiates, responds] =
        [true, false].map(|of| sign_in.0.iter().filter(|request| request.initiates == of).count() as f64);
    let kms = sign_in.calls().filter(|call| call.service() == Who::Kms).count() as f64;
    let (invocations, at_once) = (sign_in.invocations().count() as f64, limits.concurrency);
    let seconds = sign_in.invocations().map(|of| of.milliseconds(false)).sum::<f64>() / 1000.0;
    let reads = sign_in.calls().map(|call| call.units().0).sum();
    let writes = sign_in.calls().map(|call| call.units().1).sum();
    let grows = "by itself, to twice the last peak";
    let mut rows = [
        ("Cognito's InitiateAuth, a second", limits.cognito, initiates, "by paying", COGNITO_QUOTAS),
        ("RespondToAuthChallenge, a second", 3.0 * limits.cognito, responds, "with it", COGNITO_QUOTAS),
        ("Lambda's invocations, a second", 10.0 * at_once, invocations, "with those at once", LAMBDA_RATE),
        ("Lambda's invocations, at once", at_once, seconds, "on request", LAMBDA_QUOTAS),
        ("write units of a new table, a second", limits.writes, writes, grows, TABLE_QUOTAS),
        ("read units of a new table, a second", limits.reads, reads, grows, TABLE_QUOTAS),
        ("KMS's symmetric operations, a second", limits.kms, kms, "on request", KMS_QUOTAS),
        ("KMS's in the smallest regions, a second", 10_000.0, kms, "on request", KMS_QUOTAS),
    ]
    .map(|(name, quota, per_sign_in, raised, page)| Quota { name, quota, per_sign_in, raised, page })
    .to_vec();
    rows.retain(|row| row.per_sign_in > 0.0);
    rows.sort_by(|a, b| a.allows().total_cmp(&b.allows()));
    rows
}

/// Who turned a sign-in away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// TooManyRequestsException.
    Cognito,
    /// No environment for a trigger.
    Lambda,
    /// Throttled until the SDK gave up, or the trigger's budget was spent.
    DynamoDb,
    /// As DynamoDB.
    Kms,
}

/// What is simulated: sign-ins come at random, from a moment at which no environment exists.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// In words.
    pub name: &'static str,
    /// What may be used.
    pub limits: Limits,
    /// Sign-ins a second.
    pub offered: f64,
    /// How often a client that was turned away starts again.
    pub client_retries: u32,
}

/// What became of the sign-ins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Sign-ins that came.
    pub offered: u64,
    /// That ended in tokens.
    pub completed: u64,
    /// That did not.
    pub refused: BTreeMap<Who, u64>,
    /// From the start of a trigger to its answer, milliseconds: half of them, and 99 of a hundred, take no longer.
    pub trigger_ms: [f64; 2],
    /// Invocations that waited for a new environment, of all from the first second on.
    pub cold_share: f64,
    /// The most invocations at once.
    pub peak: f64,
}

/// Seconds in which sign-ins come. As many are not counted before, while buckets are full and environments few, and after,
/// so that the last that count meet as many others as the first.
const SIMULATED_S: f64 = 50.0;
const UNCOUNTED_S: f64 = 10.0;
const COUNTED_S: f64 = SIMULATED_S - 2.0 * UNCOUNTED_S;

/// Walks each sign-in through its requests, triggers and calls.
pub fn simulate(sign_in: &SignIn, scenario: &Scenario, seed: u64) -> Outcome {
    let limits = &scenario.limits;
    let mut world = World {
        sign_in,
        scenario,
        random: Random(seed),
        events: BTreeMap::new(),
        number: 0,
        initiate: Bucket::a_second(limits.cognito),
        respond: Bucket::a_second(3.0 * limits.cognito),
        invoke: Bucket::a_second(10.0 * limits.concurrency),
        kms: Bucket::a_second(limits.kms),
        reads: Bucket::a_second(limits.reads),
        writes: Bucket::a_second(limits.writes),
        pools: BTreeMap::new(),
        busy: 0.0,
        starts: 0,
        cold: 0,
        times: Vec::new(),
        outcome: Outcome::default(),
    };
    let mut at = 0.0;
    loop {
        at += world.random.exponential() / scenario.offered;
        if at >= SIMULATED_S {
            break;
        }
        let counted = (UNCOUNTED_S..UNCOUNTED_S + COUNTED_S).contains(&at);
        world.outcome.offered = world.outcome.offered.saturating_add(counted.into());
        world.push(at, Walk { counted, ..Walk::default() });
    }
    while let Some(((at, _), walk)) = world.events.pop_first() {
        world.step(f64::from_bits(at), walk);
    }
    world.outcome.cold_share = world.cold as f64 / (world.starts as f64).max(1.0);
    world.times.sort_by(f64::total_cmp);
    let last = world.times.len().saturating_sub(1) as f64;
    world.outcome.trigger_ms =
        [0.5, 0.99].map(|part| world.times.get((last * part) as usize).copied().unwrap_or_default() * 1000.0);
    world.outcome
}

/// Where a sign-in is.
#[derive(Clone, Copy, Debug, Default)]
struct Walk {
    counted: bool,
    restarts: i32,
    request: usize,
    trigger: usize,
    call: usize,
    /// Of the delivery, then of the call.
    tries: u32,
    began: f64,
    /// The budget's start.
    handled: f64,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    #[default]
    Request,
    Deliver,
    Call,
    Failed(Who),
}

struct World<'a> {
    sign_in: &'a SignIn,
    scenario: &'a Scenario,
    random: Random,
    /// By time, whose bits are in order as it is never negative, then by number.
    events: BTreeMap<(u64, u64), Walk>,
    number: u64,
    initiate: Bucket,
    respond: Bucket,
    invoke: Bucket,
    kms: Bucket,
    reads: Bucket,
    writes: Bucket,
    pools: BTreeMap<&'static str, Pool>,
    busy: f64,
    starts: u64,
    cold: u64,
    times: Vec<f64>,
    outcome: Outcome,
}

/// A function's environments that wait, and how many it may gain.
struct Pool {
    idle: u64,
    gain: Bucket,
}

impl World<'_> {
    fn push(&mut self, at: f64, walk: Walk) {
        self.number = self.number.saturating_add(1);
        self.events.insert((at.to_bits(), self.number), walk);
    }

    fn step(&mut self, now: f64, walk: Walk) {
        let sign_in = self.sign_in;
        let Some(request) = sign_in.0.get(walk.request) else {
            self.outcome.completed = self.outcome.completed.saturating_add(walk.counted.into());
            return;
        };
        let trigger = request.invocations.get(walk.trigger);
        match (walk.stage, trigger) {
            (Stage::Request, _) => {
                let bucket = if request.initiates { &mut self.initiate } else { &mut self.respond };
                if bucket.take(now, 1.0) {
                    self.push(now, Walk { stage: Stage::Deliver, trigger: 0, tries: 0, ..walk });
                } else {
                    self.refuse(now, walk, Who::Cognito);
                }
            }
            (_, None) => {
                self.push(now, Walk { stage: Stage::Request, request: walk.request.saturating_add(1), ..walk });
            }
            (Stage::Deliver, Some(trigger)) => self.deliver(now, walk, trigger),
            (Stage::Call, Some(trigger)) => self.call(now, walk, trigger),
            (Stage::Failed(who), Some(trigger)) => {
                self.release(now, &walk, trigger);
                self.refuse(now, walk, who);
            }
        }
    }

    fn deliver(&mut self, now: f64, walk: Walk, trigger: &Invocation) {
        let limits = &self.scenario.limits;
        let gain = Bucket { rate: limits.scaling / 10.0, ..Bucket::a_second(limits.scaling) };
        let pool = self.pools.entry(trigger.function).or_insert(Pool { idle: 0, gain });
        let cold = pool.idle == 0;
        let runs = self.busy < limits.concurrency && self.invoke.take(now, 1.0) && (!cold || pool.gain.take(now, 1.0));
        let tries = walk.tries.saturating_add(1);
        if !runs {
            return match tries {
                DELIVERIES => self.refuse(now, walk, Who::Lambda),
                _ => self.push(now + DELIVERY_GAP_S, Walk { tries, ..walk }),
            };
        }
        pool.idle = pool.idle.saturating_sub(1);
        self.cold = self.cold.saturating_add(cold.into());
        self.busy += 1.0;
        self.outcome.peak = self.outcome.peak.max(self.busy);
        let calls = trigger.calls.iter().map(|call| call.latency_ms()).sum::<f64>();
        let before_calls = (trigger.milliseconds(cold) - calls) / 1000.0;
        let handled = now + if cold { ENVIRONMENT_MS / 1000.0 } else { 0.0 };
        let walk = Walk { stage: Stage::Call, call: 0, tries: 0, began: now, handled, ..walk };
        self.push(handled + before_calls, walk);
    }

    fn call(&mut self, now: f64, walk: Walk, trigger: &Invocation) {
        let Some(call) = trigger.calls.get(walk.call) else {
            self.release(now, &walk, trigger);
            let next = walk.trigger.saturating_add(1);
            return self.push(now, Walk { stage: Stage::Deliver, trigger: next, tries: 0, ..walk });
        };
        // As much again as is drawn here, on average, is the call's shortest time.
        let answered = now + call.latency_ms() / 1000.0 * (0.5 + 0.5 * self.random.exponential());
        let (reads, writes) = call.units();
        let passes = match call {
            Call::GetItem(_) => self.reads.take(now, reads),
            Call::PutItem(_) => self.writes.take(now, writes),
            Call::Encrypt | Call::Decrypt => self.kms.take(now, 1.0),
        };
        if passes {
            return self.push(answered, Walk { call: walk.call.saturating_add(1), tries: 0, ..walk });
        }
        let tries = walk.tries.saturating_add(1);
        let again = answered + self.random.part() * BACKOFF_S * 2_f64.powi(walk.tries as i32);
        let failed = Walk { stage: Stage::Failed(call.service()), ..walk };
        match walk.handled + BUDGET_S {
            _ if tries >= ATTEMPTS => self.push(answered, failed),
            end if again > end => self.push(end, failed),
            _ => self.push(again, Walk { tries, ..walk }),
        }
    }

    fn release(&mut self, now: f64, walk: &Walk, trigger: &Invocation) {
        self.busy -= 1.0;
        self.starts = self.starts.saturating_add(1);
        if walk.counted {
            self.times.push(now - walk.began);
        }
        if let Some(pool) = self.pools.get_mut(trigger.function) {
            pool.idle = pool.idle.saturating_add(1);
        }
    }

    fn refuse(&mut self, now: f64, walk: Walk, who: Who) {
        if walk.restarts < self.scenario.client_retries as i32 {
            let wait = self.random.part() * CLIENT_WAIT_S * 2_f64.powi(walk.restarts);
            let restarts = walk.restarts.saturating_add(1);
            self.push(now + wait, Walk { counted: walk.counted, restarts, ..Walk::default() });
        } else if walk.counted {
            let refused = self.outcome.refused.entry(who).or_default();
            *refused = refused.saturating_add(1);
        }
    }
}

/// A token bucket that holds a second's worth, full at first.
struct Bucket {
    rate: f64,
    capacity: f64,
    tokens: f64,
    at: f64,
}

impl Bucket {
    fn a_second(rate: f64) -> Self {
        Self { rate, capacity: rate, tokens: rate, at: 0.0 }
    }

    fn take(&mut self, now: f64, tokens: f64) -> bool {
        self.tokens = (self.tokens + (now - self.at) * self.rate).min(self.capacity);
        self.at = now;
        let taken = self.tokens >= tokens;
        self.tokens -= if taken { tokens } else { 0.0 };
        taken
    }
}

/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (`SplitMix64`).
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to 1, 1 excluded.
    fn part(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Of mean 1.
    fn exponential(&mut self) -> f64 {
        -(1.0 - self.part()).ln()
    }
}

/// The loads that the report shows.
fn scenarios() -> Vec<Scenario> {
    let row = |name, limits, offered, client_retries| Scenario { name, limits, offered, client_retries };
    let given = Limits::default();
    let raised = Limits { cognito: 3000.0, ..given };
    let grown = Limits { reads: 40_000.0, writes: 40_000.0, ..raised };
    vec![
        row("as deployed", given, 60.0, 0),
        row("as deployed", given, 110.0, 0),
        row("as deployed", given, 150.0, 0),
        row("as deployed", given, 300.0, 0),
        row("…, clients start again up to 3 times", given, 150.0, 3),
        row("others leave 80/s of KMS", Limits { kms: 80.0, ..given }, 110.0, 0),
        row("Cognito raised to 3,000/s", raised, 900.0, 0),
        row("Cognito raised to 3,000/s", raised, 1300.0, 0),
        row("…, table grown to 40,000 units", grown, 1500.0, 0),
        row("…, table grown to 40,000 units", grown, 2000.0, 0),
        row("…, others leave 300/s of KMS", Limits { kms: 300.0, ..grown }, 900.0, 0),
    ]
}

/// The section of the report. `item_bytes` is what a user's item takes in the table.
pub fn report(later: &SignIn, first: &SignIn, item_bytes: u64, seed: u64) -> String {
    let limits = Limits::default();
    let (costs, rows) = ([later, first].map(|of| cost(of, COLD_SHARE)), quotas(later, &limits));
    let mut text = String::from("## Scale\n\n");
    let mut line = |words: String| text.extend([&words, "\n"]);
    if let ([cost, _], Some(limit)) = (&costs, rows.first()) {
        line(format!(
            "**A million later sign-ins cost ${:.2}. The first limit is {} sign-ins a second: {}.** One more costs ${} a month. \
             Beside that, Cognito's own price for a million users active in a month is up to ${}.\n",
            cost.total(),
            grouped(limit.allows()),
            limit.name,
            COGNITO_RATE.0,
            grouped(COGNITO_USER.0 * MILLION),
        ));
    }
    line("| US dollars per million | later sign-ins | first sign-ins |\n|---|---:|---:|".to_owned());
    let [cost, enrolment] = &costs;
    for ((name, dollars), (_, other)) in cost.0.into_iter().zip(enrolment.0) {
        line(format!("| {name} | {dollars:.2} | {other:.2} |"));
    }
    line(format!("| **together** | **{:.2}** | **{:.2}** |\n", cost.total(), enrolment.total()));
    line(format!(
        "Idle, a month: the key ${:.2} (${:.2} after two yearly rotations), alarms ${:.2}, and ${:.2} for each million users \
         of {} bytes.\n",
        KEY.0,
        3.0 * KEY.0,
        ALARM_METRICS * ALARM.0,
        item_bytes as f64 * MILLION / GB * STORED.0,
        grouped(item_bytes as f64),
    ));
    line(LIMITS.to_owned());
    for row in &rows {
        let (taken, allows) = (row.per_sign_in, grouped(row.allows()));
        let taken = if taken < 1.0 { format!("{taken:.3}") } else { format!("{taken:.0}") };
        line(format!(
            "| [{}]({}) | {} | {taken} | {allows} | {} |",
            row.name,
            row.page,
            grouped(row.quota),
            row.raised
        ));
    }
    let user = later.calls().map(|call| call.units().1).sum::<f64>();
    let defines =
        later.invocations().filter(|of| of.function == later.invocations().next().map_or("", |of| of.function));
    line(format!(
        "\nOne user's item is one partition key: 1,000 write units a second, {} sign-ins. A [function gains]({LAMBDA_SCALING}) \
         10,000 requests a second in ten seconds: a leap of {} sign-ins/s. A line that CloudWatch Logs turns away is lost, and \
         no sign-in.\n",
        grouped(1000.0 / user),
        grouped(10_000.0 / defines.count() as f64),
    ));
    line("### How it degrades\n".to_owned());
    line(format!(
        "Simulated: {SIMULATED_S:.0} s from a moment without environments; the {COUNTED_S:.0} s in their middle count. Cold starts \
         and the most invocations at once are of all. Refused in % of what came.",
    ));
    line(SIMULATED.to_owned());
    for scenario in scenarios() {
        let of = simulate(later, &scenario, seed);
        let percent = |who| of.refused.get(&who).map_or(0.0, |part| *part as f64 / of.offered as f64 * 100.0);
        let refused =
            [Who::Cognito, Who::Lambda, Who::DynamoDb, Who::Kms].map(|who| format!("{:.1}", percent(who))).join(" | ");
        let ([p50, p99], done) = (of.trigger_ms, of.completed as f64 / COUNTED_S);
        line(format!(
            "| {} | {} | {} | {refused} | {p50:.0} | {p99:.0} | {:.2} % | {} |",
            scenario.name,
            grouped(scenario.offered),
            grouped(done),
            of.cold_share * 100.0,
            grouped(of.peak),
        ));
    }
    line(DEGRADES.to_owned());
    line(MEASURED.to_owned());
    for of in later.invocations() {
        let name = |call: &Call| format!("{call:?}").chars().take_while(char::is_ascii_alphabetic).collect::<String>();
        let calls = of.calls.iter().map(name).collect::<Vec<_>>().join(", ");
        let [warm, cold] = [false, true].map(|cold| of.milliseconds(cold).ceil());
        line(format!(
            "| {} | {} | {} | {} | {calls} | {warm} | {cold} | {} |",
            of.function,
            of.memory_mb,
            grouped(of.instructions as f64),
            grouped(of.cold_instructions as f64),
            of.log_bytes,
        ));
    }
    line(format!(
        "\nAssumed: {:.1}e9 instructions a second of a processor, of which a function has memory/{MEMORY_MB_OF_A_PROCESSOR} MB; \
         {DYNAMODB_MS} ms for a call of DynamoDB, {KMS_MS} ms of KMS, {CONNECTION_MS} ms for a connection, drawn around that in the \
         simulation; {ENVIRONMENT_MS} ms for a new environment, not billed; {:.0} % cold in the costs; {PLATFORM_LOG_BYTES} bytes \
         of Lambda's own lines; a second's worth in every bucket; an event that Lambda turns away comes {DELIVERIES} times, \
         {DELIVERY_GAP_S} s apart; what others leave of KMS is ours alone. The SDK tries {ATTEMPTS} times, with up to \
         {BACKOFF_S} s and {} s between, within {BUDGET_S} s.\n",
        INSTRUCTIONS_A_SECOND / 1e9,
        COLD_SHARE * 100.0,
        2.0 * BACKOFF_S,
    ));
    line(PRICED.to_owned());
    for Price(dollars, unit, page) in PRICES {
        line(format!("| {dollars} | {unit} | <{page}> |"));
    }
    text
}

const MEASURED: &str = "### From what

Measured, but for the milliseconds, which follow from it and the assumptions:

| invocation of a later sign-in | MB | instructions | of a cold one | calls | billed ms | cold | log bytes |
|---|---:|---:|---:|---|---:|---:|---:|";
const PRICED: &str = "Prices: us-east-1, on demand, without the free tier, November 2026.

| US dollars | for a | page |
|---:|---|---|";
const SIMULATED: &str = "
| later sign-ins | offered/s | completed/s | Cognito | Lambda | DynamoDB | KMS | trigger p50 ms | p99 ms | cold | at once |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|";
const LIMITS: &str = "### What limits first

| quota (us-east-1) | default | a later sign-in takes | sign-ins/s | raised |
|---|---:|---:|---:|---|";
const DEGRADES: &str = "
- **Throttled means no tokens, and nobody's count moves**: what fails before an answer is recorded leaves the record alone.
  Only a passcode that was judged right before its sign-in failed is used up: typed again, it counts as wrong.
- Above Cognito's quota the rest completes undisturbed. Clients that start again at once take from each other: a sign-in
  is begun more than once, and no more of them complete.
- Where KMS or DynamoDB is short, triggers wait for the SDK's retries. At a few hundred sign-ins a second, waiting triggers
  fill Lambda's concurrency, and the shortage is then everybody's in the account: reserve concurrency before raising Cognito.
";

fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let comma = |at: usize| if at > 0 && digits.len().saturating_sub(at).is_multiple_of(3) { "," } else { "" };
    digits.chars().enumerate().fold(String::new(), |text, (at, digit)| text + comma(at) + &String::from(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invocation(function: &'static str, memory_mb: u32, calls: &[Call]) -> Invocation {
        let (instructions, cold_instructions) = (1_000_000, 20_000_000);
        Invocation { function, memory_mb, instructions, cold_instructions, calls: calls.to_vec(), log_bytes: 130 }
    }

    const GET: Call = Call::GetItem(1500);
    const PUT: Call = Call::PutItem(1500);

    fn later() -> SignIn {
        let of = |function, calls: &[Call]| invocation(function, 512, calls);
        SignIn::later(
            &invocation("define", 128, &[]),
            &of("create", &[GET]),
            &of("verify", &[GET, Call::Decrypt, PUT]),
            &of("guard", &[GET, PUT]),
        )
    }

    fn first() -> SignIn {
        let of = |function, calls: &[Call]| invocation(function, 512, calls);
        SignIn::first(
            &invocation("define", 128, &[]),
            [&of("create", &[GET, Call::Encrypt]), &of("verify", &[GET, Call::Decrypt, PUT])],
            [&of("create", &[GET]), &of("verify", &[GET, PUT])],
            &of("guard", &[GET, PUT]),
        )
    }

    fn near(left: f64, right: f64) {
        assert!((left - right).abs() < 1e-6, "{left} is not {right}");
    }

    fn run(limits: Limits, offered: f64, client_retries: u32) -> Outcome {
        let of = simulate(&later(), &Scenario { name: "", limits, offered, client_retries }, 7);
        assert_eq!(of.offered, of.completed + of.refused.values().sum::<u64>());
        of
    }

    #[test]
    fn the_costs_of_a_million_are_what_one_computes_by_hand() {
        let [requests, duration, reads, writes, kms, logs] = cost(&later(), 0.0).0.map(|(_, dollars)| dollars);
        near(requests, 6.0 * 0.20);
        near(reads, 3.0 * 0.125);
        near(writes, 2.0 * 2.0 * 0.625);
        near(kms, 3.0);
        near(logs, 6.0 * 400.0 * 1e6 / 1_073_741_824.0 * 0.5);
        // 1e6 / (2.5e9 * 128 / 1769) = 5.53 ms, billed as 6; at 512 MB 1.38, with the calls 6.38, 19.38 and 11.38.
        let gb_ms = 3.0 * 6.0 * 0.125 + (7.0 + 20.0 + 12.0) * 0.5;
        near(duration, gb_ms * 1000.0 * 0.000_013_333_4);
        // 20e6 instructions: 110.6 ms at 128 MB; at 512 27.6, and 5 for each of one, two and one connections.
        let cold_ms = 3.0 * 111.0 * 0.125 + (38.0 + 56.0 + 43.0) * 0.5;
        let cold = cost(&later(), 0.5).0[1].1;
        near(cold, (gb_ms + cold_ms) / 2.0 * 1000.0 * 0.000_013_333_4);
    }

    #[test]
    fn a_first_sign_in_asks_cognito_four_times_and_kms_twice() {
        let cost = cost(&first(), 0.0).0;
        near(cost[4].1, 6.0);
        near(cost[0].1, 9.0 * 0.20);
        assert_eq!(quotas(&first(), &Limits::default())[1].allows(), 120.0);
    }

    #[test]
    fn items_are_rounded_up_to_units() {
        let units = [4096, 4097, 0].map(|bytes| Call::GetItem(bytes).units().0);
        assert_eq!(units, [1.0, 2.0, 1.0]);
        let units = [1024, 1025, 2049].map(|bytes| Call::PutItem(bytes).units().1);
        assert_eq!(units, [1.0, 2.0, 3.0]);
    }

    #[test]
    fn cognito_limits_first_then_a_new_table_then_lambda() {
        let rows = quotas(&later(), &Limits::default());
        let allowed: Vec<_> = rows.iter().map(|row| grouped(row.allows())).collect();
        // Lambda at once: 3 * 5.53 + 6.38 + 19.38 + 11.38 = 53.73 ms.
        assert_eq!(allowed, ["120", "180", "1,000", "1,667", "4,000", "10,000", "18,611", "100,000"]);
    }

    #[test]
    fn below_all_limits_nothing_is_refused() {
        let of = run(Limits::default(), 60.0, 0);
        assert_eq!(of.completed, of.offered);
        assert!((1650..1950).contains(&of.offered), "60/s for 30 s: {of:?}");
        assert!(of.cold_share < 0.02 && of.trigger_ms[1] < 400.0, "{of:?}");
    }

    #[test]
    fn above_cognitos_quota_so_many_complete_as_it_allows() {
        for retries in [0, 3] {
            let of = run(Limits::default(), 300.0, retries);
            let rate = of.completed as f64 / COUNTED_S;
            assert!((117.0..123.0).contains(&rate), "{rate}");
            assert_eq!(of.refused.keys().collect::<Vec<_>>(), [&Who::Cognito]);
        }
    }

    #[test]
    fn each_other_limit_refuses_in_its_turn() {
        let wide = Limits { cognito: 1e9, concurrency: 1e9, scaling: 1e9, kms: 1e9, reads: 1e9, writes: 1e9 };
        let only = |limits, who: Who| {
            let of = run(limits, 200.0, 0);
            assert_eq!(of.refused.keys().collect::<Vec<_>>(), [&who], "{of:?}");
            of
        };
        let kms = only(Limits { kms: 100.0, ..wide }, Who::Kms);
        assert!((98.0..103.0).contains(&(kms.completed as f64 / COUNTED_S)) && kms.trigger_ms[1] > 1000.0, "{kms:?}");
        only(Limits { reads: 500.0, ..wide }, Who::DynamoDb);
        only(Limits { writes: 500.0, ..wide }, Who::DynamoDb);
        only(Limits { concurrency: 5.0, ..wide }, Who::Lambda);
    }

    #[test]
    fn triggers_that_wait_for_kms_fill_lambda() {
        let of = run(Limits { cognito: 3000.0, kms: 300.0, writes: 1e9, ..Limits::default() }, 900.0, 0);
        assert!(of.peak == 1000.0 && of.refused.contains_key(&Who::Lambda), "{of:?}");
    }

    #[test]
    fn a_seed_gives_one_outcome_and_another_seed_another() {
        let scenario = Scenario { name: "", limits: Limits::default(), offered: 150.0, client_retries: 1 };
        let of = |seed| simulate(&later(), &scenario, seed);
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert_eq!(Random(0).bits(), 0xe220_a839_7b1d_cdaf, "the generator's published first number");
    }

    #[test]
    fn every_table_of_the_report_has_as_many_cells_as_its_head() {
        let text = report(&later(), &first(), 1500, 1);
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2).filter(|pair| pair[0].starts_with('|') && pair[1].starts_with('|')) {
            assert_eq!(pair[0].matches('|').count(), pair[1].matches('|').count(), "{pair:?}");
        }
    }
}
