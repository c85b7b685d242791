"""Every operation of the local pool, called with input that boto3 validates: each response has the shape that botocore knows."""

import contextlib
import json
import uuid
from collections import defaultdict
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import boto3_sign_in
import botocore.session
import pytest

from local_pool import PASSWORD
from person import Authenticator, Person

MODEL = botocore.session.get_session().get_service_model("cognito-idp")
EVERY_FLOW = [
    "ALLOW_CUSTOM_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
]
ROLE = "arn:aws:iam::123456789012:role/test"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:test"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"


# Shapes


def problems(shape, value, path):
    """Where a value does not have the shape. Lengths are left out: `phone_number_verified` is longer than its own shape allows."""
    match shape.type_name:
        case "structure":
            if not isinstance(value, dict):
                return [f"{path} is no structure"]
            found = [f"{path}.{name} is unknown" for name in value.keys() - shape.members.keys()]
            found += [f"{path}.{name} is missing" for name in shape.required_members if name not in value]
            for name, member in shape.members.items():
                if name in value:
                    found += problems(member, value[name], f"{path}.{name}")
            return found
        case "list":
            if not isinstance(value, list):
                return [f"{path} is no list"]
            return [problem for at, item in enumerate(value) for problem in problems(shape.member, item, f"{path}[{at}]")]
        case "map":
            if not isinstance(value, dict):
                return [f"{path} is no map"]
            return [
                problem
                for key, item in value.items()
                for problem in problems(shape.key, key, f"{path} key") + problems(shape.value, item, f"{path}.{key}")
            ]
        case "string":
            if not isinstance(value, str):
                return [f"{path} is no string"]
            if shape.enum and value not in shape.enum:
                return [f"{path} is {value}, which is not in the enum"]
            return []
        case "integer" | "long":
            is_one = isinstance(value, int) and not isinstance(value, bool)
            return [] if is_one else [f"{path} is no whole number"]
        case "timestamp" | "double" | "float":
            is_one = isinstance(value, (int, float)) and not isinstance(value, bool)
            return [] if is_one else [f"{path} is no number"]
        case "boolean":
            return [] if isinstance(value, bool) else [f"{path} is no boolean"]
    raise ValueError(shape.type_name)


def test_what_does_not_have_the_shape_is_found():
    def of(operation, value):
        return problems(MODEL.operation_model(operation).output_shape, value, "it")

    user = {"Username": "alice", "Enabled": True, "UserStatus": "CONFIRMED", "UserCreateDate": 1.5}
    assert of("AdminGetUser", user) == []
    assert of("AdminGetUser", {}) == ["it.Username is missing"]
    assert of("AdminGetUser", user | {"Name": "alice"}) == ["it.Name is unknown"]
    assert of("AdminGetUser", user | {"Enabled": "true"}) == ["it.Enabled is no boolean"]
    assert of("AdminGetUser", user | {"UserCreateDate": "today"}) == ["it.UserCreateDate is no number"]
    assert of("AdminGetUser", user | {"UserStatus": "SIGNED_UP"}) == [
        "it.UserStatus is SIGNED_UP, which is not in the enum"
    ]
    assert of("ListUsers", {"Users": [{"Attributes": [{"Value": "x"}]}]}) == ["it.Users[0].Attributes[0].Name is missing"]


# What the tests of updates in local/tests set


MEMBERS = Path(__file__).parents[2] / "local" / "tests" / "strictness" / "members.json"


def paths(shape, path=""):
    """Of every member in whatever depth, as JSON pointers; `*` stands for a key of a map."""
    match shape.type_name:
        case "structure":
            for name, member in shape.members.items():
                yield f"{path}/{name}"
                yield from paths(member, f"{path}/{name}")
        case "list":
            yield from paths(shape.member, f"{path}/0")
        case "map":
            yield from paths(shape.value, f"{path}/*")


def updates():
    def shape(operation, part="input_shape"):
        return getattr(MODEL.operation_model(operation), part)

    ids = {"/UserPoolId", "/ClientId"}
    taken = {
        operation: sorted(set(paths(shape(operation))) - ids)
        for operation in [
            "UpdateUserPool",
            "UpdateUserPoolClient",
            "SetUserPoolMfaConfig",
            "SetUserPoolSessionConfiguration",
            "SetUserPoolClientSessionConfiguration",
        ]
    }
    described = {
        operation: sorted(shape(operation, "output_shape").members[name].members)
        for operation, name in [("DescribeUserPool", "UserPool"), ("DescribeUserPoolClient", "UserPoolClient")]
    }
    return taken | described


