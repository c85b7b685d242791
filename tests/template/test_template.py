"""What security rests on in template.yaml, read from the CloudFormation that SAM makes of it."""

import copy
import json
import re
from pathlib import Path

import pytest
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
FUNCTIONS = ("DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallenge", "PreTokenGeneration")
DEFINE, CREATE, VERIFY, GUARD = FUNCTIONS


def as_cloudformation():
    sam = yaml_parse(TEMPLATE.read_text())
    for resource in sam["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://built/elsewhere"
    return Translator({}, Parser()).translate(sam, {})


SOURCE = yaml_parse(TEMPLATE.read_text())
TRANSLATED = as_cloudformation()
RESOURCES = TRANSLATED["Resources"]

EXISTING_POOL = "eu-central-1_Example"
NEXT = "arn:aws:lambda:eu-central-1:111122223333:function:next:live"
TOPIC = "arn:aws:sns:eu-central-1:111122223333:alarms"
NOTHING = object()


class Stack:
    """What CloudFormation makes of the template by these parameters: conditions are decided, the rest stays as it is written."""

    def __init__(self, **given):
        defaults = {name: parameter.get("Default", "") for name, parameter in SOURCE["Parameters"].items()}
        assert set(given) <= set(defaults)
        self.parameters = defaults | given
        self.resources, self.outputs = (self.that_are_made(TRANSLATED[part]) for part in ("Resources", "Outputs"))

    def that_are_made(self, items):
        return {name: self.decided(item) for name, item in items.items() if self.holds(item.get("Condition"))}

    def holds(self, condition):
        return condition is None or self.is_true(TRANSLATED["Conditions"][condition])

    def is_true(self, condition):
        [(function, arguments)] = condition.items()
        if function == "Fn::Not":
            return not self.is_true(arguments[0])
        if function == "Fn::And":
            return all(self.is_true(argument) for argument in arguments)
        assert function == "Fn::Equals", condition
        left, right = (str(self.parameters[a["Ref"]]) if isinstance(a, dict) else str(a) for a in arguments)
        return left == right

    def decided(self, value):
        if isinstance(value, list):
            return [decided for decided in map(self.decided, value) if decided is not NOTHING]
        if not isinstance(value, dict):
            return value
        if value == ref("AWS::NoValue"):
            return NOTHING
        if "Fn::If" in value:
            condition, yes, no = value["Fn::If"]
            return self.decided(yes if self.holds(condition) else no)
        decided = {name: self.decided(v) for name, v in value.items()}
        return {name: v for name, v in decided.items() if v is not NOTHING}

    def properties(self, name):
        return self.resources[name]["Properties"]

    def dangling(self):
        """What is referred to, and is neither made nor a parameter nor CloudFormation's own."""
        known = self.resources.keys() | self.parameters.keys()
        return {name for name in referred([self.resources, self.outputs]) if name not in known and not name.startswith("AWS::")}


def referred(value):
    if isinstance(value, list):
        for item in value:
            yield from referred(item)
    elif isinstance(value, dict):
        for name, argument in value.items():
            if name == "Ref":
                yield argument
            elif name == "Fn::GetAtt":
                yield argument[0]
            elif name == "DependsOn":
                yield from [argument] if isinstance(argument, str) else argument
            elif name == "Fn::Sub":
                # With a list it would have names of its own.
                yield from (found.split(".")[0] for found in re.findall(r"\${([^!}]+)}", argument))
            else:
                yield from referred(argument)


def of_type(kind):
    return {name: resource for name, resource in RESOURCES.items() if resource["Type"] == kind}


def properties(name):
    return copy.deepcopy(RESOURCES[name]["Properties"])


def arn(name):
    return {"Fn::GetAtt": [name, "Arn"]}


def ref(name):
    return {"Ref": name}


def statements(name, stack=None):
    """The role's statements beyond the one for the function's own logs."""
    role = (stack or CREATED).properties(f"{name}Role")
    assert "ManagedPolicyArns" not in role
    [policy] = role["Policies"]
    logs, *others = policy["PolicyDocument"]["Statement"]
    assert logs == {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": arn(f"{name}Logs"),
    }
    return others


# The two ways: the template's own pool, and one that exists. In each, all that may be given is left out, or given.
CREATED, ATTACHED = Stack(), Stack(ExistingUserPoolId=EXISTING_POOL)
GIVEN = {
    "AlarmTopicArn": TOPIC,
    "FederatedProviders": "Google Okta-1",
    "LogKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/1",
    "NextPreTokenGenerationArn": NEXT,
    "NextPreTokenGenerationErrors": "SHOWN",
    "NoGrantMessage": "Please install version 7.",
    "LongestSessionDays": "30",
    "ReportOnlyUntil": "2026-12-24T08:00:00Z",
    "RequiredClients": "1example23456789",
    "RequiredFrom": "2027-01-31T08:00:00Z",
    "RequiredGroups": "admins",
    "ReservedConcurrency": 10,
    "SecondFactorPolicy": "OPTIONAL",
}
STACKS = {
    "created": CREATED,
    "attached": ATTACHED,
    "created, all given": Stack(**GIVEN),
    "attached, all given": Stack(ExistingUserPoolId=EXISTING_POOL, **GIVEN),
}
every_stack = pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS)


