"""Walkthrough: a pool with MFA OPTIONAL, with the AWS CLI and no keys.

Tokens come at once as long as the user has set nothing up; SOFTWARE_TOKEN_MFA comes first afterwards. The preference before the
set-up is refused.
"""

import pytest
from aws_cli import AwsCli
from person import Authenticator


@pytest.fixture(scope="module")
def pool(serve):
    flows = "--explicit-auth-flows=ALLOW_USER_PASSWORD_AUTH,ALLOW_REFRESH_TOKEN_AUTH"
    return serve("--mfa-configuration=OPTIONAL", flows, "--no-token-guard")


def test_tokens_come_at_once_before_the_set_up_and_after_a_passcode_afterwards(pool):
    aws = AwsCli(pool.endpoint, pool.region, pool.cognito.exceptions).type
    user = pool.new_person()
    in_pool, in_client = f"--user-pool-id {pool.id}", f"--client-id {pool.client_id}"
    assert aws(f"get-user-pool-mfa-config {in_pool}")["MfaConfiguration"] == "OPTIONAL"
    sign_in = (
        f"initiate-auth {in_client} --auth-flow USER_PASSWORD_AUTH "
        f"--auth-parameters USERNAME={user.name},PASSWORD={user.password}"
    )
    by_user = f"--access-token {aws(sign_in)['AuthenticationResult']['AccessToken']}"

    # Too early, and still too early: associated is not verified.
    wish = "--software-token-mfa-settings Enabled=true,PreferredMfa=true"
    too_early = pytest.raises(
        pool.cognito.exceptions.InvalidParameterException, match="User has not set up software token mfa"
    )
    for _ in range(2):
        with too_early:
            aws(f"set-user-mfa-preference {by_user} {wish}")
        with too_early:
            aws(f"admin-set-user-mfa-preference {in_pool} --username {user.name} {wish}")
        phone = Authenticator(aws(f"associate-software-token {by_user}")["SecretCode"])
    assert "AuthenticationResult" in aws(sign_in)

    with pytest.raises(pool.cognito.exceptions.EnableSoftwareTokenMFAException, match="Code mismatch"):
        aws(f"verify-software-token {by_user} --user-code {phone.wrong_passcode()}")
    assert aws(f"verify-software-token {by_user} --user-code {phone.unused_passcode()}") == {"Status": "SUCCESS"}
    assert aws(f"set-user-mfa-preference {by_user} {wish}") == {}

    asked = aws(sign_in)
    assert asked["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    answer = (
        f"respond-to-auth-challenge {in_client} --challenge-name SOFTWARE_TOKEN_MFA --session={asked['Session']} "
        f"--challenge-responses USERNAME={user.user_name},SOFTWARE_TOKEN_MFA_CODE="
    )
    with pytest.raises(pool.cognito.exceptions.CodeMismatchException, match="Invalid code received for user"):
        aws(answer + phone.wrong_passcode())
    tokens = aws(answer + phone.unused_passcode())["AuthenticationResult"]
    assert aws(f"get-user --access-token {tokens['AccessToken']}")["UserMFASettingList"] == ["SOFTWARE_TOKEN_MFA"]
