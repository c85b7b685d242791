"""What a client receives while something is broken, that it counts against nobody, and that the next sign-in works after the repair."""

import contextlib
import io
import json
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.exceptions import ClientError

CREATE, VERIFY, GUARD = "CreateAuthChallenge", "VerifyAuthChallengeResponse", "PreTokenGeneration"
DEFINE = "DefineAuthChallenge"
THE_ONE_ERROR = "The sign-in could not be completed. Please start again."

# A function of another make, that does one thing with every event.
BOOTSTRAP = """#!{python}
import os, time, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
direct = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
while True:
    with direct.open(api + "next") as invocation:
        request_id = invocation.headers["Lambda-Runtime-Aws-Request-Id"]
        event = invocation.read()
    {does}
    direct.open(api + request_id + "/response", data=answer)
"""


@contextlib.contextmanager
def missing(stack, trigger):
    name = stack.functions[trigger]
    found = stack.awslambda.get_function(FunctionName=name)["Configuration"]
    kept = "FunctionName", "Runtime", "Role", "Handler", "Timeout", "MemorySize", "Architectures", "LoggingConfig"
    code = code_of(stack, trigger)
    stack.awslambda.delete_function(FunctionName=name)
    try:
        yield
    finally:
        environment = {"Variables": found["Environment"]["Variables"]}
        stack.awslambda.create_function(Code={"ZipFile": code}, Environment=environment, **{k: found[k] for k in kept})


@contextlib.contextmanager
def throttled(stack, trigger):
    name = stack.functions[trigger]
    stack.awslambda.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        yield
    finally:
        stack.awslambda.delete_function_concurrency(FunctionName=name)


def slow(stack, trigger):
    """Slower than Cognito waits, and Lambda would wait longer."""
    return replaced(stack, trigger, "time.sleep(6); answer = event", Timeout=30)


def slower_than_lambda_waits(stack, trigger):
    return replaced(stack, trigger, "time.sleep(6); answer = event", Timeout=1)


def crashing(stack, trigger):
    return replaced(stack, trigger, "print('plainly fake trouble', flush=True); os._exit(1)")


def mute(stack, trigger):
    return replaced(stack, trigger, "answer = b'null'")


@contextlib.contextmanager
def replaced(stack, trigger, does, **configuration):
    name = stack.functions[trigger]
    code = code_of(stack, trigger)
    before = stack.awslambda.get_function_configuration(FunctionName=name)["Timeout"]
    another = io.BytesIO()
    with zipfile.ZipFile(another, "w") as archive:
        bootstrap = zipfile.ZipInfo("bootstrap")
        bootstrap.external_attr = 0o100755 << 16
        archive.writestr(bootstrap, BOOTSTRAP.format(python=sys.executable, does=does))
    stack.awslambda.update_function_code(FunctionName=name, ZipFile=another.getvalue())
    stack.awslambda.update_function_configuration(FunctionName=name, **{"Timeout": before} | configuration)
    try:
        yield
    finally:
        stack.awslambda.update_function_configuration(FunctionName=name, Timeout=before)
        stack.awslambda.update_function_code(FunctionName=name, ZipFile=code)


def code_of(stack, trigger):
    bucket, key = stack.packages[trigger].removeprefix("s3://").split("/", 1)
    return stack.aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()


@contextlib.contextmanager
def set_otherwise(stack, trigger, **variables):
    name = stack.functions[trigger]
    before = stack.awslambda.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    stack.awslambda.update_function_configuration(FunctionName=name, Environment={"Variables": before | variables})
    try:
        yield
    finally:
        stack.awslambda.update_function_configuration(FunctionName=name, Environment={"Variables": before})


def wrongly_set(stack, trigger):
    return set_otherwise(stack, trigger, LOG_LEVEL="LOUD")


def without_its_table(stack, trigger):
    return set_otherwise(stack, trigger, TABLE_NAME="plainly-fake")


@contextlib.contextmanager
def where_the_table_answers(stack, trigger, answers):
    with dynamodb_that(answers) as endpoint, set_otherwise(stack, trigger, AWS_ENDPOINT_URL_DYNAMODB=endpoint):
        yield


