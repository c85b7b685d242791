// Records in DynamoDB: one consistent GetItem to load, one conditional PutItem to save.

import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";

import { TIMEOUTS } from "./aws.mjs";
import { required } from "./settings.mjs";

const FORMAT = 1;
const MISSING = 0;
// Its generation is eight bytes of zero.
export const NO_RECORD = {
  generation: "AAAAAAAAAAA",
  passcodeLimit: { asOf: 0, retryAt: 0 },
  outcomes: [],
};

const TableName = required("TABLE_NAME");
const client = new DynamoDBClient({ requestHandler: TIMEOUTS });

const keyOf = ({ userPoolId, sub }) => ({ S: `${userPoolId}#${sub}` });

export async function load(user) {
  const { Item } = await client.send(
    new GetItemCommand({ TableName, Key: { user: keyOf(user) }, ConsistentRead: true }),
  );
  if (!Item) return { record: NO_RECORD, version: MISSING };
  const { format, record } = JSON.parse(Item.record.S);
  if (format !== FORMAT) throw new Error(`the record has format ${format}, this version reads ${FORMAT}`);
  return { record, version: Number(Item.version.N) };
}

// False when somebody else saved first.
export async function save(user, record, replacing) {
  const condition =
    replacing === MISSING
      ? {
          ConditionExpression: "attribute_not_exists(#key)",
          ExpressionAttributeNames: { "#key": "user" },
        }
      : {
          ConditionExpression: "#version = :replacing",
          ExpressionAttributeNames: { "#version": "version" },
          ExpressionAttributeValues: { ":replacing": { N: String(replacing) } },
        };
  const Item = {
    user: keyOf(user),
    version: { N: String(replacing + 1) },
    record: { S: JSON.stringify({ format: FORMAT, record }) },
  };
  try {
    await client.send(new PutItemCommand({ TableName, Item, ...condition }));
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