def test_the_members_that_the_tests_of_updates_set_are_those_of_the_model():
    expected = json.dumps(updates(), indent=2) + "\n"
    assert MEMBERS.read_text() == expected


# Every operation


@pytest.fixture(scope="module")
def every_flow(serve):
    return serve("--self-sign-up", "--no-token-guard", "--explicit-auth-flows", ",".join(EVERY_FLOW))


@pytest.fixture(scope="module")
def found(every_flow):
    """What is wrong with the responses, by operation; an empty list where nothing is."""
    found = defaultdict(list)

    def check(http_response, model, **_):
        if http_response.status_code == 200:
            output = model.output_shape
            body = json.loads(http_response.content)
            found[model.name] += problems(output, body, model.name) if output else [f"{model.name} {body}"] * bool(body)

    for client in (every_flow.operator, every_flow.cognito):
        client.meta.events.register("after-call.cognito-identity-provider", check)
    configure(every_flow.operator)
    describe(every_flow.operator)
    operate(every_flow)
    sign_up(every_flow)
    keep_an_account(every_flow)
    sign_in(every_flow)
    set_up_mfa(every_flow)
    return found


@pytest.mark.parametrize("operation", MODEL.operation_names)
def test_the_responses_have_the_shape_of_the_model(every_flow, found, operation):
    if has(every_flow, operation):
        assert operation in found, "no call of it succeeded"
        assert found[operation] == []
    else:
        assert operation not in found


def has(pool, operation):
    headers = {"X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}"}
    request = Request(pool.endpoint, data=b"{}", headers=headers)
    with pytest.raises(HTTPError) as error, build_opener(ProxyHandler({})).open(request):
        pass
    return json.load(error.value)["__type"] != "UnknownOperationException"


def attributes(**values):
    return [{"Name": name, "Value": value} for name, value in values.items()]


@contextlib.contextmanager
def a_pool(operator, **members):
    user_pool = operator.create_user_pool(PoolName="another", **members)["UserPool"]
    yield user_pool["Id"]
    operator.delete_user_pool(UserPoolId=user_pool["Id"])


