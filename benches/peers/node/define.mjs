// Define Auth Challenge. No I/O.

import { requireMeasured } from "./settings.mjs";
import { nextStep, progressOf, stateOf } from "./sign_in.mjs";
import { trigger } from "./trigger.mjs";

const CHALLENGE_NAMES = {
  PasswordVerifier: "PASSWORD_VERIFIER",
  NewPasswordRequired: "NEW_PASSWORD_REQUIRED",
  CustomChallenge: "CUSTOM_CHALLENGE",
};

requireMeasured("ACCEPTED_COGNITO_MFA", "ENROLLMENT");

export const handler = trigger("DefineAuthChallenge_Authentication", (event, log) => {
  const state = stateOf(event.session);
  const { decision, rejection } = nextStep(state, {
    userNotFound: event.userNotFound,
    mustChangePassword: event.attributes["cognito:user_status"] === "FORCE_CHANGE_PASSWORD",
    afterSecondFactor: event.clientMetadata.afterSecondFactor,
  });
  log("INFO", "defined", {
    decision: rejection ? `${decision}(${rejection})` : decision,
    reason: progressOf(state),
  });
  return {
    challengeName: CHALLENGE_NAMES[decision] ?? null,
    issueTokens: decision === "IssueTokens",
    failAuthentication: decision === "FailAuthentication",
  };
});
