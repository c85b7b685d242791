#!/usr/bin/env python3
"""Asks Cognito itself what nobody has published: the open questions of cognito-mfa.md, one test each.

    python3 -m pip install boto3 pycognito
    python3 docs/ask-cognito.py --yes-in-this-account 123456789012

It makes a user pool, a Lambda function and a role that may do nothing, in the account of the credentials that boto3 finds, if that is the
account named. It prints an answer a question, and deletes the three again, also after an error. `--list` prints the questions and
calls nothing. The credentials need iam:CreateRole, iam:DeleteRole, iam:PassRole, lambda:CreateFunction, lambda:GetFunction,
lambda:AddPermission, lambda:DeleteFunction and cognito-idp:*; the names of all three begin with "ask-cognito-".
"""

import argparse
import base64
import hashlib
import hmac
import io
import json
import secrets
import struct
import sys
import time
import zipfile
from contextlib import ExitStack

PASSWORD = "Correct-Horse-9"
TOKEN = "SOFTWARE_TOKEN_MFA"

# All four triggers. Create shows what it sees to the client, and the token guard in the ID token: so nobody has to read a log.
TRIGGERS = '''
import json

def handler(event, context):
    request, source, case = event["request"], event["triggerSource"], event["userName"].rsplit("-", 1)[0]
    session = request.get("session") or []
    if source.startswith("DefineAuthChallenge"):
        event["response"] = define(request, session, case)
    elif source.startswith("CreateAuthChallenge"):
        seen = [f"{entry['challengeName']} {'right' if entry['challengeResult'] else 'wrong'}" for entry in session]
        shown = {"session": ", ".join(seen), "clientMetadata": json.dumps(request.get("clientMetadata"))}
        event["response"] = {
            "publicChallengeParameters": shown, "privateChallengeParameters": {"any": "thing"}, "challengeMetadata": "ASKED",
        }
    elif source.startswith("TokenGeneration"):
        event["response"] = {"claimsOverrideDetails": {"claimsToAddOrOverride": {
            "seen_trigger_source": source, "seen_client_metadata": json.dumps(request.get("clientMetadata")),
        }}}
    else:
        right = request["challengeAnswer"] == "right"
        event["response"] = {"answerCorrect": None if case == "answer-null" else right}
    return event

def define(request, session, case):
    names = [entry["challengeName"] for entry in session]
    must_change = request["userAttributes"].get("cognito:user_status") == "FORCE_CHANGE_PASSWORD"
    answer = {"challengeName": None, "issueTokens": False, "failAuthentication": False}
    if not names:
        answer["failAuthentication"] = True
    elif names == ["SRP_A"]:
        answer["challengeName"] = "PASSWORD_VERIFIER"
    elif must_change and "NEW_PASSWORD_REQUIRED" not in names:
        answer["challengeName"] = "NEW_PASSWORD_REQUIRED"
    elif names[-1] != "CUSTOM_CHALLENGE":
        answer["challengeName"] = "CUSTOM_CHALLENGE"
    elif case == "no-flags":
        return {}
    elif case == "both-flags":
        answer.update(issueTokens=True, failAuthentication=True)
    elif session[-1]["challengeResult"]:
        answer["issueTokens"] = True
    elif len(names) < 6:
        answer["challengeName"] = "CUSTOM_CHALLENGE"
    else:
        answer["failAuthentication"] = True
    return answer
'''

QUESTIONS = {}


def question(name, text):
    def keep(ask):
        QUESTIONS[name] = (text, ask)
        return ask

    return keep


# ── The questions. Each gets the pool, and gives its answer in words.


@question(
    "new-password-source",
    "Which trigger source does the token guard get after a temporary password and a challenge of ours inside CUSTOM_AUTH?",
)
def _(pool):
    pool.set_mfa("OPTIONAL")
    user = pool.user("new-password", permanent=False)
    asked = pool.start(user)
    if asked.get("ChallengeName") != "NEW_PASSWORD_REQUIRED":
        return told(asked)
    asked = pool.respond(user, asked, {"NEW_PASSWORD": "Another-Horse-8"})
    return told(pool.respond(user, asked, {"ANSWER": "right"}))


@question("token-sources", "Which trigger sources does the token guard get after the other ways to sign in?")
def _(pool):
    pool.set_mfa("OPTIONAL")
    user, new = pool.user("sources"), pool.user("sources", permanent=False)
    by_password = pool.by_password(user)
    refresh = {"REFRESH_TOKEN": by_password.get("AuthenticationResult", {}).get("RefreshToken", "none")}
    first = pool.by_password(new)
    ways = {
        "CUSTOM_AUTH": pool.respond(user, pool.start(user), {"ANSWER": "right"}),
        "USER_PASSWORD_AUTH": by_password,
        "a temporary password by it": pool.respond(new, first, {"NEW_PASSWORD": "Another-Horse-8"}),
        "a refresh": pool.call(
            "initiate_auth", ClientId=pool.client_id, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters=refresh
        ),
    }
    return "; ".join(f"{way}: {told(answer)}" for way, answer in ways.items())


