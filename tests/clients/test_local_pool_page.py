"""docs/local-pool.md against botocore's service model, a running pool and the options of `serve`."""

import json
import re
import subprocess
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import botocore.session
import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "local-pool.md").read_text()
MODEL = botocore.session.get_session().get_service_model("cognito-idp")

ROWS = re.findall(r"^\| `(\w+)` \| (supported|partly|not) \| ?(.*) ?\|$", PAGE, re.MULTILINE)
VERDICTS = {operation: verdict for operation, verdict, _ in ROWS}


def test_the_page_has_every_operation_of_the_model_once():
    assert sorted(operation for operation, _, _ in ROWS) == sorted(MODEL.operation_names)


@pytest.mark.parametrize("operation", MODEL.operation_names)
def test_the_pool_has_what_the_page_says(pool, operation):
    headers = {"X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}"}
    request = Request(pool.endpoint, data=b"{}", headers=headers)
    with pytest.raises(HTTPError) as refused:
        build_opener(ProxyHandler({})).open(request)
    is_unknown = json.load(refused.value)["__type"] == "UnknownOperationException"
    assert is_unknown == (VERDICTS[operation] == "not")


@pytest.mark.parametrize("operation, verdict, text", ROWS, ids=[operation for operation, _, _ in ROWS])
def test_what_is_missing_is_said_where_something_is(operation, verdict, text):
    assert bool(text.strip()) == (verdict != "supported")


def test_the_members_that_a_row_names_are_in_the_request():
    for operation, verdict, text in ROWS:
        if verdict == "partly":
            named = set(re.findall(r"`([A-Z][A-Za-z]+)`", text)) - set(MODEL.operation_names)
            assert named <= members(MODEL.operation_model(operation)), operation


def members(operation):
    """Of the request and the response, in whatever depth."""
    found, todo = set(), [operation.input_shape, operation.output_shape]
    while todo:
        shape = todo.pop()
        if shape is None:
            continue
        if shape.type_name == "structure":
            todo += [member for name, member in shape.members.items() if name not in found]
            found |= shape.members.keys()
        elif shape.type_name == "list":
            todo.append(shape.member)
    return found


def test_every_option_of_serve_is_in_the_table():
    serve = ["cargo", "run", "--quiet", "--locked", "--", "serve", "--help"]
    printed = subprocess.run(serve, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    options = set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", printed, re.MULTILINE))
    [table] = re.findall(r"^\| option \|.*?(?=^$)", PAGE, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`(--[a-z-]+)`", table)) == options
