"""Records in DynamoDB: one consistent GetItem to load, one conditional PutItem to save."""

import json

import boto3

from aws import CONFIG
from settings import required
from trigger import HandlerError

FORMAT = 1
MISSING = 0
# Its generation is eight bytes of zero.
NO_RECORD = {
    "generation": "AAAAAAAAAAA",
    "passcodeLimit": {"asOf": 0, "retryAt": 0},
    "outcomes": [],
}

TABLE_NAME = required("TABLE_NAME")
client = boto3.client("dynamodb", config=CONFIG)


def load(user):
    response = client.get_item(TableName=TABLE_NAME, Key={"user": _key(user)}, ConsistentRead=True)
    item = response.get("Item")
    if item is None:
        return NO_RECORD, MISSING
    stored = json.loads(item["record"]["S"])
    if stored["format"] != FORMAT:
        raise HandlerError(f"the record has format {stored['format']}, this version reads {FORMAT}")
    return stored["record"], int(item["version"]["N"])


def save(user, record, replacing):
    """False when somebody else saved first."""
    if replacing == MISSING:
        condition = {
            "ConditionExpression": "attribute_not_exists(#key)",
            "ExpressionAttributeNames": {"#key": "user"},
        }
    else:
        condition = {
            "ConditionExpression": "#version = :replacing",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": {":replacing": {"N": str(replacing)}},
        }
    item = {
        "user": _key(user),
        "version": {"N": str(replacing + 1)},
        "record": {"S": json.dumps({"format": FORMAT, "record": record}, ensure_ascii=False, separators=(",", ":"))},
    }
    try:
        client.put_item(TableName=TABLE_NAME, Item=item, **condition)
    except client.exceptions.ConditionalCheckFailedException:
        return False
    return True


def _key(user):
    return {"S": "#".join(user)}
