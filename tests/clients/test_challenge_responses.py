"""docs/challenge-responses.md against botocore's service model, the triggers' answers and the local pool."""

import json
import re
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import boto3_sign_in
import botocore.session
import pytest
from pycognito.aws_srp import AWSSRP

ROOT = Path(__file__).parents[2]
PATH = ROOT / "docs" / "challenge-responses.md"
PAGE = PATH.read_text()
MODEL = botocore.session.get_session().get_service_model("cognito-idp")

BEGIN = ["InitiateAuth", "AdminInitiateAuth"]
RESPOND = ["RespondToAuthChallenge", "AdminRespondToAuthChallenge"]
OURS = ["SECOND_FACTOR", "TOTP_SETUP", "RECOVERY_CODES"]
# In every response; the page says so once.
ALWAYS = {"USERNAME"}


def table(*header):
    """The rows below the one header that begins like this."""
    lines = PAGE.splitlines()
    [start] = [at for at, line in enumerate(lines) if cells(line)[: len(header)] == list(header)]
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(cells(line))
    assert rows and {len(row) for row in rows} == {len(cells(lines[start]))}
    return rows


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []


def code(cell):
    return re.findall(r"`([^`]+)`", cell)


def name(cell):
    [name] = code(cell)
    assert cell == f"`{name}`"
    return name


def by_name(rows):
    named = {name(row[0]): row[1:] for row in rows}
    assert len(named) == len(rows), "a name stands there twice"
    return named


CHALLENGES = by_name(table("ChallengeName", "ChallengeResponses beside the above"))
ANSWERS = [(name(row[0]), name(row[1]), code(row[2]), code(row[3])) for row in table("ChallengeName", "`ANSWER`")]
FLOWS = by_name(table("AuthFlow"))
PARAMETERS = by_name(table("parameter", *map("`{}`".format, OURS)))
OUR_ANSWERS = by_name(table("`challenge`", "the right `ANSWER`"))
CLIENT_METADATA = table("`ClientMetadata`")
ERRORS = table("error")


def enum(shape):
    return set(MODEL.shape_for(shape).enum)


def documentation(shape, member):
    return MODEL.shape_for(shape).members[member].documentation


def definitions(html):
    """What a <dl> says of each name; some share a <dt>."""
    found = {}
    for names, text in re.findall(r"<dt>(.*?)</dt> *<dd>(.*?)</dd>", html):
        for one in re.split(r" and |/", names):
            assert one not in found
            found[one] = text
    assert found
    return found


def quoted(html):
    return re.findall(r"<code>(.*?)</code>", html)


# Cognito's challenges


def test_the_challenge_names_are_those_of_the_service_model():
    assert set(CHALLENGES) == enum("ChallengeNameType")


@pytest.mark.parametrize("operation", RESPOND)
def test_the_keys_are_those_of_the_service_models_examples(operation):
    documented = {}
    for challenge, text in definitions(documentation(f"{operation}Request", "ChallengeResponses")).items():
        examples = [example for example in quoted(text) if example.startswith('"ChallengeName"')]
        assert examples, challenge
        keys = set()
        for example in examples:
            [named, responses] = re.findall(r'^"ChallengeName": "(\w+)", "ChallengeResponses": \{(.*?)\}', example)[0]
            assert named == challenge
            in_example = set(re.findall(r'"([^"]+)":', responses))
            assert ALWAYS <= in_example, example
            keys |= in_example
        keys |= {key for key in re.findall(r'<code>"([\w.\[\]]+)": "[^"]*"</code>', text)}
        documented[challenge] = {key.replace("[attribute_name]", "NAME") for key in keys} - ALWAYS
    written = {challenge: set(code(row[0])) for challenge, row in CHALLENGES.items()}
    # The model gives no example of this one; older documentation of Cognito names its key.
    assert set(written) - set(documented) == {"ADMIN_NO_SRP_AUTH"}
    assert written.pop("ADMIN_NO_SRP_AUTH") == {"PASSWORD"}
    assert written == documented