def configure(operator):
    """A pool and an app client with everything that can be said of one."""
    updatable = {
        "Policies": {
            "PasswordPolicy": {
                "MinimumLength": 12,
                "RequireUppercase": True,
                "RequireLowercase": True,
                "RequireNumbers": True,
                "RequireSymbols": True,
                "PasswordHistorySize": 3,
                "TemporaryPasswordValidityDays": 2,
            },
            "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD"]},
        },
        "DeletionProtection": "INACTIVE",
        "LambdaConfig": {
            "DefineAuthChallenge": FUNCTION,
            "CreateAuthChallenge": FUNCTION,
            "VerifyAuthChallengeResponse": FUNCTION,
            "PreTokenGenerationConfig": {"LambdaVersion": "V2_0", "LambdaArn": FUNCTION},
        },
        "AutoVerifiedAttributes": ["email", "phone_number"],
        "VerificationMessageTemplate": {
            "SmsMessage": "Your code is {####}",
            "EmailMessage": "Your code is {####}",
            "EmailSubject": "Your code",
            "DefaultEmailOption": "CONFIRM_WITH_CODE",
        },
        "SmsAuthenticationMessage": "Your code is {####}",
        "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
        "DeviceConfiguration": {"ChallengeRequiredOnNewDevice": False, "DeviceOnlyRememberedOnUserPrompt": True},
        "EmailConfiguration": {"EmailSendingAccount": "COGNITO_DEFAULT", "ReplyToEmailAddress": "no@example.com"},
        "SmsConfiguration": {"SnsCallerArn": ROLE, "ExternalId": "test", "SnsRegion": "us-east-1"},
        "UserPoolTags": {"stage": "test"},
        "AdminCreateUserConfig": {
            "AllowAdminCreateUserOnly": True,
            "InviteMessageTemplate": {"EmailMessage": "{username} {####}", "EmailSubject": "Welcome"},
        },
        "UserPoolAddOns": {"AdvancedSecurityMode": "OFF"},
        "AccountRecoverySetting": {"RecoveryMechanisms": [{"Priority": 1, "Name": "verified_email"}]},
        "UserPoolTier": "ESSENTIALS",
        "DcrConfiguration": {"OpenDcrEnabled": False, "AllowedScopes": ["openid"]},
        "KeyConfiguration": {"KeyType": "AWS_OWNED_KEY"},
        "IssuerConfiguration": {"Type": "ORIGINAL"},
        "AcrConfiguration": {"Level1": {"AcrValue": "urn:example:low"}},
    }
    schema = [
        {"Name": "email", "AttributeDataType": "String", "Required": True, "Mutable": True},
        {"Name": "text", "AttributeDataType": "String", "StringAttributeConstraints": {"MinLength": "1", "MaxLength": "9"}},
        {"Name": "count", "AttributeDataType": "Number", "NumberAttributeConstraints": {"MinValue": "1", "MaxValue": "9"}},
        {"Name": "flag", "AttributeDataType": "Boolean", "Mutable": True},
        {"Name": "since", "AttributeDataType": "DateTime", "DeveloperOnlyAttribute": True},
    ]
    created_only = {
        "AliasAttributes": ["email", "phone_number", "preferred_username"],
        "UsernameConfiguration": {"CaseSensitive": False},
        "Schema": schema,
    }
    with a_pool(operator, **updatable, **created_only) as pool_id, a_pool(operator, UsernameAttributes=["email"]):
        operator.describe_user_pool(UserPoolId=pool_id)
        operator.update_user_pool(UserPoolId=pool_id, PoolName="renamed", **updatable)
        added = [{"Name": "more", "AttributeDataType": "String"}]
        operator.add_custom_attributes(UserPoolId=pool_id, CustomAttributes=added)
        operator.describe_user_pool(UserPoolId=pool_id)
        token = operator.list_user_pools(MaxResults=1)["NextToken"]
        operator.list_user_pools(MaxResults=60, NextToken=token)
        client = {
            "ExplicitAuthFlows": [flow for flow in EVERY_FLOW if flow != "ALLOW_REFRESH_TOKEN_AUTH"],
            "RefreshTokenValidity": 1,
            "AccessTokenValidity": 30,
            "IdTokenValidity": 20,
            "TokenValidityUnits": {"AccessToken": "minutes", "IdToken": "minutes", "RefreshToken": "days"},
            "ReadAttributes": ["email"],
            "WriteAttributes": ["email"],
            "SupportedIdentityProviders": ["COGNITO"],
            "CallbackURLs": ["https://example.com/signed-in"],
            "LogoutURLs": ["https://example.com/signed-out"],
            "DefaultRedirectURI": "https://example.com/signed-in",
            "AllowedOAuthFlows": ["code"],
            "AllowedOAuthScopes": ["openid"],
            "AllowedOAuthFlowsUserPoolClient": True,
            "PreventUserExistenceErrors": "ENABLED",
            "EnableTokenRevocation": True,
            "EnablePropagateAdditionalUserContextData": False,
            "AuthSessionValidity": 5,
            "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 10},
        }
        operator.create_user_pool_client(UserPoolId=pool_id, ClientName="plain")
        full = operator.create_user_pool_client(UserPoolId=pool_id, ClientName="full", GenerateSecret=True, **client)
        of_client = {"UserPoolId": pool_id, "ClientId": full["UserPoolClient"]["ClientId"]}
        operator.update_user_pool_client(**of_client, ClientName="renamed", **client)
        operator.describe_user_pool_client(**of_client)
        operator.get_user_pool_session_configuration(UserPoolId=pool_id)
        tracking = {"UserSessionTracking": "ENABLED", "TokenSession": {"MaxPerUser": 5}}
        operator.set_user_pool_session_configuration(UserPoolId=pool_id, **tracking)
        operator.get_user_pool_client_session_configuration(**of_client)
        operator.set_user_pool_client_session_configuration(**of_client, SSOSession={"MaxValidityMinutes": 5})
        operator.list_user_pool_replicas(UserPoolId=pool_id)
        token = operator.list_user_pool_clients(UserPoolId=pool_id, MaxResults=1)["NextToken"]
        operator.list_user_pool_clients(UserPoolId=pool_id, NextToken=token)
        operator.delete_user_pool_client(**of_client)


