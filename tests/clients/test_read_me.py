"""What README.md and its pages in docs/ show is what the tests run: client code, the guided sign-in, a policy."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READ_ME = (ROOT / "README.md").read_text()
CLIENTS = (ROOT / "docs" / "clients.md").read_text()
DOCTOR = (ROOT / "docs" / "doctor.md").read_text()

BLOCK = re.compile(r"([^\n]+)\n\n<!-- (clients/\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
BLOCKS = [(name, *block) for name, page in (("README.md", READ_ME), ("docs/clients.md", CLIENTS)) for block in BLOCK.findall(page)]
DEFINED = re.compile(r"^(?:export )?(?:async )?(?:function|def) (\w+\(.*?\))", re.MULTILINE)

each_block = pytest.mark.parametrize(
    "page, before, file, code", BLOCKS, ids=[f"{page}: {file}" for page, _, file, _ in BLOCKS]
)


def test_each_client_is_shown():
    shown = {file for page, _, file, _ in BLOCKS if page == "docs/clients.md"}
    assert shown == {f"clients/{path.name}" for path in (ROOT / "clients").iterdir() if path.is_file()}
    assert [file for page, _, file, _ in BLOCKS if page == "README.md"] == ["clients/amplify.mjs"]


def test_no_block_is_missed():
    assert len(BLOCKS) == READ_ME.count("<!-- clients/") + CLIENTS.count("<!-- clients/")
    for page in (READ_ME, CLIENTS):
        assert len(BLOCK.findall(page)) == len(re.findall(r"^```(?:js|python)$", page, re.MULTILINE))


@each_block
def test_what_is_shown_is_in_the_file(page, before, file, code):
    assert code in (ROOT / file).read_text()


@each_block
def test_what_is_called_is_shown_or_said_to_be_in_the_file(page, before, file, code):
    shown = DEFINED.findall(code)
    for signature in DEFINED.findall((ROOT / file).read_text()):
        name, _ = signature.split("(")
        if re.search(rf"\b{name}\(", code) and signature not in shown:
            assert f"`{signature}` is in the file" in before


def test_the_guided_sign_in_prints_what_the_read_me_shows():
    assert "`cargo run -- --auto`" in READ_ME
    [shown] = re.findall(r"```text\n(.*?)```", READ_ME, re.DOTALL)
    command = ["cargo", "run", "--quiet", "--locked", "--", "--auto"]
    printed = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout
    # "…" alone stands for lines that were left out, and in a line for the rest of it.
    lines = [r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r"\n" for line in shown.splitlines()]
    assert re.search("^" + "".join(lines), printed, re.MULTILINE)


def test_the_read_me_is_short_and_its_commands_are_the_two():
    assert len(READ_ME.splitlines()) <= 120
    alone = [block for block in re.findall(r"```sh\n(.*?)```", READ_ME, re.DOTALL) if block.count("\n") == 1]
    assert alone == ["cargo run\n", "tests/run\n"]


def test_the_doctors_policy_has_the_actions_of_its_table():
    policy = json.loads((ROOT / "docs/policies/doctor.json").read_text())
    allowed = [action for statement in policy["Statement"] for action in statement["Action"]]
    listed = re.findall(r"`([a-z-]+:[A-Z]\w+)`", DOCTOR)
    assert sorted(allowed) == sorted(listed) and listed