@pytest.mark.parametrize("operation", RESPOND)
def test_the_keys_in_the_service_models_prose_are_in_the_table(operation):
    prose = documentation(f"{operation}Request", "ChallengeName")
    found = defaultdict(set)
    for challenge, text in re.findall(r"<li> *<p> *<code>(\w+)</code>:(.*?)</li>", prose):
        listed = r"(?:as|[Rr]espond with|challenge with) ((?:<code>\w+</code>(?:, and |, | and )?)+)"
        found[challenge] |= {key for names in re.findall(listed, text) for key in quoted(names)}
    assert len(found) >= 10
    # A misprint that the page tells of.
    assert "EMAIL_MFA" not in enum("ChallengeNameType") and "`EMAIL_MFA`" in PAGE and "`EMAIL_MFA_CODE`" in PAGE
    assert found.pop("EMAIL_MFA") == {"EMAIL_MFA_CODE"}
    for challenge, keys in found.items():
        assert keys <= set(code(CHALLENGES[challenge][0])), challenge
    for key in ("USERNAME", "SECRET_HASH", "DEVICE_KEY"):
        assert key in quoted(prose) and f"**`{key}`**" in PAGE


def test_one_challenge_is_for_administrators_and_the_table_says_which():
    html = documentation("RespondToAuthChallengeRequest", "ChallengeName")
    forbidden = re.findall(r"You can't respond to an <code>(\w+)</code> challenge with this operation", html)
    assert [challenge for challenge, row in CHALLENGES.items() if row[-1] == f"`{RESPOND[1]}` only"] == forbidden
    assert forbidden == [*CHALLENGES][-1:] and "`RespondToAuthChallenge` takes all but the last" in PAGE
    assert "You can't respond" not in documentation("AdminRespondToAuthChallengeRequest", "ChallengeName")


def test_the_page_says_which_challenge_parameters_the_service_model_documents():
    html = ""
    for operation in BEGIN + RESPOND:
        html += documentation(f"{operation}Response", "ChallengeParameters")
        html += documentation(f"{operation}Response", "ChallengeName")
    written = {parameter for row in CHALLENGES.values() for parameter in code(row[1])}
    [sentence] = re.findall(r"Of these parameters the service model documents (.*?)\.", PAGE)
    # USERNAME is in the model's prose as a key of the response.
    assert set(code(sentence)) == written & set(quoted(html)) - ALWAYS
    assert "AvailableChallenges" in MODEL.shape_for("InitiateAuthResponse").members
    assert "AvailableChallenges" in code(CHALLENGES["SELECT_CHALLENGE"][-1])


def test_the_mfa_types_to_select_are_those_that_a_user_can_have():
    [possible] = re.findall(
        r"The possible values in this list are (.*?)\.", documentation("GetUserResponse", "UserMFASettingList")
    )
    offered = {answer for challenge, answer, _, _ in ANSWERS if challenge == "SELECT_MFA_TYPE"}
    assert offered == set(quoted(possible))
    assert offered < enum("ChallengeNameType")
    example = documentation("RespondToAuthChallengeRequest", "ChallengeResponses")
    [in_example] = re.findall(r'"ANSWER": "\[(SMS_MFA[A-Z_|]+)\]"', example)
    assert offered == set(in_example.replace("EMAIL_MFA", "EMAIL_OTP").split("|"))


def test_the_challenges_to_select_and_what_goes_with_each_are_the_service_models():
    text = definitions(documentation("RespondToAuthChallengeRequest", "ChallengeResponses"))["SELECT_CHALLENGE"]
    [available] = re.findall(r"Available challenges are (.*?)\.", text)
    written = {answer: set(keys) for challenge, answer, keys, _ in ANSWERS if challenge == "SELECT_CHALLENGE"}
    assert set(written) == set(quoted(available))
    assert set(written) < enum("ChallengeNameType")
    examples = [dict(re.findall(r'"(\w+)": "([^"]+)"', example)) for example in quoted(text) if "ANSWER" in example]
    documented = {example["ANSWER"]: set(example) - {"ChallengeName", "ANSWER"} - ALWAYS for example in examples}
    assert documented.pop("[Challenge name]") == set()
    assert written == documented


def test_answers_and_what_is_asked_next_are_challenges():
    assert len({row[:2] for row in ANSWERS}) == len(ANSWERS)
    for challenge, _, keys, following in ANSWERS:
        assert {challenge, *following} <= enum("ChallengeNameType")
        assert {"ANSWER", *keys} <= set(code(CHALLENGES[challenge][0]))


# How a sign-in begins


def test_the_flows_are_those_of_the_service_model():
    assert set(FLOWS) == enum("AuthFlowType")