@question(
    "auth-time",
    "Is auth_time the time of the password or of the tokens, and which auth_time and trigger source do the ways to refresh have?",
)
def _(pool):
    pool.set_mfa("OPTIONAL")
    user = pool.user("auth-time")
    started = int(time.time())
    asked = pool.start(user)
    time.sleep(5)
    signed_in = pool.respond(user, asked, {"ANSWER": "right"})
    ended = int(time.time())
    tokens = signed_in.get("AuthenticationResult", {})
    if "IdToken" not in tokens:
        return told(signed_in)
    token = tokens["RefreshToken"]
    time.sleep(5)
    by_flow = {"ClientId": pool.client_id, "AuthParameters": {"REFRESH_TOKEN": token}}
    ways = {
        "CUSTOM_AUTH": signed_in,
        "REFRESH_TOKEN_AUTH": pool.call("initiate_auth", AuthFlow="REFRESH_TOKEN_AUTH", **by_flow),
        "REFRESH_TOKEN": pool.call("initiate_auth", AuthFlow="REFRESH_TOKEN", **by_flow),
        "GetTokensFromRefreshToken": pool.call(
            "get_tokens_from_refresh_token", ClientId=pool.client_id, RefreshToken=token
        ),
    }

    def seen(answer):
        if "IdToken" not in answer.get("AuthenticationResult", {}):
            return told(answer)
        of_token = claims(answer["AuthenticationResult"]["IdToken"])
        return f"auth_time {of_token['auth_time'] - started} s after the start, source {of_token.get('seen_trigger_source')}"

    answers = "; ".join(f"{way}: {seen(answer)}" for way, answer in ways.items())
    return f"the tokens came {ended - started} s after the start; {answers}"


@question("after-cognito-mfa", "What follows a Cognito factor inside CUSTOM_AUTH: Define, or tokens?")
def _(pool):
    pool.set_mfa("OPTIONAL")
    phone = pool.user_with_token("after-mfa")
    return told(pool.answer_token(pool.start(phone.user), phone))


@question("wrong-cognito-code", "What follows a wrong code for a Cognito factor inside CUSTOM_AUTH, and is its session good for another?")
def _(pool):
    pool.set_mfa("OPTIONAL")
    phone = pool.user_with_token("wrong-code")
    asked = pool.start(phone.user)
    wrong = told(pool.respond(phone.user, asked, {f"{TOKEN}_CODE": phone.wrong_code()}))
    return f"{wrong}; then the right one by the same session: {told(pool.answer_token(asked, phone))}"


@question("mfa-setup", "Is MFA_SETUP asked inside CUSTOM_AUTH where MFA is ON, and does Define see it?")
def _(pool):
    pool.set_mfa("ON")
    user = pool.user("mfa-setup")
    asked = pool.start(user)
    if asked.get("ChallengeName") != "MFA_SETUP":
        return told(asked)
    phone = pool.verified_by_session(user, asked)
    return f"asked; after it: {told(pool.respond(user, phone.asked, {}))}"


@question("set-up-left-open", "Where MFA is ON: is a token asked for that was verified, in a sign-in that was not ended?")
def _(pool):
    pool.set_mfa("ON")
    user = pool.user("left-open")
    asked = pool.by_password(user)
    if asked.get("ChallengeName") != "MFA_SETUP":
        return f"the first sign-in: {told(asked)}"
    pool.verified_by_session(user, asked)
    return f"the second sign-in: {told(pool.by_password(user))}"


@question("first-sign-in", "Where MFA is ON: does the first sign-in after a sign-up get tokens without it?")
def _(pool):
    pool.set_mfa("ON")
    user = f"first-{secrets.token_hex(4)}"
    pool.cognito.sign_up(ClientId=pool.client_id, Username=user, Password=PASSWORD)
    pool.cognito.admin_confirm_sign_up(UserPoolId=pool.id, Username=user)
    return told(pool.by_password(user))


@question("wrong-password", "Is Define called after a wrong password?")
def _(pool):
    pool.set_mfa("OPTIONAL")
    return told(pool.start(pool.user("wrong-password"), "Another-Horse-8"))


