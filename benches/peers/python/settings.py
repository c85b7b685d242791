"""A missing value stops the function and names the variable."""

import os


def required(variable):
    value = os.environ.get(variable, "").strip()
    if not value:
        raise RuntimeError(f"{variable}: must be set")
    return value


def require_measured_sign_in():
    for variable, measured in [("ACCEPTED_COGNITO_MFA", "NONE"), ("ENROLLMENT", "AT_SIGN_IN")]:
        if required(variable) != measured:
            raise RuntimeError(f"{variable}: not among what is measured")