def test_the_flows_parameters_are_those_of_the_service_model():
    documented = {}
    for operation in BEGIN:
        for flow, text in definitions(documentation(f"{operation}Request", "AuthParameters")).items():
            keys = [key.split(":")[0] for key in quoted(text)]
            required = set(re.findall(r"<code>(\w+)</code> ?\(required\)", text))
            keys = {key for key in keys if re.fullmatch("[A-Z_]+|ChallengeName", key)}
            assert documented.setdefault(flow, (required, keys - required)) == (required, keys - required)
    # A misprint that the page tells of.
    optional = documented["CUSTOM_AUTH"][1]
    optional.remove("ChallengeName")
    optional.add("CHALLENGE_NAME")
    assert "The model's prose writes `ChallengeName` for\n`CHALLENGE_NAME`" in PAGE
    written = {flow: (set(code(row[0])), set(code(row[1]))) for flow, row in FLOWS.items()}
    # The model calls it a password flow, and gives no parameters.
    assert set(written) - set(documented) == {"ADMIN_NO_SRP_AUTH"}
    assert written.pop("ADMIN_NO_SRP_AUTH") == written["ADMIN_USER_PASSWORD_AUTH"]
    assert written == documented


def test_the_flows_operations_are_those_of_the_service_model():
    client, administrator = (set(definitions(documentation(f"{operation}Request", "AuthFlow"))) for operation in BEGIN)
    others = documentation("InitiateAuthRequest", "AuthFlow")
    administrator |= set(re.findall(r"<code>(\w+)</code> is a [^.]*?isn't valid for InitiateAuth", others))
    for operation, flows in zip(BEGIN, (client, administrator)):
        assert {flow for flow, row in FLOWS.items() if operation in code(row[2])} == flows, operation


def test_the_secret_hash_is_the_one_that_a_client_sends():
    [block] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    for username, client_id, client_secret in [("alice", "client", "hush"), ("Zoë 7", "1example2345", "sécret+/=")]:
        names = {"username": username, "client_id": client_id, "client_secret": client_secret}
        exec(block, names)
        assert names["secret_hash"] == AWSSRP.get_secret_hash(username, client_id, client_secret)


def test_the_time_looks_as_a_client_writes_it():
    [example] = re.findall(r'The time looks like "(.*?)"', CHALLENGES["PASSWORD_VERIFIER"][-1])
    assert example == AWSSRP.get_cognito_formatted_timestamp(datetime(2026, 11, 3, 9, 5, 7))


# Ours


def shown_by_the_triggers():
    """What Create shows of each challenge, a dictionary a golden file."""
    shown = defaultdict(list)
    for file in (ROOT / "tests" / "golden" / "create-auth-challenge").glob("*.json"):
        if parameters := json.loads(file.read_text()).get("response", {}).get("publicChallengeParameters"):
            shown[parameters["challenge"]].append(parameters)
    return shown


def source(*folders):
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.rs")]
    assert files
    return "".join(path.read_text() for path in files)


def test_our_challenges_are_those_that_the_triggers_issue():
    assert set(shown_by_the_triggers()) == set(OURS) == set(OUR_ANSWERS)


@pytest.mark.parametrize("challenge", OURS)
def test_our_parameters_are_those_that_the_triggers_show(challenge):
    shown = [set(parameters) for parameters in shown_by_the_triggers()[challenge]]
    column = {parameter: row[OURS.index(challenge)] for parameter, row in PARAMETERS.items()}
    assert {parameter for parameter, cell in column.items() if cell != "—"} == set.union(*shown)
    assert {parameter for parameter, cell in column.items() if cell == "always"} == set.intersection(*shown)


@pytest.mark.parametrize("parameter", ["challenge", "attemptsLeft", "accepts"])
def test_the_values_are_those_that_the_triggers_show(parameter):
    shown = [parameters for challenge in shown_by_the_triggers().values() for parameters in challenge]
    assert set(code(PARAMETERS[parameter][-1])) == {each[parameter] for each in shown if parameter in each}


def test_what_is_shown_at_first_is_not_shown_after_a_wrong_answer():
    for challenge, shown in shown_by_the_triggers().items():
        at_first = {parameter for parameter, row in PARAMETERS.items() if row[OURS.index(challenge)] == "at first"}
        for parameters in shown:
            assert at_first & set(parameters) == (at_first if parameters["attemptsLeft"] == "3" else set())


def test_the_client_metadata_is_what_the_functions_read():
    constant = r'impl (\w+) \{(?:(?!\nimpl ).)*?pub const KEY: &str = "(\w+)"'
    keys, functions = dict(re.findall(constant, source("shared/src"), re.DOTALL)), source("functions")
    read = re.findall(r"client_metadata\((\w+)::KEY\)", functions)
    assert len(read) == functions.count("client_metadata"), "it is read in a way that this test does not know"
    assert {name(row[0]) for row in CLIENT_METADATA} == {keys[kind] for kind in read} == set(keys.values())


