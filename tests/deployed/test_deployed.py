"""The template deployed: from nothing to tokens, with what each function may do and nothing more."""

import base64
import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from person import Authenticator, Person

EVENTS = Path(__file__).parents[2] / "events"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@pytest.fixture(params=["stack", "guarded"])
def deployed(request):
    """Once with any credentials, and once where each function has its role's."""
    return request.getfixturevalue(request.param)


def test_a_user_signs_in_from_nothing_and_again_and_after_the_phone_is_lost_and_the_table_holds_nothing_readable(
    deployed,
):
    person = deployed.pool.new_person()
    assert deployed.item(person) is None
    assert factor(deployed, deployed.sign_in(person)) == "totp"
    assert person.screens() == ["show_authenticator 3", "show_recovery_codes 3"]
    assert_nothing_readable(deployed.item(person), person)

    assert factor(deployed, deployed.sign_in(person)) == "totp"
    assert person.screens() == ["ask_passcode 3"]

    lost, codes = person.authenticator, person.recovery_codes
    assert factor(deployed, deployed.sign_in(person, {"answer": codes[0]})) == "recovery_code"
    assert person.screens() == ["ask_passcode 3"]

    # The tokens say what was proven last: the new authenticator.
    replacing = {"answer": codes[1], "afterSecondFactor": "REPLACE_AUTHENTICATOR"}
    assert factor(deployed, deployed.sign_in(person, replacing)) == "totp"
    assert person.screens() == ["ask_passcode 3", "show_authenticator 3", "show_recovery_codes 3"]
    assert person.authenticator is not lost and not set(person.recovery_codes) & set(codes)
    assert_nothing_readable(deployed.item(person), person)

    assert factor(deployed, deployed.sign_in(person)) == "totp"
    assert person.screens() == ["ask_passcode 3"]


def factor(deployed, tokens):
    """The second factor that both tokens say."""
    claims = [deployed.pool.verified(tokens["IdToken"]), deployed.pool.verified(tokens["AccessToken"], "access")]
    [factor] = {claim["second_factor"] for claim in claims}
    return factor


def assert_nothing_readable(item, person):
    """Neither the authenticator's secret nor a recovery code, however written."""
    held = json.dumps(item).lower()
    record = json.loads(item["record"]["S"])["record"]
    assert record["authenticator"]["sealed"] and record["recovery"], "it holds both"
    secrets = {person.authenticator.secret_code: base64.b32decode(person.authenticator.secret_code)}
    secrets |= {code: bytes_of(code) for code in person.recovery_codes}
    for shown, raw in secrets.items():
        for form in forms(shown, raw):
            assert form.rstrip("=").lower() not in held


@pytest.mark.parametrize("before", [b"", b"x", b"xx", b"xxx"])
def test_the_search_finds_what_is_readable(before):
    person = Person("nobody", "no password")
    person.authenticator, person.recovery_codes = Authenticator("OBWGC2LONR4SAZTBNNSSA43FMNZGK5BB"), ["CSGP-PS90-CDQP-8S9G"]
    for shown, raw in {"": b"plainly fake secret!", "CSGP-PS90-CDQP-8S9G": bytes_of("CSGP-PS90-CDQP-8S9G")}.items():
        for held in [shown or raw.hex(), base64.b64encode(before + raw + b"y").decode(), str(list(before + raw))]:
            record = {"authenticator": {"sealed": held}, "recovery": held}
            with pytest.raises(AssertionError):
                assert_nothing_readable({"record": {"S": json.dumps({"record": record})}}, person)


def forms(shown, raw):
    yield from (shown, shown.replace("-", ""), raw.hex(), base64.b32encode(raw).decode(), str(list(raw))[1:-1])
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        # Inside of longer bytes it begins at any of three places.
        yield from (encode(b"\0" * before + raw).decode().rstrip("=")[4 if before else 0 : -1] for before in range(3))


def bytes_of(recovery_code):
    number = 0
    for letter in recovery_code.replace("-", ""):
        number = number * 32 + CROCKFORD.index(letter)
    return number.to_bytes(10, "big")


# ── What each role allows.


ALLOWED = {
    "DefineAuthChallenge": set(),
    "CreateAuthChallenge": {"GetItem", "Encrypt"},
    "VerifyAuthChallengeResponse": {"GetItem", "PutItem", "Decrypt"},
    "PreTokenGeneration": {"GetItem", "PutItem"},
}


@pytest.mark.parametrize("trigger", ALLOWED)
def test_a_function_may_do_what_it_does_and_nothing_more(guarded, trigger):
    role = guarded.awslambda.get_function_configuration(FunctionName=guarded.functions[trigger])["Role"]
    session = guarded.aws.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    keys = session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"]
    attempts = {name: attempt for name, attempt in attempts_with(guarded, *keys)}
    assert {name for name, attempt in attempts.items() if is_allowed(attempt)} == ALLOWED[trigger]


