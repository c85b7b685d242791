// Define Auth Challenge. No I/O.

import { requireMeasured } from "./settings.mjs";
import { nextStep, progressOf, standingOf } from "./sign_in.mjs";
import { trigger } from "./trigger.mjs";

const CHALLENGE_NAMES = {
  AskPassword: "PASSWORD_VERIFIER",
  AskNewPassword: "NEW_PASSWORD_REQUIRED",
  AskSecondFactor: "CUSTOM_CHALLENGE",
};

requireMeasured("ACCEPTED_COGNITO_MFA", "ENROLLMENT");

export const handler = trigger("DefineAuthChallenge_Authentication", (event, log) => {
  const standing = standingOf(event.session);
  const { decision, refusal } = nextStep(standing, {
    userNotFound: event.userNotFound,
    mustChangePassword: event.attributes["cognito:user_status"] === "FORCE_CHANGE_PASSWORD",
    wish: event.clientMetadata.afterSecondFactor,
  });
  log("INFO", "defined", {
    decision: refusal ? `${decision}(${refusal})` : decision,
    reason: progressOf(standing),
  });
  return {
    challengeName: CHALLENGE_NAMES[decision] ?? null,
    issueTokens: decision === "IssueTokens",
    failAuthentication: decision === "Fail",
  };
});