def with_a_throttled_table(stack, trigger):
    def throttle(request):
        kind = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
        words = "The level of configured provisioned throughput for the table was exceeded."
        body = json.dumps({"__type": kind, "message": words}).encode()
        request.send_response(400)
        request.send_header("Content-Type", "application/x-amz-json-1.0")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return where_the_table_answers(stack, trigger, throttle)


def with_a_silent_table(stack, trigger):
    return where_the_table_answers(stack, trigger, lambda request: request.server.ended.wait())


@contextlib.contextmanager
def dynamodb_that(answers):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            answers(self)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.ended = threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield "http://{}:{}".format(*server.server_address)
    finally:
        server.ended.set()
        server.shutdown()


@contextlib.contextmanager
def with_a_disabled_key(stack, _):
    stack.kms.disable_key(KeyId=stack.key)
    try:
        yield
    finally:
        stack.kms.enable_key(KeyId=stack.key)


def not_called(reason):
    return "UnexpectedLambdaException", "{trigger} invocation failed due to error " + reason


def failed(reason=THE_ONE_ERROR):
    return "UserLambdaValidationException", "{trigger} failed with error " + reason


UNRECOGNIZABLE = "InvalidLambdaResponseException", "Unrecognizable lambda output"

WEATHER = [
    (missing, VERIFY, not_called("ResourceNotFoundException."), "could not be called: ResourceNotFoundException"),
    (missing, GUARD, not_called("ResourceNotFoundException."), "could not be called: ResourceNotFoundException"),
    (throttled, CREATE, not_called("TooManyRequestsException."), "could not be called: TooManyRequestsException"),
    (throttled, VERIFY, not_called("TooManyRequestsException."), "could not be called: TooManyRequestsException"),
    (slow, VERIFY, not_called("Socket timeout while invoking Lambda function."), "did not answer in time"),
    (slower_than_lambda_waits, VERIFY, failed(""), "Task timed out after 1.00 seconds"),
    (crashing, VERIFY, failed(""), "ended with an error: "),
    (wrongly_set, DEFINE, failed(""), "LOG_LEVEL: must be ERROR, WARN, INFO, DEBUG or TRACE"),
    (mute, VERIFY, UNRECOGNIZABLE, "answered with no event"),
    (mute, DEFINE, UNRECOGNIZABLE, "answered with no event"),
    (without_its_table, CREATE, failed(), "ResourceNotFoundException"),
    (without_its_table, VERIFY, failed(), "ResourceNotFoundException"),
    (without_its_table, GUARD, failed(), "ResourceNotFoundException"),
    (with_a_throttled_table, CREATE, failed(), "ProvisionedThroughputExceededException"),
    (with_a_throttled_table, VERIFY, failed(), "ProvisionedThroughputExceededException"),
    (with_a_silent_table, VERIFY, failed(), "ran out of time"),
    (with_a_disabled_key, VERIFY, failed(), "DisabledException"),
]


@pytest.mark.parametrize("weather, trigger, received, logged", WEATHER, ids=[f"{w[0].__name__}-{w[1]}" for w in WEATHER])
def test_bad_weather_costs_nobody_anything_and_the_next_sign_in_works(stack, weather, trigger, received, logged):
    owner = stack.owner()
    passcode = {"answer": owner.authenticator.unused_passcode()}
    before = stack.item(owner)
    with weather(stack, trigger):
        told, written = stack.errors.read_text(), stack.log(trigger)
        with pytest.raises(ClientError) as error:
            stack.sign_in(owner, passcode)
        code, words = received
        answered = error.value.response["Error"]
        assert answered["Code"] == code and answered["Message"].startswith(words.format(trigger=trigger)), answered
        log = stack.errors.read_text().removeprefix(told).splitlines()
        log += [line for line in stack.log(trigger) if line not in written]
        assert any(logged in line for line in log), log
        after = stack.item(owner)
    if trigger == GUARD:
        # Verify has verified the passcode before: it is used up, and nothing is counted.
        assert passcode_limit(after) == passcode_limit(before)
        passcode = {"answer": owner.recovery_codes[0]}
    else:
        assert after == before
    assert stack.sign_in(owner, passcode)["AccessToken"]
    assert owner.screens() == ["ask_passcode 3"]


def passcode_limit(item):
    return json.loads(item["record"]["S"])["record"]["passcodeLimit"]
