// A missing value stops the function and names the variable.

export function required(variable) {
  const value = process.env[variable]?.trim();
  if (!value) throw new Error(`${variable}: must be set`);
  return value;
}

const MEASURED = { ACCEPTED_COGNITO_MFA: "NONE", ENROLLMENT: "AT_SIGN_IN" };

export function requireMeasured(...variables) {
  for (const variable of variables) {
    if (required(variable) !== MEASURED[variable]) throw new Error(`${variable}: not among what is measured`);
  }
}