def test_the_words_of_after_second_factor_are_those_that_the_sign_in_reads():
    sign_in = (ROOT / "shared" / "src" / "sign_in.rs").read_text()
    [read] = re.findall(r"pub fn parse\(value: Option<&str>, policy: Policy\) -> Self \{(.*?)\n    \}", sign_in, re.DOTALL)
    words = set(re.findall(r'Some\("(\w+)"\)', read))
    assert words == {name(row[1]) for row in CLIENT_METADATA if row[0] == "`afterSecondFactor`"}


@pytest.mark.parametrize(
    "constant, sentence",
    [
        ("LAST_WRONG_ANSWER", r"A right one sets it to (\d+)"),
        ("CODES_DUE_BELOW", r"fewer than (\d+) recovery codes"),
        ("CHARACTERS", r"cut to (\d+) characters"),
    ],
)
def test_the_numbers_are_those_of_the_source(constant, sentence):
    [value] = re.findall(rf"pub const {constant}: \w+ = (\d+);", source("shared/src"))
    assert set(re.findall(sentence, PAGE)) == {value}


# Errors


def test_the_errors_are_those_of_the_operations():
    written = [error for row in ERRORS for error in code(row[0])]
    assert len(written) == len(set(written))
    of_clients, of_administrators = (
        {error.name for operation in operations for error in MODEL.operation_model(operation).error_shapes}
        for operations in zip(BEGIN, RESPOND)
    )
    assert set(written) == of_clients
    assert of_administrators <= of_clients


def test_the_messages_are_those_of_the_triggers_and_the_local_pool():
    words = source("shared/src", "local/src")
    messages = [message for row in ERRORS for message in re.findall(r'"([^"]+)"', row[1])]
    assert len(messages) > 5
    for message in messages:
        for part in message.split("…"):
            assert part.strip() in words, message


# The page itself


def test_the_read_me_leads_here_and_links_lead_somewhere():
    assert "(docs/challenge-responses.md)" in (ROOT / "README.md").read_text()
    for link in re.findall(r"\]\(([^)]+)\)", PAGE):
        assert (PATH.parent / link.split("#")[0]).exists(), link


class Overheard:
    """A client that keeps what goes through it."""

    def __init__(self, client):
        self.client, self.begun, self.responses, self.challenges = client, [], [], []

    def initiate_auth(self, **request):
        self.begun.append((request["AuthFlow"], request["AuthParameters"]))
        return self.keep(self.client.initiate_auth(**request))

    def respond_to_auth_challenge(self, **request):
        self.responses.append((request["ChallengeName"], request["ChallengeResponses"]))
        return self.keep(self.client.respond_to_auth_challenge(**request))

    def keep(self, answer):
        if "ChallengeName" in answer:
            self.challenges.append((answer["ChallengeName"], answer["ChallengeParameters"]))
        return answer


def test_a_sign_in_with_every_challenge_goes_as_the_page_says(pool):
    person, overheard = pool.new_person(temporary_password=True), Overheard(pool.cognito)
    mistyped = {"answer": "mistyped"}
    for replies in [[None, mistyped, None, mistyped], [mistyped]]:
        person.begin(*replies)
        boto3_sign_in.sign_in(overheard, pool.id, pool.client_id, person.name, person.password, person)

    for flow, parameters in overheard.begun:
        assert set(parameters) == set(code(FLOWS[flow][0])) | set(code(FLOWS[flow][1]))
    for challenge, responses in overheard.responses:
        keys = {key for key in code(CHALLENGES[challenge][0]) if key != "userAttributes.NAME"}
        assert set(responses) == keys | ALWAYS
        assert responses["USERNAME"] == person.user_name
    ours = set()
    for challenge, parameters in overheard.challenges:
        expected = set(code(CHALLENGES[challenge][1]))
        if challenge == "CUSTOM_CHALLENGE":
            ours.add(parameters["challenge"])
            column = OURS.index(parameters["challenge"])
            expected |= set(parameters) & {parameter for parameter, row in PARAMETERS.items() if row[column] != "—"}
            expected |= {parameter for parameter, row in PARAMETERS.items() if row[column] == "always"}
        assert set(parameters) == expected
    assert ours == set(OURS)
    assert {challenge for challenge, _ in overheard.challenges} == {
        "PASSWORD_VERIFIER",
        "NEW_PASSWORD_REQUIRED",
        "CUSTOM_CHALLENGE",
    }