@question("temporary-password", "What follows a temporary password inside CUSTOM_AUTH, and what the new one?")
def _(pool):
    pool.set_mfa("OPTIONAL")
    user = pool.user("temporary", permanent=False)
    asked = pool.start(user)
    if asked.get("ChallengeName") != "NEW_PASSWORD_REQUIRED":
        return told(asked)
    return f"NEW_PASSWORD_REQUIRED; then: {told(pool.respond(user, asked, {'NEW_PASSWORD': 'Another-Horse-8'}))}"


@question(
    "temporary-password-under-way",
    "Can Define ask for a new password after a custom challenge, where a temporary one was set meanwhile?",
)
def _(pool):
    pool.set_mfa("OPTIONAL")
    user = pool.user("under-way")
    asked = pool.start(user)
    pool.set_password(user, "Temporary-Horse-7", permanent=False)
    return told(pool.respond(user, asked, {"ANSWER": "wrong"}))


@question(
    "temporary-password-with-mfa",
    "Which comes first for a user with a temporary password and a Cognito factor: that factor, or Define?",
)
def _(pool):
    pool.set_mfa("OPTIONAL")
    phone = pool.user_with_token("temporary-mfa")
    pool.set_password(phone.user, "Temporary-Horse-7", permanent=False)
    return told(pool.start(phone.user, "Temporary-Horse-7"))


@question("old-password-proof", "Does a proof of the old password count that was begun before the password was changed?")
def _(pool):
    pool.set_mfa("OPTIONAL")
    user = pool.user("old-proof")
    return told(pool.start(user, meanwhile=lambda: pool.set_password(user, "Another-Horse-8", permanent=True)))


@question(
    "old-new-password-challenge",
    "Does a NEW_PASSWORD_REQUIRED that an earlier temporary password led to still change the password after an operator has set another one?",
)
def _(pool):
    pool.set_mfa("OPTIONAL")
    user = pool.user("old-challenge", permanent=False)
    asked = pool.start(user)
    if asked.get("ChallengeName") != "NEW_PASSWORD_REQUIRED":
        return told(asked)
    pool.set_password(user, "Operators-Horse-6", permanent=True)
    changed = told(pool.respond(user, asked, {"NEW_PASSWORD": "Another-Horse-8"}))
    return f"{changed}; a sign-in by that password: {told(pool.by_password_of(user, 'Another-Horse-8'))}"


@question("set-up-repeated", "Under MFA_SETUP: does AssociateSoftwareToken hand out a new Session each time it is called?")
def _(pool):
    pool.set_mfa("ON")
    asked = pool.start(pool.user("repeated"))
    if asked.get("ChallengeName") != "MFA_SETUP":
        return told(asked)
    sessions = [asked["Session"]]
    for _ in range(3):
        again = pool.call("associate_software_token", Session=sessions[-1])
        if "error" in again:
            return f"{len(sessions) - 1} times, then: {again['error']}"
        sessions.append(again["Session"])
    return f"3 times, {len(set(sessions)) - 1} new ones"


@question("metadata-to-create", "Does the ClientMetadata of RespondToAuthChallenge reach Create?")
def _(pool):
    pool.set_mfa("OPTIONAL")
    user = pool.user("metadata")
    asked = pool.start(user)
    asked = pool.respond(user, asked, {"ANSWER": "wrong"}, ClientMetadata={"wish": "granted"})
    return asked.get("ChallengeParameters", {}).get("clientMetadata") or told(asked)


@question("metadata-to-guard", "Does the ClientMetadata of the last RespondToAuthChallenge reach the token guard?")
def _(pool):
    pool.set_mfa("OPTIONAL")
    user = pool.user("metadata-guard")
    answered = pool.respond(user, pool.start(user), {"ANSWER": "right"}, ClientMetadata={"wish": "granted"})
    tokens = answered.get("AuthenticationResult", {})
    return claims(tokens["IdToken"]).get("seen_client_metadata", "none") if "IdToken" in tokens else told(answered)


@question("association-alone", "With MFA OPTIONAL: does an association that is not verified switch the user's challenge off?")
def _(pool):
    pool.set_mfa("OPTIONAL")
    phone = pool.user_with_token("association")
    pool.cognito.associate_software_token(AccessToken=phone.access_token)
    return told(pool.by_password(phone.user))


@question("preference-too-early", "In which words is the preference refused before the token is verified?")
def _(pool):
    pool.set_mfa("OPTIONAL")
    return told(pool.prefer(pool.user("too-early"), True))