def describe(operator):
    """What is kept and described only."""
    with a_pool(operator) as pool_id:
        name = {"UserPoolId": pool_id, "ProviderName": "test"}
        details = {
            "ProviderDetails": {"client_id": "test", "authorize_scopes": "openid"},
            "AttributeMapping": {"email": "email"},
            "IdpIdentifiers": ["example.com"],
        }
        operator.create_identity_provider(**name, ProviderType="OIDC", **details)
        operator.describe_identity_provider(**name)
        operator.update_identity_provider(**name, **details)
        operator.list_identity_providers(UserPoolId=pool_id)
        operator.delete_identity_provider(**name)

        identifier = {"UserPoolId": pool_id, "Identifier": "https://example.com"}
        server = {"Name": "test", "Scopes": [{"ScopeName": "read", "ScopeDescription": "to read"}]}
        operator.create_resource_server(**identifier, **server)
        operator.describe_resource_server(**identifier)
        operator.update_resource_server(**identifier, **server)
        operator.list_resource_servers(UserPoolId=pool_id, MaxResults=50)
        operator.delete_resource_server(**identifier)

        domain = {"UserPoolId": pool_id, "Domain": "auth.example.com"}
        custom = {"CustomDomainConfig": {"CertificateArn": CERTIFICATE}, "ManagedLoginVersion": 2}
        operator.create_user_pool_domain(**domain, **custom)
        operator.describe_user_pool_domain(Domain=domain["Domain"])
        operator.update_user_pool_domain(**domain, **custom)
        operator.describe_user_pool(UserPoolId=pool_id)
        operator.delete_user_pool_domain(**domain)
        operator.describe_user_pool_domain(Domain=domain["Domain"])


def new_person(pool, temporary_password=False):
    user = {"UserPoolId": pool.id, "Username": f"{uuid.uuid4()}@example.com"}
    pool.operator.admin_create_user(**user, UserAttributes=attributes(email_verified="true"), MessageAction="SUPPRESS")
    pool.operator.admin_set_user_password(**user, Password=PASSWORD, Permanent=not temporary_password)
    return Person(user["Username"], PASSWORD)


def operate(pool):
    """What an operator does to users and groups."""
    operator, here = pool.operator, {"UserPoolId": pool.id}
    person = new_person(pool)
    user = {"UserPoolId": pool.id, "Username": person.name}
    operator.admin_get_user(**user)
    operator.admin_update_user_attributes(**user, UserAttributes=attributes(name="Alice", email_verified="true"))
    operator.admin_delete_user_attributes(**user, UserAttributeNames=["name"])
    operator.admin_disable_user(**user)
    operator.list_users(**here, Filter='status = "Disabled"', AttributesToGet=["sub"])
    operator.admin_enable_user(**user)
    operator.admin_reset_user_password(**user)
    invited = {"UserPoolId": pool.id, "Username": "invited@example.com"}
    operator.admin_create_user(**invited, UserAttributes=attributes(name="Bob"), DesiredDeliveryMediums=["EMAIL"])
    operator.admin_create_user(**invited, MessageAction="RESEND")
    token = operator.list_users(**here, Limit=1)["PaginationToken"]
    operator.list_users(**here, PaginationToken=token)

    group = {"UserPoolId": pool.id, "GroupName": "administrators"}
    operator.create_group(**group, Description="all of them", RoleArn=ROLE, Precedence=1)
    operator.create_group(**here, GroupName="others")
    operator.update_group(**group, Precedence=0)
    operator.get_group(**group)
    token = operator.list_groups(**here, Limit=1)["NextToken"]
    operator.list_groups(**here, NextToken=token)
    operator.admin_add_user_to_group(**group, Username=person.name)
    operator.admin_list_groups_for_user(**user)
    operator.list_users_in_group(**group)
    operator.admin_remove_user_from_group(**group, Username=person.name)
    operator.delete_group(**group)
    operator.admin_delete_user(**user)


def sign_up(pool):
    client = {"ClientId": pool.client_id, "Username": "carol@example.com"}
    pool.cognito.sign_up(**client, Password=PASSWORD, UserAttributes=attributes(name="Carol"))
    pool.cognito.resend_confirmation_code(**client)
    pool.cognito.confirm_sign_up(**client, ConfirmationCode=last_code(pool))
    pool.cognito.forgot_password(**client)
    pool.cognito.confirm_forgot_password(**client, ConfirmationCode=last_code(pool), Password=PASSWORD)
    # Nobody can tell that there is no such user.
    pool.cognito.forgot_password(ClientId=pool.client_id, Username="nobody@example.com")
    pool.cognito.resend_confirmation_code(ClientId=pool.client_id, Username="nobody@example.com")
    pool.cognito.sign_up(ClientId=pool.client_id, Username="dave@example.com", Password=PASSWORD)
    pool.operator.admin_confirm_sign_up(UserPoolId=pool.id, Username="dave@example.com")


