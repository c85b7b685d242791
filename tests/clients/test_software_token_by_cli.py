"""Walkthrough: Cognito's software token, with the AWS CLI and an operator's keys.

By access token: associate, verify with a name, prefer (by the user, and by the operator). From then on
`admin-initiate-auth` asks for it, and `admin-respond-to-auth-challenge` answers.
"""

import pytest
from aws_cli import AwsCli
from person import Authenticator


@pytest.fixture(scope="module")
def pool(serve):
    flows = "--explicit-auth-flows=ALLOW_ADMIN_USER_PASSWORD_AUTH,ALLOW_REFRESH_TOKEN_AUTH"
    return serve("--mfa-configuration=OPTIONAL", flows, "--no-token-guard")


@pytest.mark.parametrize("flow", ["ADMIN_NO_SRP_AUTH", "ADMIN_USER_PASSWORD_AUTH"])
def test_a_software_token_is_set_up_by_access_token_and_asked_for_by_the_operator_s_flow(pool, flow):
    aws = AwsCli(pool.endpoint, pool.region, pool.cognito.exceptions).type
    in_pool, user = f"--user-pool-id {pool.id}", pool.new_person()
    sign_in = (
        f"admin-initiate-auth {in_pool} --client-id {pool.client_id} --auth-flow {flow} "
        f"--auth-parameters USERNAME={user.name},PASSWORD={user.password}"
    )
    tokens = aws(sign_in)["AuthenticationResult"]

    by_user = f"--access-token {tokens['AccessToken']}"
    phone = Authenticator(aws(f"associate-software-token {by_user}")["SecretCode"])
    verified = aws(
        f"verify-software-token {by_user} --user-code {phone.unused_passcode()} --friendly-device-name 'My phone'"
    )
    assert verified == {"Status": "SUCCESS"}
    preferred = "--software-token-mfa-settings Enabled=true,PreferredMfa=true"
    assert aws(f"set-user-mfa-preference {by_user} {preferred}") == {}
    assert aws(f"admin-set-user-mfa-preference {in_pool} --username {user.name} {preferred}") == {}
    assert aws(f"admin-get-user {in_pool} --username {user.name}")["PreferredMfaSetting"] == "SOFTWARE_TOKEN_MFA"

    asked = aws(sign_in)
    assert asked["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    assert asked["ChallengeParameters"] == {"USER_ID_FOR_SRP": user.user_name, "FRIENDLY_DEVICE_NAME": "My phone"}
    tokens = aws(
        f"admin-respond-to-auth-challenge {in_pool} --client-id {pool.client_id} "
        f"--challenge-name SOFTWARE_TOKEN_MFA --session={asked['Session']} "
        f"--challenge-responses USERNAME={user.user_name},SOFTWARE_TOKEN_MFA_CODE={phone.unused_passcode()}"
    )["AuthenticationResult"]
    assert pool.verified(tokens["IdToken"])["cognito:username"] == user.user_name
