"""The pool that `serve` starts with is the one that template.yaml deploys: what Cognito describes, member by member."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


class Template(yaml.SafeLoader):
    """CloudFormation's tags, resolved with the parameters' defaults as far as the pool and its client use them."""


def resolve(loader, tag, node):
    if tag == "Ref":
        return {"Ref": loader.construct_scalar(node)}
    if tag == "If":
        return {"If": loader.construct_sequence(node, deep=True)}
    if isinstance(node, yaml.ScalarNode):
        return {tag: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {tag: loader.construct_sequence(node, deep=True)}
    return {tag: loader.construct_mapping(node, deep=True)}


Template.add_multi_constructor("!", resolve)
TEMPLATE = yaml.load((ROOT / "template.yaml").read_text(), Template)


def properties(resource):
    return {name: plain(value) for name, value in TEMPLATE["Resources"][resource]["Properties"].items()}


def plain(value):
    """With the defaults of the parameters."""
    if isinstance(value, dict):
        if value.keys() == {"Ref"}:
            parameter = TEMPLATE["Parameters"].get(value["Ref"])
            return parameter["Default"] if parameter else value
        if value.keys() == {"If"}:
            condition, yes, no = value["If"]
            assert condition == "OnlyOperatorsCreateUsers" and TEMPLATE["Parameters"]["SelfSignUp"]["Default"] == "OFF"
            return plain(yes)
        return {name: plain(member) for name, member in value.items()}
    return [plain(member) for member in value] if isinstance(value, list) else value


def assert_describes(described, deployed, place):
    """Every member of `deployed` is described as it is; a function by whatever ARN it has."""
    for name, value in deployed.items():
        assert name in described, f"{place}.{name}"
        if isinstance(value, dict) and value.keys() == {"GetAtt"}:
            assert described[name].startswith("arn:aws:lambda:"), f"{place}.{name}"
        elif isinstance(value, dict):
            assert_describes(described[name], value, f"{place}.{name}")
        else:
            assert described[name] == value, f"{place}.{name}"


def test_the_user_pool_is_the_one_of_template_yaml(pool):
    deployed = properties("UserPool")
    deployed["Name"] = deployed.pop("UserPoolName")
    described = pool.operator.describe_user_pool(UserPoolId=pool.id)["UserPool"]
    assert_describes(described, deployed, "UserPool")
    # What it does not set is as Cognito has it by default.
    own = {"Id", "Arn", "CreationDate", "LastModifiedDate", "EstimatedNumberOfUsers", "SchemaAttributes"}
    defaults = {
        "EmailConfiguration": {"EmailSendingAccount": "COGNITO_DEFAULT"},
        "UserPoolTags": {},
        "UserPoolTier": "ESSENTIALS",
        "VerificationMessageTemplate": {"DefaultEmailOption": "CONFIRM_WITH_CODE"},
    }
    assert {name: described[name] for name in described.keys() - deployed.keys() - own} == defaults


def test_the_app_client_is_the_one_of_template_yaml(pool):
    deployed = properties("UserPoolClient")
    assert (deployed.pop("UserPoolId"), deployed.pop("GenerateSecret")) == ({"Ref": "UserPool"}, False)
    described = pool.operator.describe_user_pool_client(UserPoolId=pool.id, ClientId=pool.client_id)["UserPoolClient"]
    assert_describes(described, deployed, "UserPoolClient")
    own = {"UserPoolId", "ClientId", "ClientName", "CreationDate", "LastModifiedDate"}
    defaults = {"EnablePropagateAdditionalUserContextData": False}
    assert {name: described[name] for name in described.keys() - deployed.keys() - own} == defaults
    assert pool.operator.list_user_pool_clients(UserPoolId=pool.id)["UserPoolClients"] == [
        {name: described[name] for name in ("UserPoolId", "ClientId", "ClientName")}
    ]


def test_sign_up_is_as_the_parameter_says(pool, serve):
    sign_up = {"Username": "somebody@example.com", "Password": "Correct-horse-9"}
    with pytest.raises(pool.cognito.exceptions.NotAuthorizedException, match="SignUp is not permitted"):
        pool.cognito.sign_up(ClientId=pool.client_id, **sign_up)
    opened = serve("--self-sign-up")
    assert opened.cognito.sign_up(ClientId=opened.client_id, **sign_up)["UserConfirmed"] is False
    described = opened.operator.describe_user_pool(UserPoolId=opened.id)["UserPool"]
    assert described["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is False


def test_a_sign_in_by_the_email_address_goes_by_the_user_name_that_the_pool_made(pool, owner, sign_in):
    user = pool.operator.admin_get_user(UserPoolId=pool.id, Username=owner.name)
    attributes = {attribute["Name"]: attribute["Value"] for attribute in user["UserAttributes"]}
    assert user["Username"] == attributes["sub"] == owner.user_name
    assert attributes["email"] == owner.name
    owner.name = owner.name.upper()
    sign_in(owner)
