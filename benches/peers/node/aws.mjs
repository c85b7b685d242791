// Of both clients. Cognito waits 5 s for a trigger.
export const TIMEOUTS = { connectionTimeout: 1000, requestTimeout: 1500, throwOnRequestTimeout: true };