@question("preference-off", "Where MFA is ON: is the preference for the only factor switched off, and is it asked for afterwards?")
def _(pool):
    pool.set_mfa("OPTIONAL")
    phone = pool.user_with_token("preference-off")
    pool.set_mfa("ON")
    return f"switching it off: {told(pool.prefer(phone.user, False))}; the sign-in: {told(pool.by_password(phone.user))}"


def after_our_answer(case):
    def ask(pool):
        pool.set_mfa("OPTIONAL")
        user = pool.user(case)
        return told(pool.respond(user, pool.start(user), {"ANSWER": "right"}))

    return ask


question("both-flags", "What if Define answers issueTokens and failAuthentication?")(after_our_answer("both-flags"))
question("no-flags", "What if Define answers nothing?")(after_our_answer("no-flags"))
question("answer-null", "What if Verify answers answerCorrect null?")(after_our_answer("answer-null"))


def told(answer):
    if "error" in answer:
        return answer["error"]
    if "AuthenticationResult" in answer:
        source = claims(answer["AuthenticationResult"]["IdToken"]).get("seen_trigger_source")
        return f"tokens, by {source}" if source else "tokens, and the token guard was not called"
    if answer.get("ChallengeName") == "CUSTOM_CHALLENGE":
        return f"Define is called with [{answer['ChallengeParameters'].get('session')}]"
    return answer.get("ChallengeName") or "done"


def claims(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


# ── The pool.


class Pool:
    def __init__(self, connect, to_undo):
        self.cognito = connect("cognito-idp")
        name = f"ask-cognito-{secrets.token_hex(4)}"
        pool = self.cognito.create_user_pool(
            PoolName=name, LambdaConfig=make_triggers(name, connect, to_undo), DeletionProtection="INACTIVE"
        )["UserPool"]
        self.id = pool["Id"]
        to_undo(f"user pool {self.id}", lambda: self.cognito.delete_user_pool(UserPoolId=self.id))
        connect("lambda").add_permission(
            FunctionName=name,
            StatementId="cognito",
            Action="lambda:InvokeFunction",
            Principal="cognito-idp.amazonaws.com",
            SourceArn=pool["Arn"],
        )
        flows = ["CUSTOM_AUTH", "USER_PASSWORD_AUTH", "REFRESH_TOKEN_AUTH"]
        client = self.cognito.create_user_pool_client(
            UserPoolId=self.id, ClientName=name, ExplicitAuthFlows=[f"ALLOW_{flow}" for flow in flows]
        )
        self.client_id = client["UserPoolClient"]["ClientId"]

    def set_mfa(self, configuration):
        token = {"Enabled": True}
        self.cognito.set_user_pool_mfa_config(
            UserPoolId=self.id, MfaConfiguration=configuration, SoftwareTokenMfaConfiguration=token
        )

    def user(self, case, permanent=True):
        user = {"UserPoolId": self.id, "Username": f"{case}-{secrets.token_hex(4)}"}
        self.cognito.admin_create_user(**user, MessageAction="SUPPRESS", TemporaryPassword=PASSWORD)
        if permanent:
            self.set_password(user["Username"], PASSWORD, permanent=True)
        return user["Username"]

    def set_password(self, user, password, permanent):
        self.cognito.admin_set_user_password(UserPoolId=self.id, Username=user, Password=password, Permanent=permanent)

    def user_with_token(self, case):
        user = self.user(case)
        access_token = self.by_password(user)["AuthenticationResult"]["AccessToken"]
        phone = Phone(user, self.cognito.associate_software_token(AccessToken=access_token)["SecretCode"])
        phone.access_token = access_token
        self.cognito.verify_software_token(AccessToken=access_token, UserCode=phone.code())
        self.prefer(user, True)
        return phone

    def verified_by_session(self, user, asked):
        associated = self.cognito.associate_software_token(Session=asked["Session"])
        phone = Phone(user, associated["SecretCode"])
        verified = self.cognito.verify_software_token(Session=associated["Session"], UserCode=phone.code())
        phone.asked = {**asked, "Session": verified["Session"]}
        return phone

    def prefer(self, user, on):
        settings = {"Enabled": on, "PreferredMfa": on}
        return self.call("admin_set_user_mfa_preference", UserPoolId=self.id, Username=user, SoftwareTokenMfaSettings=settings)

    def by_password(self, user):
        return self.by_password_of(user, PASSWORD)

    def by_password_of(self, user, password):
        parameters = {"USERNAME": user, "PASSWORD": password}
        return self.call("initiate_auth", ClientId=self.client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)

    def start(self, user, password=PASSWORD, meanwhile=lambda: None):
        """CUSTOM_AUTH up to the password; `meanwhile` happens between SRP_A and the proof."""
        from pycognito.aws_srp import AWSSRP

        srp = AWSSRP(user, password, self.id, self.client_id, client=self.cognito)
        parameters = srp.get_auth_params()
        asked = self.call(
            "initiate_auth",
            ClientId=self.client_id,
            AuthFlow="CUSTOM_AUTH",
            AuthParameters={"CHALLENGE_NAME": "SRP_A", **parameters},
        )
        if asked.get("ChallengeName") != "PASSWORD_VERIFIER":
            return asked
        meanwhile()
        return self.respond(user, asked, srp.process_challenge(asked["ChallengeParameters"], parameters))

    def answer_token(self, asked, phone):
        if asked.get("ChallengeName") != TOKEN:
            return asked
        return self.respond(phone.user, asked, {f"{TOKEN}_CODE": phone.code()})

    def respond(self, user, asked, responses, **more):
        if "Session" not in asked:
            return asked
        return self.call(
            "respond_to_auth_challenge",
            ClientId=self.client_id,
            ChallengeName=asked["ChallengeName"],
            Session=asked["Session"],
            ChallengeResponses={"USERNAME": user, **responses},
            **more,
        )

    def call(self, operation, **request):
        """An error is an answer, too."""
        from botocore.exceptions import ClientError

        try:
            return getattr(self.cognito, operation)(**request)
        except ClientError as error:
            return {"error": f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"}


def make_triggers(name, connect, to_undo):
    iam, functions = connect("iam"), connect("lambda")
    may_assume = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may_assume]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy)["Role"]
    to_undo(f"role {name}", lambda: iam.delete_role(RoleName=name))
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr(zipfile.ZipInfo("triggers.py"), TRIGGERS)
    for attempt in range(20):
        try:
            function = functions.create_function(
                FunctionName=name,
                Runtime="python3.13",
                Role=role["Arn"],
                Handler="triggers.handler",
                Code={"ZipFile": code.getvalue()},
                Timeout=5,
            )
            break
        except functions.exceptions.InvalidParameterValueException:
            # A role is not known everywhere at once.
            if attempt == 19:
                raise
            time.sleep(3)
    to_undo(f"function {name}", lambda: functions.delete_function(FunctionName=name))
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    triggers = ["DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse", "PreTokenGeneration"]
    return {trigger: function["FunctionArn"] for trigger in triggers}


