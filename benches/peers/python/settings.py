"""A missing value stops the function and names the variable."""

import os

MEASURED = {"ACCEPTED_COGNITO_MFA": "NONE", "ENROLLMENT": "AT_SIGN_IN"}


def required(variable):
    value = os.environ.get(variable, "").strip()
    if not value:
        raise RuntimeError(f"{variable}: must be set")
    return value


def require_measured(*variables):
    for variable in variables:
        if required(variable) != MEASURED[variable]:
            raise RuntimeError(f"{variable}: not among what is measured")