def sealing(action):
    return {
        "Effect": "Allow",
        "Action": action,
        "Resource": arn("SealingKey"),
        "Condition": {
            "StringEquals": {"kms:EncryptionContext:purpose": "authenticator-secret"},
            "StringLike": {
                "kms:EncryptionContext:userPoolId": {"Fn::Sub": "${AWS::Region}_*"},
                "kms:EncryptionContext:sub": "?*",
                "kms:EncryptionContext:nonce": "?*",
            },
            "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["userPoolId", "sub", "purpose", "nonce"]},
        },
    }


# The two ways.


@every_stack
def test_nothing_refers_to_what_is_not_made(stack):
    assert stack.dangling() == set()


def test_what_refers_to_something_that_is_not_made_would_be_found():
    stack = Stack()
    del stack.resources["SealingKey"]
    assert stack.dangling() == {"SealingKey"}


@every_stack
def test_no_condition_is_unknown_and_none_is_left_undecided(stack):
    assert "Fn::If" not in json.dumps([stack.resources, stack.outputs])
    used = {r["Condition"] for part in ("Resources", "Outputs") for r in TRANSLATED[part].values() if "Condition" in r}
    used |= set(re.findall(r'"Fn::If": \["(\w+)"', json.dumps(TRANSLATED)))
    assert used == set(SOURCE["Conditions"])


def test_a_pool_that_exists_leaves_out_the_pool_and_the_app_client_and_nothing_else():
    assert CREATED.resources.keys() - ATTACHED.resources.keys() == {"UserPool", "UserPoolClient"}
    assert ATTACHED.resources.keys() <= CREATED.resources.keys()
    assert CREATED.outputs.keys() - ATTACHED.outputs.keys() == {"UserPoolClientId"}


ARN = NEXT.removesuffix(":live")
WELL_FORMED = {
    "ExistingUserPoolId": ["", "eu-central-1_Example", "us-gov-west-1_a1B2c3"],
    "FederatedProviders": ["", "Google", "Google Okta-1 LoginWithAmazon"],
    "GuardedSince": ["", "2026-12-24T08:00:00Z"],
    "LongestSessionDays": ["", "1", "30", "365", "2999", "3599", "3649", "3650"],
    "RequiredClients": ["", "1example23456789", "1example23456789 my_client+2"],
    "RequiredFrom": ["", "2027-01-31T08:00:00Z"],
    "RequiredGroups": ["", "admins", "admins R&D,Legal Buchprüfung", "x" * 128],
    "NoGrantMessage": ["", "Please update the app, then sign in again.", "x" * 200],
    "ReportOnlyUntil": ["", "2026-12-24T08:00:00Z", "2027-02-28T23:59:59Z"],
    "NoGrantMessage": ["", "It's 100% (new)! #1; a=b?", "x" * 200],
    "NextPreTokenGenerationArn": ["", ARN, f"{ARN}:live", f"{ARN}:7", f"{ARN}:$LATEST", ARN.replace("aws", "aws-cn", 1)],
}
MALFORMED = {
    "ExistingUserPoolId": [
        *("Example", "eu-central-1_", "eu-central-1_Exa-mple", "EU-central-1_Example", "eu-central-1_Example "),
        "arn:aws:cognito-idp:eu-central-1:111122223333:userpool/eu-central-1_Example",
    ],
    "LongestSessionDays": ["0", "030", "-1", "1.5", "30 days", "3651", "4000", "10000"],
    "RequiredClients": ["a,b", " a", "a  b", "a ", "a\tb", "my-client", "x" * 129],
    "RequiredFrom": ["NONE", "tomorrow", "2027-01-31", "2027-01-31T08:00:00+01:00", "2027-13-31T08:00:00Z"],
    "RequiredGroups": [" admins", "admins  staff", "admins ", "admins\tstaff", "x" * 129],
    "GuardedSince": ["NONE", "none", "tomorrow", "2026-12-24", "2026-12-24T08:00:00+01:00", "2026-13-24T08:00:00Z"],
    "NoGrantMessage": ["x" * 201, "<b>", "a&b", 'say "x"', "caf\u00e9", "two\nlines"],
    "FederatedProviders": [" Google", "Google  Okta", "Google ", "x" * 33],
    "ReportOnlyUntil": [
        *("tomorrow", "2026-12-24", "2026-12-24T08:00Z", "2026-12-24T08:00:00", "2026-12-24T08:00:00+01:00"),
        *("2026-13-24T08:00:00Z", "2026-12-32T08:00:00Z", "2026-12-24T24:00:00Z", "2026-12-24T08:60:00Z"),
        *("2026-12-24 08:00:00Z", "2026-12-24T08:00:00.5Z"),
    ],
    "NoGrantMessage": ["<b>", "a & b", '"a"', "a\nb", "nötig", "x" * 201],
    "NextPreTokenGenerationArn": [
        *("next", f"{ARN}:live:live", f"{ARN}:*", ARN.replace("next", "*"), f"{ARN} "),
        ARN.replace("function", "layer"),
    ],
}


@pytest.mark.parametrize("name", WELL_FORMED)
def test_a_parameter_takes_what_is_well_formed_and_is_empty_by_default(name):
    parameter = SOURCE["Parameters"][name]
    assert parameter["Default"] == ""
    # CloudFormation matches the whole value.
    taken = [value for value in WELL_FORMED[name] + MALFORMED[name] if re.fullmatch(parameter["AllowedPattern"], value)]
    assert taken == WELL_FORMED[name]