class Phone:
    """A user's authenticator: RFC 6238 with SHA-1, six digits and 30 s."""

    def __init__(self, user, secret_code):
        self.user, self.last_step = user, 0
        self.secret = base64.b32decode(secret_code + "=" * (-len(secret_code) % 8))

    def code(self):
        """One that was not used: of the next step if need be, which Cognito takes."""
        self.last_step = max(self.last_step + 1, int(time.time()) // 30)
        while self.last_step > int(time.time()) // 30 + 1:
            time.sleep(1)
        return self.code_of(self.last_step)

    def wrong_code(self):
        now = int(time.time()) // 30
        right = {self.code_of(step) for step in range(now - 2, now + 4)}
        return next(code for code in map("{:06}".format, range(10)) if code not in right)

    def code_of(self, step):
        digest = hmac.new(self.secret, struct.pack(">Q", step), hashlib.sha1).digest()
        offset = digest[-1] & 0x0F
        return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--yes-in-this-account", metavar="ACCOUNT_ID", help="ask, in the account of this number")
    which.add_argument("--list", action="store_true", help="print the questions, and call nothing")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--endpoint-url", help="of something that stands for AWS")
    arguments = parser.parse_args()
    if arguments.list:
        for name, (text, _) in QUESTIONS.items():
            print(f"{name}: {text}")
        return 0

    import boto3

    def connect(service):
        return boto3.client(service, region_name=arguments.region, endpoint_url=arguments.endpoint_url)

    account = connect("sts").get_caller_identity()["Account"]
    if account != arguments.yes_in_this_account:
        print(f"The credentials are of the account {account}. Nothing was made.", file=sys.stderr)
        return 2
    return ask_everything(connect)


def ask_everything(connect):
    asked = True
    with ExitStack() as stack:

        def to_undo(what, undo):
            stack.callback(delete, what, undo)

        pool = Pool(connect, to_undo)
        for name, (text, ask) in QUESTIONS.items():
            try:
                answer = ask(pool)
            except Exception as error:  # One that cannot be asked does not keep the others from it.
                asked, answer = False, f"could not be asked: {error!r}"
            print(f"{name}: {text}\n    {answer}", flush=True)
    return 0 if asked else 1


def delete(what, undo):
    try:
        undo()
        print(f"deleted: {what}")
    except Exception as error:
        print(f"STILL THERE, delete it by hand: {what}: {error!r}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
