"""The template deployed for a pool that exists: the pool stays as it was, and whoever attaches the functions finds all they need."""

import json

import pytest
import stand_in
from botocore.exceptions import ClientError
from conftest import BUILT, deploy

NEXT = "arn:aws:lambda:us-east-1:000000000000:function:next:live"
UNTIL = "2026-12-24T08:00:00Z"


class Attached:
    def __init__(self, aws, pool, queue, packaged, outputs, names):
        self.aws, self.pool, self.queue = aws, pool, queue
        self.packaged, self.outputs, self.names = packaged, outputs, names


@pytest.fixture(scope="module")
def attached(tmp_path_factory):
    assert BUILT.exists(), "run tests/run sam first: it builds what is deployed here"
    with stand_in.started() as aws:
        aws.client("s3").create_bucket(Bucket="built")
        pool = aws.client("cognito-idp").create_user_pool(PoolName="existing")["UserPool"]
        topic = aws.client("sns").create_topic(Name="alarms")["TopicArn"]
        sqs = aws.client("sqs")
        queue = sqs.create_queue(QueueName="operators")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
        packaged, outputs, names = deploy(
            aws,
            tmp_path_factory.mktemp("attached"),
            Architecture="x86_64",
            TotpIssuer="Example",
            ExistingUserPoolId=pool["Id"],
            AlarmTopicArn=topic,
            NextPreTokenGenerationArn=NEXT,
            NextPreTokenGenerationErrors="SHOWN",
            ReportOnlyUntil=UNTIL,
        )
        yield Attached(aws, pool, queue, packaged, outputs, names)


def test_no_pool_is_created_and_the_one_that_exists_is_not_changed(attached):
    cognito = attached.aws.client("cognito-idp")
    assert [pool["Id"] for pool in cognito.list_user_pools(MaxResults=60)["UserPools"]] == [attached.pool["Id"]]
    described = cognito.describe_user_pool(UserPoolId=attached.pool["Id"])["UserPool"]
    assert described == attached.pool
    assert "UserPool" not in attached.names and "UserPoolClient" not in attached.names


def test_the_outputs_say_what_to_attach_and_how_it_is_set(attached):
    outputs = dict(attached.outputs)
    awslambda = attached.aws.client("lambda")
    for name in ("DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallenge", "PreTokenGeneration"):
        found = awslambda.get_function_configuration(FunctionName=attached.names[name])
        assert outputs.pop(f"{name}Arn") == found["FunctionArn"]
    assert outputs.pop("SealingKeyArn").startswith("arn:aws:kms:")
    assert outputs == {
        "UserPoolId": attached.pool["Id"],
        "TableName": attached.names["SecondFactors"],
        "TokenGuard": "GRANT",
        "TokenGuardEvents": "V2_0",
        "FederatedProviders": "NONE",
        "ReportOnlyUntil": UNTIL,
        "NextPreTokenGenerationArn": NEXT,
    }