# The doors: cognito.md's "Any app client of the same pool that allows one of these hands out tokens without the triggers".


def test_there_is_one_pool_with_one_client_and_nothing_else_that_signs_in():
    cognito = {name: resource["Type"] for name, resource in CREATED.resources.items() if "::Cognito::" in resource["Type"]}
    assert cognito == {"UserPool": "AWS::Cognito::UserPool", "UserPoolClient": "AWS::Cognito::UserPoolClient"}


def test_where_a_pool_exists_none_is_created_and_none_is_changed():
    assert [name for name, resource in ATTACHED.resources.items() if "::Cognito::" in resource["Type"]] == []


def test_the_client_allows_custom_auth_and_refresh_and_nothing_else():
    assert properties("UserPoolClient")["ExplicitAuthFlows"] == ["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]


def test_the_client_has_no_oauth_and_no_foreign_identity_provider():
    client = properties("UserPoolClient")
    assert client["AllowedOAuthFlowsUserPoolClient"] is False
    assert client["SupportedIdentityProviders"] == ["COGNITO"]
    assert not {"AllowedOAuthFlows", "AllowedOAuthScopes", "CallbackURLs"} & client.keys()


def test_the_client_hides_who_exists():
    assert properties("UserPoolClient")["PreventUserExistenceErrors"] == "ENABLED"


def test_the_client_gives_fifteen_minutes_to_install_an_authenticator():
    assert properties("UserPoolClient")["AuthSessionValidity"] == 15


def test_the_tokens_lifetimes_are_stated_and_tokens_can_be_revoked():
    client = properties("UserPoolClient")
    assert client["EnableTokenRevocation"] is True
    assert client["TokenValidityUnits"] == {"RefreshToken": "hours", "AccessToken": "minutes", "IdToken": "minutes"}
    lifetimes = [client[f"{kind}Validity"] for kind in ("RefreshToken", "AccessToken", "IdToken")]
    assert lifetimes == [24, 60, 60]


def test_cognitos_own_mfa_is_off():
    # As a string: YAML's OFF is false, which Cognito does not know.
    assert properties("UserPool")["MfaConfiguration"] == "OFF"
    assert "EnabledMfas" not in properties("UserPool")


def test_devices_are_not_remembered():
    assert "DeviceConfiguration" not in properties("UserPool")


def test_the_pool_offers_no_sign_in_without_a_password():
    assert "SignInPolicy" not in properties("UserPool")["Policies"]


def test_only_operators_create_users_unless_told_otherwise():
    assert SOURCE["Parameters"]["SelfSignUp"]["Default"] == "OFF"
    assert SOURCE["Conditions"]["OnlyOperatorsCreateUsers"] == {"Fn::Equals": [ref("SelfSignUp"), "OFF"]}
    assert properties("UserPool")["AdminCreateUserConfig"] == {
        "AllowAdminCreateUserOnly": {"Fn::If": ["OnlyOperatorsCreateUsers", True, False]}
    }


# The triggers.


def test_the_pool_calls_the_four_triggers_and_no_other():
    assert properties("UserPool")["LambdaConfig"] == {
        "DefineAuthChallenge": arn(DEFINE),
        "CreateAuthChallenge": arn(CREATE),
        "VerifyAuthChallengeResponse": arn(VERIFY),
        "PreTokenGenerationConfig": {"LambdaArn": arn(GUARD), "LambdaVersion": ref("TokenGuardEvents")},
    }


def test_there_are_four_functions():
    assert set(of_type("AWS::Lambda::Function")) == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_cut_off_when_cognito_stops_waiting(name):
    assert properties(name)["Timeout"] == 5


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_a_bootstrap_on_al2023_of_the_chosen_architecture(name):
    function = properties(name)
    assert (function["Runtime"], function["Handler"]) == ("provided.al2023", "bootstrap")
    assert function["Architectures"] == [ref("Architecture")]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_built_from_its_own_crate(name):
    function = SOURCE["Resources"][name]
    binary = function["Metadata"]["BuildProperties"]["Binary"]
    assert function["Metadata"]["BuildMethod"] == "rust-cargolambda"
    assert function["Properties"]["CodeUri"] == f"functions/{binary}"
    assert binary.replace("-", "") == name.lower()
    assert f'name = "{binary}"' in (TEMPLATE.parent / "functions" / binary / "Cargo.toml").read_text()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_shares_the_accounts_concurrency_unless_told_otherwise(name):
    reserved = {"Fn::If": ["ConcurrencyIsReserved", ref("ReservedConcurrency"), ref("AWS::NoValue")]}
    assert properties(name)["ReservedConcurrentExecutions"] == reserved
    assert SOURCE["Parameters"]["ReservedConcurrency"]["Default"] == 0


def test_what_checkov_should_not_check_has_its_reason():
    suppressed = [s for r in SOURCE["Resources"].values() for s in r.get("Metadata", {}).get("checkov", {}).get("skip", [])]
    assert suppressed and all(len(s["comment"]) > 40 for s in suppressed)


def test_nothing_is_set_in_globals():
    assert "Globals" not in SOURCE


POOL_ARNS = [
    (CREATED, arn("UserPool")),
    (ATTACHED, {"Fn::Sub": "arn:${AWS::Partition}:cognito-idp:${AWS::Region}:${AWS::AccountId}:userpool/${ExistingUserPoolId}"}),
]  # fmt: skip


@pytest.mark.parametrize("stack, pool", POOL_ARNS, ids=["created", "attached"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_only_cognito_may_call_a_function_and_only_for_this_pool(name, stack, pool):
    permissions = [r["Properties"] for r in stack.resources.values() if r["Type"] == "AWS::Lambda::Permission"]
    assert [p for p in permissions if p["FunctionName"] == arn(name)] == [
        {
            "Action": "lambda:InvokeFunction",
            "FunctionName": arn(name),
            "Principal": "cognito-idp.amazonaws.com",
            "SourceAccount": ref("AWS::AccountId"),
            "SourceArn": pool,
        }
    ]
    assert len(permissions) == len(FUNCTIONS)


def test_nothing_else_leads_to_a_function():
    kinds = {r["Type"] for r in RESOURCES.values() if r["Type"].startswith(("AWS::Lambda::", "AWS::ApiGateway"))}
    assert kinds == {"AWS::Lambda::Function", "AWS::Lambda::Permission"}


def test_define_is_told_the_settings_and_neither_table_nor_key():
    assert properties(DEFINE)["Environment"]["Variables"] == {
        "ACCEPTED_COGNITO_MFA": ref("AcceptedCognitoMfa"),
        "ENROLLMENT": ref("EnrollmentMode"),
        "LOG_LEVEL": ref("LogLevel"),
        "SECOND_FACTOR_POLICY": ref("SecondFactorPolicy"),
    }


def test_create_is_told_what_it_reads_and_no_more():
    assert properties(CREATE)["Environment"]["Variables"] == {
        "ACCEPTED_COGNITO_MFA": ref("AcceptedCognitoMfa"),
        "ENROLLMENT": ref("EnrollmentMode"),
        "KEY_ID": arn("SealingKey"),
        "LOG_LEVEL": ref("LogLevel"),
        "PASSCODE_DIGITS": ref("PasscodeDigits"),
        "REQUIRED_CLIENTS": ref("RequiredClients"),
        "REQUIRED_FROM": ref("RequiredFrom"),
        "SECOND_FACTOR_POLICY": ref("SecondFactorPolicy"),
        "TABLE_NAME": ref("SecondFactors"),
        "TOTP_ISSUER": ref("TotpIssuer"),
    }


def test_verify_is_told_what_it_reads_and_no_more():
    assert properties(VERIFY)["Environment"]["Variables"] == {
        "ENROLLMENT": ref("EnrollmentMode"),
        "KEY_ID": arn("SealingKey"),
        "LOG_LEVEL": ref("LogLevel"),
        "REQUIRED_CLIENTS": ref("RequiredClients"),
        "REQUIRED_FROM": ref("RequiredFrom"),
        "SECOND_FACTOR_POLICY": ref("SecondFactorPolicy"),
        "TABLE_NAME": ref("SecondFactors"),
    }


def test_the_guard_is_told_what_it_reads_and_no_more():
    always = {
        "GUARDED_SINCE": ref("GuardedSince"),
        "LOG_LEVEL": ref("LogLevel"),
        # Empty by default, which is not set.
        "NEXT_PRE_TOKEN_GENERATION": ref("NextPreTokenGenerationArn"),
        "FEDERATED_PROVIDERS": ref("FederatedProviders"),
        "NO_GRANT_MESSAGE": ref("NoGrantMessage"),
        "LONGEST_SESSION_DAYS": ref("LongestSessionDays"),
        "REPORT_ONLY_UNTIL": ref("ReportOnlyUntil"),
        "REQUIRED_GROUPS": ref("RequiredGroups"),
        "REQUIRED_CLIENTS": ref("RequiredClients"),
        "REQUIRED_FROM": ref("RequiredFrom"),
        "SECOND_FACTOR_POLICY": ref("SecondFactorPolicy"),
        "TABLE_NAME": ref("SecondFactors"),
        "TOKEN_GUARD": ref("TokenGuard"),
    }
    for stack, errors in [
        (CREATED, ""),
        (ATTACHED, ""),
        (Stack(NextPreTokenGenerationArn=NEXT), ref("NextPreTokenGenerationErrors")),
    ]:
        variables = stack.properties(GUARD)["Environment"]["Variables"]
        assert variables == always | {"NEXT_PRE_TOKEN_GENERATION_ERRORS": errors}


def test_by_default_the_guard_refuses_at_once_and_hands_on_to_nobody():
    defaults = {name: SOURCE["Parameters"][name]["Default"] for name in ("ReportOnlyUntil", "NextPreTokenGenerationArn")}
    assert set(defaults.values()) == {""}
    assert SOURCE["Parameters"]["NextPreTokenGenerationErrors"]["Default"] == "HIDDEN"


def test_by_default_tokens_must_be_paid_for():
    assert SOURCE["Parameters"]["TokenGuard"]["Default"] == "GRANT"


def test_by_default_no_factor_of_cognitos_is_accepted():
    assert SOURCE["Parameters"]["AcceptedCognitoMfa"]["Default"] == "NONE"
    assert SOURCE["Parameters"]["EnrollmentMode"]["Default"] == "AT_SIGN_IN"


def test_by_default_everybody_needs_a_second_factor_at_once():
    defaults = {name: SOURCE["Parameters"][name]["Default"] for name in SOURCE["Parameters"] if "Required" in name}
    assert defaults == {"RequiredClients": "", "RequiredFrom": "", "RequiredGroups": ""}
    assert SOURCE["Parameters"]["SecondFactorPolicy"]["Default"] == "REQUIRED"
    assert SOURCE["Parameters"]["LongestSessionDays"]["Default"] == ""


OPTIONAL = {"SecondFactorPolicy": "OPTIONAL", "LongestSessionDays": "30", "GuardedSince": "2026-12-24T08:00:00Z"}
WATCHED = OPTIONAL | {"GuardedSince": "", "ReportOnlyUntil": "2026-12-24T08:00:00Z"}
BY_OPERATOR = {"EnrollmentMode": "BY_OPERATOR"}
MOVING_OVER = {"EnrollmentMode": "AFTER_COGNITO_MFA", "AcceptedCognitoMfa": "SMS_MFA", "TokenGuard": "TRIGGER_SOURCE"}
REFUSED = {
    "optional, an operator enrolls": (OPTIONAL | BY_OPERATOR, "EnrollmentMode AT_SIGN_IN only"),
    "optional, after Cognito's factor": (OPTIONAL | MOVING_OVER, "EnrollmentMode AT_SIGN_IN only"),
    "optional, Cognito's factor": (OPTIONAL | {"AcceptedCognitoMfa": "SMS_MFA"}, "AcceptedCognitoMfa NONE only"),
    "optional, no grants": (OPTIONAL | {"TokenGuard": "TRIGGER_SOURCE"}, "TokenGuard must be GRANT"),
    "optional, sessions of any length": (OPTIONAL | {"LongestSessionDays": ""}, "needs LongestSessionDays"),
    "optional, never guarded": (OPTIONAL | {"GuardedSince": ""}, "needs GuardedSince or ReportOnlyUntil"),
    "required, from a day on": ({"RequiredFrom": "2027-01-31T08:00:00Z"}, "RequiredFrom must be empty"),
    "required, no grants": (
        MOVING_OVER | {"LongestSessionDays": "30", "ReportOnlyUntil": "2026-12-24T08:00:00Z"},
        "With LongestSessionDays, TokenGuard must be GRANT",
    ),
    "required, never guarded": ({"LongestSessionDays": "30"}, "needs GuardedSince or ReportOnlyUntil"),
}
DEPLOYED = {
    "nothing": {},
    "optional": OPTIONAL,
    "optional, watched": WATCHED,
    "optional, all given": GIVEN,
    "required, sessions limited": OPTIONAL | {"SecondFactorPolicy": "REQUIRED"},
    "required, clients and groups kept": {"RequiredClients": "1example23456789", "RequiredGroups": "admins"},
}


def broken_rules(**given):
    stack, rules = Stack(**given), SOURCE["Rules"].values()
    asserted = [a for rule in rules if stack.is_true(rule["RuleCondition"]) for a in rule["Assertions"]]
    return [assertion["AssertDescription"] for assertion in asserted if not stack.is_true(assertion["Assert"])]


@pytest.mark.parametrize("given, sentence", REFUSED.values(), ids=REFUSED)
def test_a_policy_that_contradicts_another_parameter_is_not_deployed(given, sentence):
    assert any(sentence in broken for broken in broken_rules(**given)), broken_rules(**given)


@pytest.mark.parametrize("given", DEPLOYED.values(), ids=DEPLOYED)
def test_a_policy_that_contradicts_nothing_is_deployed(given):
    assert broken_rules(**given) == []


def test_settings_that_would_stop_the_functions_are_refused_beforehand():
    mode, policy, accepted = ref("EnrollmentMode"), ref("SecondFactorPolicy"), {"Fn::Equals": [ref("AcceptedCognitoMfa"), "NONE"]}
    rules = [(rule["RuleCondition"], rule["Assertions"][0]["Assert"]) for rule in SOURCE["Rules"].values()]
    assert rules == [
        ({"Fn::Equals": [mode, "AT_SIGN_IN"]}, accepted),
        ({"Fn::Equals": [mode, "AFTER_COGNITO_MFA"]}, {"Fn::Not": [accepted]}),
        ({"Fn::Not": [accepted]}, {"Fn::Equals": [ref("TokenGuard"), "TRIGGER_SOURCE"]}),
        (accepted, {"Fn::Equals": [ref("TokenGuard"), "GRANT"]}),
        ({"Fn::Not": [{"Fn::Equals": [ref("GuardedSince"), ""]}]}, {"Fn::Equals": [ref("TokenGuard"), "GRANT"]}),
        ({"Fn::Equals": [policy, "OPTIONAL"]}, {"Fn::Equals": [mode, "AT_SIGN_IN"]}),
        ({"Fn::Equals": [policy, "REQUIRED"]}, {"Fn::Equals": [ref("RequiredFrom"), ""]}),
        (
            {"Fn::Not": [{"Fn::Equals": [ref("LongestSessionDays"), ""]}]},
            {"Fn::Not": [{"Fn::And": [{"Fn::Equals": [ref(n), ""]} for n in ("GuardedSince", "ReportOnlyUntil")]}]},
        ),
        (
            {"Fn::Equals": [ref("NextPreTokenGenerationErrors"), "SHOWN"]},
            {"Fn::Not": [{"Fn::Equals": [ref("NextPreTokenGenerationArn"), ""]}]},
        ),
    ]


# Least privilege.


def test_there_is_one_role_a_function_and_one_for_the_rule_and_no_other_policy():
    assert set(of_type("AWS::IAM::Role")) == {f"{name}Role" for name in FUNCTIONS} | {"UserPoolChangedRole"}
    assert [name for name, r in RESOURCES.items() if r["Type"].startswith("AWS::IAM::") and "Role" not in name] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_its_own_role_which_only_lambda_assumes(name):
    assert properties(name)["Role"] == arn(f"{name}Role")
    assert properties(f"{name}Role")["AssumeRolePolicyDocument"]["Statement"] == [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]


def test_define_may_log_and_nothing_else():
    assert statements(DEFINE) == []


def test_create_may_read_records_and_seal():
    assert statements(CREATE) == [
        {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": arn("SecondFactors")},
        sealing("kms:Encrypt"),
    ]


def test_verify_may_read_and_write_records_and_open():
    assert statements(VERIFY) == [
        {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": arn("SecondFactors")},
        sealing("kms:Decrypt"),
    ]


def test_the_guard_may_read_and_write_records_and_open_nothing():
    assert statements(GUARD) == [
        {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": arn("SecondFactors")},
    ]
    assert statements(GUARD, ATTACHED) == statements(GUARD)


@every_stack
def test_the_guard_may_invoke_the_next_function_only_if_one_is_given(stack):
    invoke = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": ref("NextPreTokenGenerationArn")}
    given = bool(stack.parameters["NextPreTokenGenerationArn"])
    assert statements(GUARD, stack)[1:] == ([invoke] if given else [])
    others = [statements(name, stack) for name in FUNCTIONS if name != GUARD]
    assert "lambda:" not in json.dumps(others)


# What must not be lost.


@pytest.mark.parametrize("name", ["UserPool", "SecondFactors", "SealingKey"])
def test_pool_table_and_key_outlive_the_stack(name):
    # Where nothing protects it from deletion, a failed first deployment leaves nothing behind.
    policy = "RetainExceptOnCreate" if name == "SealingKey" else "Retain"
    assert (RESOURCES[name]["DeletionPolicy"], RESOURCES[name]["UpdateReplacePolicy"]) == (policy, "Retain")


def test_the_pool_is_protected_from_deletion():
    assert properties("UserPool")["DeletionProtection"] == "ACTIVE"


def test_the_table_is_protected_from_deletion_and_can_be_restored_to_any_second():
    table = properties("SecondFactors")
    assert table["DeletionProtectionEnabled"] is True
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_the_table_is_encrypted_and_grows_by_itself():
    table = properties("SecondFactors")
    assert table["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS"}
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_a_user_has_one_record():
    table = properties("SecondFactors")
    assert table["KeySchema"] == [{"AttributeName": "user", "KeyType": "HASH"}]
    assert table["AttributeDefinitions"] == [{"AttributeName": "user", "AttributeType": "S"}]


def test_records_do_not_expire_and_are_not_copied():
    table = properties("SecondFactors")
    assert not {"TimeToLiveSpecification", "StreamSpecification", "GlobalSecondaryIndexes"} & table.keys()


def test_the_key_rotates_and_only_this_account_rules_it():
    key = properties("SealingKey")
    assert key["EnableKeyRotation"] is True
    assert (key["KeySpec"], key["KeyUsage"]) == ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
    [statement] = key["KeyPolicy"]["Statement"]
    assert statement["Principal"] == {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}


# What alerts an operator.


@pytest.mark.parametrize("name", FUNCTIONS)
def test_logs_have_a_group_of_their_own_that_forgets(name):
    assert properties(name)["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": ref(f"{name}Logs")}
    assert properties(f"{name}Logs")["RetentionInDays"] == ref("LogRetentionDays")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_logs_are_encrypted_with_the_key_that_is_given(name):
    given = {"Fn::If": ["LogKeyIsGiven", ref("LogKeyArn"), ref("AWS::NoValue")]}
    assert properties(f"{name}Logs")["KmsKeyId"] == given
    assert SOURCE["Parameters"]["LogKeyArn"]["Default"] == ""


def summed(alarm):
    """What an alarm's expression is made of: its ids, each with namespace, metric, dimensions and statistic."""
    metrics = {m["Id"]: m["MetricStat"] for m in alarm["Metrics"] if "MetricStat" in m}
    assert all(m["ReturnData"] is False for m in alarm["Metrics"] if "MetricStat" in m)
    assert len({m["Period"] for m in metrics.values()}) == 1
    return {
        identifier: (
            m["Metric"]["Namespace"],
            m["Metric"]["MetricName"],
            {d["Name"]: d["Value"] for d in m["Metric"].get("Dimensions", [])},
            m["Stat"],
        )
        for identifier, m in metrics.items()
    }


def expression(alarm):
    [expression] = [m["Expression"] for m in alarm["Metrics"] if "Expression" in m]
    return expression


REFUSED = '{ $.message = "refused" }'


@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_alarm_tells_which_function_fails_is_throttled_or_is_slow(name):
    alarm, of_it = properties(f"{name}Fails"), {"FunctionName": ref(name)}
    assert alarm["AlarmDescription"].startswith(f"{name} ")
    assert summed(alarm) == {
        "errors": ("AWS/Lambda", "Errors", of_it, "Sum"),
        "refusals": ({"Fn::Sub": "SecondFactor/${AWS::StackName}"}, f"{name}Refusals", {}, "Sum"),
        "throttles": ("AWS/Lambda", "Throttles", of_it, "Sum"),
        "slowest": ("AWS/Lambda", "Duration", of_it, "Maximum"),
    }
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_a_user_can_cause_is_counted_and_taken_from_the_errors(name):
    assert expression(properties(f"{name}Fails")).startswith("FILL(errors, 0) - FILL(refusals, 0) + ")
    metric_filter = properties(f"{name}Refusals")
    assert (metric_filter["LogGroupName"], metric_filter["FilterPattern"]) == (ref(f"{name}Logs"), REFUSED)
    [metric] = metric_filter["MetricTransformations"]
    assert (metric["MetricName"], metric["MetricValue"]) == (f"{name}Refusals", "1")
    assert metric["MetricNamespace"] == {"Fn::Sub": "SecondFactor/${AWS::StackName}"}


# Each number is what CloudWatch sees of one period, the newest last.
@pytest.mark.parametrize(
    "rings, errors, refusals, throttles, slowest",
    [
        (False, [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [], []),
        # Refusals, however many; those of the newest period are not all counted yet.
        (False, [1, 0, 7, 2, 0, 9], [1, 0, 7, 2, 0, 0], [], []),
        # A period ends between a refusal's error and its line.
        (False, [0, 0, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0], [], []),
        (False, [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1], [], []),
        # A fault that comes back, alone and among refusals.
        (True, [0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0], [], []),
        (True, [1, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0], [], []),
        (True, [9, 9, 9, 9, 9, 9], [8, 8, 8, 8, 8, 8], [], []),
        # A time-out takes five seconds, and a throttled invocation is no error.
        (True, [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 1], []),
        (True, [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [], [90, 90, 3500, 90, 3800, 90]),
        (False, [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [], [3499, 3499, 3499, 3499, 3499, 3499]),
    ],
)
def test_an_alarm_rings_for_faults_and_not_for_refusals(rings, errors, refusals, throttles, slowest):
    [(formula, needed)] = {
        (expression(alarm), (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"], alarm["Threshold"]))
        for alarm in (properties(f"{name}Fails") for name in FUNCTIONS)
    }
    datapoints_to_alarm, periods, threshold = needed
    assert periods == len(errors)
    functions = {"FILL": lambda value, other: other if value is None else value, "IF": lambda test, yes, no: yes if test else no}
    seen = zip(errors, refusals, throttles or [None] * periods, slowest or [None] * periods)
    values = [eval(formula, functions | dict(zip(("errors", "refusals", "throttles", "slowest"), period))) for period in seen]
    assert (sum(value >= threshold for value in values) >= datapoints_to_alarm) is rings


def test_a_table_that_fails_or_throttles_raises_an_alarm():
    alarm = properties("TableFails")
    found = summed(alarm)
    assert all(namespace == "AWS/DynamoDB" and stat == "Sum" for namespace, _, _, stat in found.values())
    assert all(dimensions["TableName"] == ref("SecondFactors") for _, _, dimensions, _ in found.values())
    operations = {(metric, dimensions["Operation"]) for _, metric, dimensions, _ in found.values()}
    assert operations == {(m, o) for m in ("SystemErrors", "ThrottledRequests") for o in ("GetItem", "PutItem")}
    assert expression(alarm) == " + ".join(f"FILL({identifier}, 0)" for identifier in found)
    # What arrives late is seen too.
    assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (1, 5)
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")


def test_the_alarm_for_guessed_passcodes_filters_for_the_message_that_verify_logs():
    words = "passcodes are being guessed"
    assert f'"{words}"' in (TEMPLATE.parent / "functions/verify-auth-challenge/src/lib.rs").read_text()
    metric_filter = properties("GuessedPasscodes")
    assert metric_filter["LogGroupName"] == ref("VerifyAuthChallengeLogs")
    assert metric_filter["FilterPattern"] == f'{{ $.message = "{words}" }}'
    [metric] = metric_filter["MetricTransformations"]
    alarm = properties("PasscodesGuessed")
    assert (alarm["Namespace"], alarm["MetricName"]) == (metric["MetricNamespace"], metric["MetricName"])
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")


def test_every_alarm_notifies_the_topic_if_one_is_given():
    actions = {"Fn::If": ["AlarmsAreHeard", [ref("AlarmTopicArn")], ref("AWS::NoValue")]}
    alarms = of_type("AWS::CloudWatch::Alarm")
    of_the_rule = alarms.pop("UserPoolChangedFails")
    assert set(alarms) == {f"{name}Fails" for name in FUNCTIONS} | {"TableFails", "PasscodesGuessed"}
    assert all(alarm["Properties"]["AlarmActions"] == actions for alarm in alarms.values())
    # It is there only with a topic.
    assert (of_the_rule["Condition"], of_the_rule["Properties"]["AlarmActions"]) == ("AlarmsAreHeard", [ref("AlarmTopicArn")])


# Who else changes the pool.


@every_stack
def test_a_change_of_the_pool_is_watched_if_anybody_is_to_hear_of_it(stack):
    rule = {"UserPoolChanged", "UserPoolChangedRole", "UserPoolChangedFails"}
    assert rule & stack.resources.keys() == (rule if stack.parameters["AlarmTopicArn"] else set())


@pytest.mark.parametrize("existing, pool", [("", ref("UserPool")), (EXISTING_POOL, ref("ExistingUserPoolId"))])
def test_the_rule_is_for_four_calls_and_for_this_pool(existing, pool):
    rule = Stack(AlarmTopicArn=TOPIC, ExistingUserPoolId=existing).properties("UserPoolChanged")
    assert rule["EventPattern"] == {
        "source": ["aws.cognito-idp"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {
            "eventSource": ["cognito-idp.amazonaws.com"],
            "eventName": ["UpdateUserPool", "UpdateUserPoolClient", "CreateUserPoolClient", "SetUserPoolMfaConfig"],
            "requestParameters": {"userPoolId": [pool]},
        },
    }
    assert "State" not in rule and "EventBusName" not in rule, "it is enabled, and on the bus that CloudTrail sends to"


def test_the_rule_tells_the_topic_who_called_what_and_nothing_else_of_the_request():
    [target] = Stack(AlarmTopicArn=TOPIC).properties("UserPoolChanged")["Targets"]
    assert (target["Arn"], target["RoleArn"]) == (ref("AlarmTopicArn"), arn("UserPoolChangedRole"))
    transformer = target["InputTransformer"]
    assert set(transformer["InputPathsMap"].values()) == {
        "$.detail.eventName",
        "$.detail.requestParameters.userPoolId",
        "$.detail.userIdentity.arn",
        "$.detail.eventTime",
    }
    template = transformer["InputTemplate"]
    assert set(re.findall("<([^>]+)>", template)) == set(transformer["InputPathsMap"])
    # EventBridge takes a text only in quotes, and of 8192 characters.
    assert isinstance(json.loads(template), str) and "\n" not in template and len(template) < 8192


def test_the_rules_role_is_eventbridges_and_may_publish_to_the_topic_alone():
    role = Stack(AlarmTopicArn=TOPIC).properties("UserPoolChangedRole")
    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")}},
        }
    ]
    assert "ManagedPolicyArns" not in role
    [policy] = role["Policies"]
    publish, encrypt = policy["PolicyDocument"]["Statement"]
    assert publish == {"Effect": "Allow", "Action": "sns:Publish", "Resource": ref("AlarmTopicArn")}
    assert encrypt == {
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": {"Fn::Sub": "arn:${AWS::Partition}:kms:${AWS::Region}:*:key/*"},
        "Condition": {
            "StringEquals": {
                "kms:EncryptionContext:aws:sns:topicArn": ref("AlarmTopicArn"),
                "kms:ViaService": {"Fn::Sub": "sns.${AWS::Region}.${AWS::URLSuffix}"},
            }
        },
    }


def test_a_change_that_the_topic_is_not_told_of_raises_an_alarm():
    alarm = Stack(AlarmTopicArn=TOPIC).properties("UserPoolChangedFails")
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == ("AWS/Events", "FailedInvocations", "Sum")
    assert alarm["Dimensions"] == [{"Name": "RuleName", "Value": ref("UserPoolChanged")}]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")


# What others rely on.


def test_the_outputs_are_what_clients_and_operators_need():
    outputs = {name: output["Value"] for name, output in CREATED.outputs.items()}
    assert outputs == {
        "UserPoolId": ref("UserPool"),
        "UserPoolClientId": ref("UserPoolClient"),
        "TableName": ref("SecondFactors"),
        "SealingKeyArn": arn("SealingKey"),
        "DefineAuthChallengeArn": arn(DEFINE),
        "CreateAuthChallengeArn": arn(CREATE),
        "VerifyAuthChallengeArn": arn(VERIFY),
        "PreTokenGenerationArn": arn(GUARD),
        "TokenGuard": ref("TokenGuard"),
        "TokenGuardEvents": ref("TokenGuardEvents"),
        "FederatedProviders": "NONE",
        "ReportOnlyUntil": "NONE",
        "NextPreTokenGenerationArn": "NONE",
    }
    del outputs["UserPoolClientId"]
    attached = {name: output["Value"] for name, output in ATTACHED.outputs.items()}
    assert attached == outputs | {"UserPoolId": ref("ExistingUserPoolId")}


@every_stack
def test_no_output_is_empty(stack):
    for output in stack.outputs.values():
        value = output["Value"]
        assert stack.parameters.get(value["Ref"], "made") if isinstance(value, dict) and "Ref" in value else value


def test_the_functions_arns_are_exported_and_nothing_else():
    exports = {name: output["Export"]["Name"] for name, output in SOURCE["Outputs"].items() if "Export" in output}
    assert exports == {f"{name}Arn": {"Fn::Sub": f"${{AWS::StackName}}-{name}Arn"} for name in FUNCTIONS}