def is_allowed(attempt):
    try:
        attempt()
    except ClientError as refusal:
        assert "AccessDenied" in refusal.response["Error"]["Code"], refusal
        return False
    return True


def attempts_with(guarded, *keys):
    dynamodb, kms, awslambda, s3, iam = (
        guarded.aws.client(service, *keys) for service in ("dynamodb", "kms", "lambda", "s3", "iam")
    )
    table, key = {"TableName": guarded.table}, {"KeyId": guarded.key}
    user = {"user": {"S": "us-east-1_Example#nobody"}}
    yield "GetItem", lambda: dynamodb.get_item(**table, Key=user)
    yield "PutItem", lambda: dynamodb.put_item(**table, Item=user)
    yield "UpdateItem", lambda: dynamodb.update_item(**table, Key=user)
    yield "DeleteItem", lambda: dynamodb.delete_item(**table, Key=user)
    yield "Scan", lambda: dynamodb.scan(**table)
    yield "Query", lambda: dynamodb.query(
        **table, KeyConditionExpression="#u = :u", ExpressionAttributeNames={"#u": "user"},
        ExpressionAttributeValues={":u": user["user"]},
    )  # fmt: skip
    yield "BatchGetItem", lambda: dynamodb.batch_get_item(RequestItems={guarded.table: {"Keys": [user]}})
    yield "UpdateTable", lambda: dynamodb.update_table(**table, DeletionProtectionEnabled=False)
    yield "DeleteTable", lambda: dynamodb.delete_table(**table)
    yield "GetItem of another table", lambda: dynamodb.get_item(TableName="another", Key=user)

    context = {"userPoolId": "us-east-1_Example", "sub": "nobody", "purpose": "authenticator-secret", "nonce": "once"}
    contexts = {
        "": context,
        " for another purpose": context | {"purpose": "another"},
        " for a pool elsewhere": context | {"userPoolId": "eu-west-1_Example"},
        " for nobody": context | {"sub": ""},
        " with a word more": context | {"more": "words"},
        " without its nonce": {name: value for name, value in context.items() if name != "nonce"},
        " without a context": {},
    }
    for what, words in contexts.items():
        sealed = guarded.kms.encrypt(**key, Plaintext=b"plainly fake", EncryptionContext=words)["CiphertextBlob"]
        yield f"Encrypt{what}", lambda c=words: kms.encrypt(**key, Plaintext=b"plainly fake", EncryptionContext=c)
        yield f"Decrypt{what}", lambda c=words, s=sealed: kms.decrypt(**key, CiphertextBlob=s, EncryptionContext=c)
    another = {"KeyId": guarded.kms.create_key()["KeyMetadata"]["Arn"]}
    yield "Encrypt with another key", lambda: kms.encrypt(**another, Plaintext=b"x", EncryptionContext=context)
    yield "GenerateDataKey", lambda: kms.generate_data_key(**key, KeySpec="AES_256", EncryptionContext=context)
    yield "DescribeKey", lambda: kms.describe_key(**key)
    yield "DisableKey", lambda: kms.disable_key(**key)
    for trigger, name in guarded.functions.items():
        yield f"Invoke {trigger}", lambda name=name: awslambda.invoke(FunctionName=name)
    yield "UpdateFunctionConfiguration", lambda: awslambda.update_function_configuration(FunctionName=name, Timeout=9)
    yield "ListBuckets", lambda: s3.list_buckets()
    yield "ListRoles", lambda: iam.list_roles()


# ── What the alarms take from the errors.


@pytest.mark.parametrize("event, message", [("no-grant", "refused"), ("sub-missing", "failed")])
def test_the_guards_log_has_a_refusal_as_its_metric_filter_expects_it_and_a_fault_otherwise(stack, event, message):
    sent = (EVENTS / "pre-token-generation" / f"{event}.json").read_text()
    written = stack.log("PreTokenGeneration")
    answered = stack.awslambda.invoke(FunctionName=stack.functions["PreTokenGeneration"], Payload=sent)
    assert "FunctionError" in answered
    lines = [line for line in stack.log("PreTokenGeneration") if line not in written and '"reason"' in line]
    [logged] = [json.loads(line)["message"] for line in lines]
    assert logged == message
    group = "/aws/lambda/second-factor/pre-token-generation"
    [found] = stack.aws.client("logs").describe_metric_filters(logGroupName=group)["metricFilters"]
    assert (found["filterPattern"] == f'{{ $.message = "{logged}" }}') is (message == "refused")