def test_cognito_may_call_the_functions_for_the_pool_that_exists_and_no_other(attached):
    for name in ("DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallenge", "PreTokenGeneration"):
        policy = attached.aws.client("lambda").get_policy(FunctionName=attached.names[name])["Policy"]
        [statement] = json.loads(policy)["Statement"]
        assert statement["Principal"] == {"Service": "cognito-idp.amazonaws.com"}
        assert statement["Condition"] == {
            "StringEquals": {"AWS:SourceAccount": "000000000000"},
            "ArnLike": {"AWS:SourceArn": f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{attached.pool['Id']}"},
        }


def test_the_guard_is_told_until_when_it_reports_and_whom_to_hand_on_to_and_may_do_so(attached):
    found = attached.aws.client("lambda").get_function_configuration(FunctionName=attached.names["PreTokenGeneration"])
    variables = found["Environment"]["Variables"]
    assert {name: variables[name] for name in variables if name.startswith(("NEXT_", "REPORT_"))} == {
        "NEXT_PRE_TOKEN_GENERATION": NEXT,
        "NEXT_PRE_TOKEN_GENERATION_ERRORS": "SHOWN",
        "REPORT_ONLY_UNTIL": UNTIL,
    }
    role = {"RoleName": attached.names["PreTokenGenerationRole"], "PolicyName": "exactly-what-it-does"}
    [*_, last] = attached.aws.client("iam").get_role_policy(**role)["PolicyDocument"]["Statement"]
    assert last == {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": NEXT}


CHANGED = {
    "id": "1",
    "account": "000000000000",
    "region": "us-east-1",
    "time": "2026-11-26T08:00:00Z",
    "resources": [],
    "source": "aws.cognito-idp",
    "detail-type": "AWS API Call via CloudTrail",
    "detail": {
        "eventSource": "cognito-idp.amazonaws.com",
        "eventName": "UpdateUserPool",
        "eventTime": "2026-11-26T07:59:00Z",
        "userIdentity": {"arn": "arn:aws:sts::000000000000:assumed-role/deploy/somebody"},
        "requestParameters": {"poolName": "plainly fake"},
    },
}


def changed(pool, call="UpdateUserPool"):
    detail = CHANGED["detail"]
    return CHANGED | {
        "detail": detail | {"eventName": call, "requestParameters": detail["requestParameters"] | {"userPoolId": pool}}
    }


def test_the_rule_is_for_changes_of_this_pool_which_only_aws_can_report(attached):
    events, pool = attached.aws.client("events"), attached.pool["Id"]
    pattern = events.describe_rule(Name=attached.names["UserPoolChanged"])["EventPattern"]
    matches = {
        (call, of): events.test_event_pattern(EventPattern=pattern, Event=json.dumps(changed(of, call)))["Result"]
        for call in ("UpdateUserPool", "UpdateUserPoolClient", "CreateUserPoolClient", "SetUserPoolMfaConfig", "AdminGetUser")
        for of in (pool, "us-east-1_Another")
    }
    assert matches == {(call, of): of == pool and call != "AdminGetUser" for call, of in matches}
    event = changed(pool)
    entry = {"Source": event["source"], "DetailType": event["detail-type"], "Detail": json.dumps(event["detail"])}
    [refused] = events.put_events(Entries=[entry])["Entries"]
    assert refused["ErrorCode"] == "NotAuthorizedForSourceException"


def test_the_topic_is_told_who_changed_the_pool_when_and_by_which_call(attached):
    events, rule, event = attached.aws.client("events"), attached.names["UserPoolChanged"], changed(attached.pool["Id"])
    before = events.describe_rule(Name=rule)
    # AWS's own events cannot be sent here, so the rule takes this test's for a while.
    pattern = json.loads(before["EventPattern"]) | {"source": ["test"]}
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    try:
        entry = {"Source": "test", "DetailType": event["detail-type"], "Detail": json.dumps(event["detail"])}
        assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0
    finally:
        events.put_rule(Name=rule, EventPattern=before["EventPattern"])
    sqs = attached.aws.client("sqs")
    [message] = sqs.receive_message(QueueUrl=attached.queue, MaxNumberOfMessages=10, WaitTimeSeconds=5)["Messages"]
    assert message["Body"].strip('"').startswith(
        f"UpdateUserPool was called for the user pool {attached.pool['Id']} at 2026-11-26T07:59:00Z"
        " by arn:aws:sts::000000000000:assumed-role/deploy/somebody. "
    )
    assert "plainly fake" not in message["Body"]


def test_errors_cannot_be_shown_of_no_next_function(attached):
    given = {"TotpIssuer": "Example", "NextPreTokenGenerationErrors": "SHOWN"}
    with pytest.raises(ClientError, match="NextPreTokenGenerationErrors SHOWN needs a NextPreTokenGenerationArn"):
        attached.aws.client("cloudformation").create_stack(
            StackName="refused",
            TemplateBody=attached.packaged.read_text(),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