def last_code(pool):
    return pool.messages()[-1]["code"]


def keep_an_account(pool):
    """What a user does with an access token."""
    access = {"AccessToken": tokens_by_password(pool, "carol@example.com")["AccessToken"]}
    pool.cognito.get_user(**access)
    pool.cognito.update_user_attributes(**access, UserAttributes=attributes(name="Caroline", email="new@example.com"))
    pool.cognito.verify_user_attribute(**access, AttributeName="email", Code=last_code(pool))
    pool.cognito.get_user_attribute_verification_code(**access, AttributeName="email")
    pool.cognito.delete_user_attributes(**access, UserAttributeNames=["name"])
    pool.cognito.change_password(**access, PreviousPassword=PASSWORD, ProposedPassword=f"{PASSWORD} again")
    pool.cognito.delete_user(**access)


def tokens_by_password(pool, user_name):
    return pool.cognito.initiate_auth(
        ClientId=pool.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": user_name, "PASSWORD": PASSWORD},
    )["AuthenticationResult"]


def sign_in(pool):
    client = {"ClientId": pool.client_id}
    person = new_person(pool, temporary_password=True)
    # With NEW_PASSWORD_REQUIRED, PASSWORD_VERIFIER and all three challenges of the triggers.
    tokens = boto3_sign_in.sign_in(pool.cognito, pool.id, pool.client_id, person.name, person.password, person)
    pool.cognito.get_tokens_from_refresh_token(**client, RefreshToken=tokens["RefreshToken"])
    refresh = {"REFRESH_TOKEN": tokens["RefreshToken"]}
    pool.cognito.initiate_auth(**client, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters=refresh)
    pool.cognito.global_sign_out(AccessToken=tokens["AccessToken"])
    pool.cognito.revoke_token(**client, Token=tokens["RefreshToken"])
    pool.operator.admin_user_global_sign_out(UserPoolId=pool.id, Username=person.name)


def set_up_mfa(pool):
    """Cognito's own MFA, where it is on."""
    operator, here = pool.operator, {"UserPoolId": pool.id}
    client = {**here, "ClientId": pool.client_id}
    operator.set_user_pool_mfa_config(
        **here,
        MfaConfiguration="ON",
        SoftwareTokenMfaConfiguration={"Enabled": True},
        EmailMfaConfiguration={},
        WebAuthnConfiguration={"RelyingPartyId": "example.com", "UserVerification": "required"},
    )
    operator.get_user_pool_mfa_config(**here)
    person = new_person(pool)
    user = {"UserPoolId": pool.id, "Username": person.name}
    operator.admin_delete_user_attributes(**user, UserAttributeNames=[])
    by_password = {"AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "AuthParameters": {"USERNAME": person.name, "PASSWORD": PASSWORD}}
    asked = operator.admin_initiate_auth(**client, **by_password)
    user_id = asked["ChallengeParameters"]["USER_ID_FOR_SRP"]
    tokens = operator.admin_respond_to_auth_challenge(
        **client,
        ChallengeName=asked["ChallengeName"],
        Session=asked["Session"],
        ChallengeResponses={"USERNAME": user_id, "EMAIL_OTP_CODE": last_code(pool)},
    )["AuthenticationResult"]
    access = {"AccessToken": tokens["AccessToken"]}
    associated = pool.cognito.associate_software_token(**access)
    passcode = Authenticator(associated["SecretCode"]).unused_passcode()
    pool.cognito.verify_software_token(**access, UserCode=passcode, FriendlyDeviceName="phone")
    pool.cognito.set_user_mfa_preference(**access, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True})
    pool.cognito.get_user(**access)
    operator.admin_get_user(**user)
    email = {"EmailMfaSettings": {"Enabled": True, "PreferredMfa": False}}
    not_preferred = {"SoftwareTokenMfaSettings": {"Enabled": True, "PreferredMfa": False}}
    operator.admin_set_user_mfa_preference(**user, **email, **not_preferred)
    asked = operator.admin_initiate_auth(**client, **by_password)
    assert asked["ChallengeName"] == "SELECT_MFA_TYPE"
    operator.admin_delete_software_token(**user)
    operator.describe_user_pool(**here)
