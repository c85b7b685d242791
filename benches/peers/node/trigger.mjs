// A trigger's edge: Cognito's event in, the same event with its `response` out, and the one error.

// Cognito shows a function's error text to the client.
class SignInError extends Error {
  name = "SignInError";

  constructor() {
    super("The sign-in could not be completed. Please start again.");
  }
}

export function trigger(source, respond) {
  return async (event, { awsRequestId }) => {
    // Not by console: the runtime would put words of its own before each line.
    const log = (level, message, fields) => {
      const { sub } = event?.request?.userAttributes ?? {};
      const line = { level, message, ...fields, request_id: awsRequestId, sub };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    };
    try {
      return { ...event, response: await respond(read(event, source), log) };
    } catch (error) {
      log("ERROR", "failed", { reason: String(error) });
      throw new SignInError();
    }
  };
}

function read(event, source) {
  if (event?.triggerSource !== source) throw notThisTriggersEvent("triggerSource");
  const { request } = event;
  if (!isObject(request)) throw notThisTriggersEvent("request");
  return {
    userPoolId: text(event.userPoolId),
    clientId: text(event.callerContext?.clientId),
    attributes: strings(request.userAttributes),
    clientMetadata: strings(request.clientMetadata),
    privateChallengeParameters: strings(request.privateChallengeParameters),
    challengeAnswer: request.challengeAnswer,
    session: session(request.session),
    userNotFound: flag(request.userNotFound, "userNotFound"),
  };
}

export function notThisTriggersEvent(part) {
  return new Error(`not an event of this trigger: ${part}`);
}

// Whose record: `sub` is never reused, a user name may be.
export function userOf({ userPoolId, attributes: { sub } }) {
  if (!sub) throw new Error("the user has no sub");
  if (!userPoolId) throw notThisTriggersEvent("userPoolId");
  return { userPoolId, sub };
}

// Null and absent are the empty session. An entry that is no object stays in its place, as no row.
function session(value) {
  if (value == null) return [];
  if (!Array.isArray(value)) throw notThisTriggersEvent("session");
  return value.map((entry) => ({
    challengeName: text(entry?.challengeName),
    challengeResult: flag(entry?.challengeResult, "challengeResult"),
    challengeMetadata: text(entry?.challengeMetadata),
  }));
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value) {
  return typeof value === "string" ? value : undefined;
}

function strings(value) {
  return isObject(value) ? Object.fromEntries(Object.entries(value).filter(([, v]) => typeof v === "string")) : {};
}

// Null and absent are false.
function flag(value, part) {
  if (value == null) return false;
  if (typeof value !== "boolean") throw notThisTriggersEvent(part);
  return value;
}
