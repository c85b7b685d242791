// A missing value stops the function and names the variable.

export function required(variable) {
  const value = process.env[variable]?.trim();
  if (!value) throw new Error(`${variable}: must be set`);
  return value;
}

export function requireMeasuredSignIn() {
  for (const [variable, measured] of [["ACCEPTED_COGNITO_MFA", "NONE"], ["ENROLLMENT", "AT_SIGN_IN"]]) {
    if (required(variable) !== measured) throw new Error(`${variable}: not among what is measured`);
  }
}
