"""Signs in by the local pool through the four functions under `cargo lambda watch`, and sends every sample event of every
function through `cargo lambda invoke`, under its folder's settings (events/README.md).

The answers of Define are those of tests/golden, and but for the time of a proof the guard's are too. What Create and Verify
answer is for another moment and other sealing, so of it is asked that it is the event with the response filled in, or the
one error.
"""

import json
import os
import re
import signal
import subprocess
import sys
from urllib.parse import urlsplit

import stand_in
import watch

sys.path += [str(watch.ROOT / "tests" / "clients"), str(watch.ROOT / "clients")]

import boto3_sign_in  # noqa: E402
from local_pool import serving  # noqa: E402

EVENTS, GOLDEN = watch.ROOT / "events", watch.ROOT / "tests" / "golden"
DEFINE, CREATE, VERIFY, GUARD = watch.FUNCTIONS
THE_ONE_ERROR = {"errorMessage": "The sign-in could not be completed. Please start again."}
NO_GRANT = {"errorMessage": "A second factor is needed. Please update the app, then sign in again."}


def main():
    build = ["cargo", "build", "--quiet", "--locked"]
    for function in watch.FUNCTIONS:
        subprocess.run(build, cwd=watch.ROOT / "functions" / function, env=os.environ | watch.BUILD, check=True)
    with stand_in.started() as aws:
        watch.set_up(aws)
        watch.invite(aws)
        wrong = wrong_cases(aws, watch.FUNCTIONS, "")
        for folder in sorted(EVENTS.glob("*+*")):
            functions = [function for function in watch.FUNCTIONS if (folder / function).is_dir()]
            wrong += wrong_cases(aws, functions, folder.name)
    if wrong:
        sys.exit(f"answered otherwise: {', '.join(wrong)}")


def wrong_cases(aws, functions, folder):
    """Of the functions' events in a folder of events/, under the settings that the folder names."""
    settings = dict(zip(("ENROLLMENT", "ACCEPTED_COGNITO_MFA", "SECOND_FACTOR_POLICY"), folder.split("+"))) if folder else {}
    if settings.get("SECOND_FACTOR_POLICY") == "OPTIONAL":
        settings |= {"LONGEST_SESSION_DAYS": "30", "GUARDED_SINCE": "2026-01-01T00:00:00Z"}
    wrong = []
    with watch.watched(aws.environment() | settings, reload=False, functions=functions) as endpoint:
        if not folder:
            sign_in(endpoint)
        for function in functions:
            samples = sorted((EVENTS / folder / function).glob("*.json"))
            assert samples, f"there are no samples in events/{folder}/{function}"
            errors = 0
            for sample in samples:
                if function == GUARD:
                    # What is paid for is used up by the tokens.
                    watch.invite(aws)
                answer = invoke(function, endpoint, sample)
                errors += answer in (THE_ONE_ERROR, NO_GRANT)
                if not is_right(function, sample, answer):
                    print(f"{sample}: {json.dumps(answer)}", file=sys.stderr)
                    wrong.append(f"{folder}/{function}/{sample.stem}")
            print(f"{folder} {function}: {len(samples)} samples, of which {errors} get the one error".strip())
    return wrong


def sign_in(endpoint):
    """As whoever changes a trigger does."""
    with serving("--lambda-endpoint", endpoint) as pool:
        person = pool.new_person()
        for screens in ["show_authenticator 3", "show_recovery_codes 3"], ["ask_passcode 3"]:
            person.begin()
            boto3_sign_in.sign_in(pool.cognito, pool.id, pool.client_id, person.name, person.password, person)
            assert person.screens() == screens
    print("a user signs in by the local pool")


def invoke(function, endpoint, sample):
    address = urlsplit(endpoint)
    at = ["-A", address.hostname, "-P", str(address.port)]
    command = ["cargo", "lambda", "invoke", function, *at, "--data-file", str(sample)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    if ran.returncode == 0:
        return json.loads(ran.stdout)
    # In the place of an answer it prints what failed.
    shown = [error for error in (THE_ONE_ERROR, NO_GRANT) if "SignInError" in ran.stderr and error["errorMessage"] in ran.stderr]
    return shown[0] if shown else {"errorMessage": ran.stderr}


def is_right(function, sample, answer):
    golden = json.loads((GOLDEN / sample.relative_to(EVENTS)).read_text())
    if function in (DEFINE, GUARD):
        return without_times(answer) == without_times(golden)
    if answer == THE_ONE_ERROR:
        # Some of what Verify is to open was sealed with another key.
        return function == VERIFY or golden == THE_ONE_ERROR
    event = json.loads(sample.read_text())
    return answer.get("response") != event["response"] and answer | {"response": event["response"]} == event


def without_times(answer):
    return re.sub(r'"second_factor_at": "\d+"', "", json.dumps(answer, sort_keys=True))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
