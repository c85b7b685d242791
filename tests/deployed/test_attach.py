"""docs/existing-pool.md from end to end: a pool with users and a Pre Token Generation trigger of its own is attached, watched,
guarded and detached. The functions and the team's own are in Lambda's stand-in, and the local pool is in place of Cognito."""

import io
import json
import os
import subprocess
import zipfile

import boto3_sign_in
import pytest
import stand_in
from botocore.exceptions import ClientError
from conftest import BUILT, NAME, ROOT, deploy
from local_pool import serving
from pycognito.aws_srp import AWSSRP

CLAIMS = """
def handler(event, context):
    added = {"claimsToAddOrOverride": {"team": "claims", "second_factor": "forged"}}
    details = {"idTokenGeneration": added, "accessTokenGeneration": added}
    event["response"]["claimsAndScopeOverrideDetails"] = details
    return event
"""


class Team:
    """A team's pool, with an app client and a trigger."""

    def __init__(self, aws, folder, pool):
        self.aws, self.folder, self.pool, self.cognito = aws, folder, pool, pool.operator
        self.claims = self.create_function()
        config = {"PreTokenGenerationConfig": {"LambdaArn": self.claims, "LambdaVersion": "V2_0"}}
        self.id = self.cognito.create_user_pool(PoolName="team", LambdaConfig=config)["UserPool"]["Id"]
        flows = ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        client = self.cognito.create_user_pool_client(UserPoolId=self.id, ClientName="web", ExplicitAuthFlows=flows)
        self.client_id = client["UserPoolClient"]["ClientId"]
        pool.id, pool.client_id = self.id, self.client_id

    def create_function(self):
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("claims.py", CLAIMS)
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        role = self.aws.client("iam").create_role(RoleName="claims", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        function = self.aws.client("lambda").create_function(
            FunctionName="claims",
            Runtime="python3.12",
            Role=role,
            Handler="claims.handler",
            Code={"ZipFile": code.getvalue()},
        )
        return function["FunctionArn"]

    def deploy(self, until):
        _, outputs, _ = deploy(
            self.aws,
            self.folder,
            Architecture="x86_64",
            TotpIssuer="Example",
            ExistingUserPoolId=self.id,
            NextPreTokenGenerationArn=self.claims,
            ReportOnlyUntil=until,
        )
        return outputs

    def described(self):
        pool = self.cognito.describe_user_pool(UserPoolId=self.id)["UserPool"]
        client = self.cognito.describe_user_pool_client(UserPoolId=self.id, ClientId=self.client_id)["UserPoolClient"]
        del pool["LastModifiedDate"], client["LastModifiedDate"]
        return pool, client

    def second_factor(self, *arguments):
        where = {"AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": self.pool.endpoint}
        ran = subprocess.run(
            [ROOT_TARGET / "debug" / "second-factor", *arguments],
            cwd=self.folder,
            env=self.aws.environment() | where | {"HOME": str(self.folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def attach(self, phase, *more):
        return self.second_factor("attach", phase, "--user-pool-id", self.id, "--stack", NAME, "--yes", *more)

    def by_srp(self, person):
        """The app from before."""
        srp = AWSSRP(person.name, person.password, self.id, self.client_id, client=self.pool.cognito)
        return boto3_sign_in.claims(srp.authenticate_user()["AuthenticationResult"]["IdToken"])

    def by_custom_auth(self, person):
        person.begin()
        tokens = boto3_sign_in.sign_in(
            self.pool.cognito, self.id, self.client_id, person.name, person.password, person
        )
        return [boto3_sign_in.claims(tokens[token]) for token in ("IdToken", "AccessToken")]

    def log(self):
        pages = self.aws.client("logs").get_paginator("filter_log_events")
        pages = pages.paginate(logGroupName=f"/aws/lambda/{NAME}/pre-token-generation")
        lines = [event["message"] for page in pages for event in page["events"]]
        return [json.loads(line) for line in lines if line.startswith("{")]


class Begun:
    """A sign-in of the app from before, between its two calls."""

    def __init__(self, team, person):
        self.team = team
        self.srp = AWSSRP(person.name, person.password, team.id, team.client_id, client=team.pool.cognito)
        self.srp_a = self.srp.get_auth_params()
        self.asked = team.pool.cognito.initiate_auth(
            ClientId=team.client_id, AuthFlow="USER_SRP_AUTH", AuthParameters=self.srp_a
        )

    def finish(self):
        return self.team.pool.cognito.respond_to_auth_challenge(
            ClientId=self.team.client_id,
            ChallengeName="PASSWORD_VERIFIER",
            Session=self.asked["Session"],
            ChallengeResponses=self.srp.process_challenge(self.asked["ChallengeParameters"], self.srp_a),
        )


ROOT_TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")


@pytest.fixture
def team(tmp_path):
    assert BUILT.exists(), "run tests/run sam first: it builds what is deployed here"
    with stand_in.started() as aws, serving("--lambda-endpoint", aws.endpoint) as pool:
        aws.client("s3").create_bucket(Bucket="built")
        yield Team(aws, tmp_path, pool)


def test_a_pool_with_a_trigger_of_its_own_is_attached_watched_guarded_and_detached(team):
    ana = team.pool.new_person()
    before = team.described()
    assert team.by_srp(ana)["team"] == "claims"

    assert team.deploy("2099-01-01T00:00:00Z")["UserPoolId"] == team.id
    team.attach("challenges")
    team.attach("clients", "--client", team.client_id)
    team.attach("watch", "--accept", "other-flows")
    # Nobody is denied; the log says who would be.
    assert team.by_srp(ana).items() >= {"team": "claims"}.items()
    [reported] = [line for line in team.log() if line["message"] == "would be refused"]
    assert (reported["client_id"], reported["source"]) == (team.client_id, "TokenGeneration_Authentication")
    for claims in team.by_custom_auth(ana):
        assert claims["team"] == "claims" and "second_factor" not in claims

    # A sign-in under way may have to start again, and gets no more than it should.
    under_way = Begun(team, team.pool.new_person())
    team.attach("flows", "--client", team.client_id)
    team.deploy('""')
    assert "denies tokens from now on" in team.attach("guard")
    with pytest.raises(ClientError):
        under_way.finish()
    for claims in team.by_custom_auth(ana):
        assert (claims["team"], claims["second_factor"]) == ("claims", "totp")
    with pytest.raises(ClientError, match="not enabled for the client"):
        team.by_srp(ana)
    # A flow that somebody opens again gets no tokens. Ana's own grant would pass for some seconds after its use.
    ben = team.pool.new_person()
    web = {"UserPoolId": team.id, "ClientId": team.client_id}
    guarded = team.described()[1]["ExplicitAuthFlows"]
    team.cognito.update_user_pool_client(**web, ExplicitAuthFlows=[*guarded, "ALLOW_USER_SRP_AUTH"])
    with pytest.raises(ClientError, match="PreTokenGeneration failed with error"):
        team.by_srp(ben)
    team.cognito.update_user_pool_client(**web, ExplicitAuthFlows=guarded)

    assert "3 users were signed out" in team.second_factor("sign-out-all", "--user-pool-id", team.id, "--yes")
    detached = team.second_factor("detach", "--user-pool-id", team.id, "--confirm", team.id)
    assert "About 3 users of this pool lose the protection" in detached
    # A member apart, which the number of users is.
    after = team.described()
    before[0]["EstimatedNumberOfUsers"] = after[0]["EstimatedNumberOfUsers"]
    assert after == before
    assert team.by_srp(ana)["team"] == "claims"
