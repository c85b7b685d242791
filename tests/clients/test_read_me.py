"""The code in README.md is what the tests run."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(
    r"([^\n]+)\n\n<!-- (clients/\S+) -->\n```\w+\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
)
DEFINED = re.compile(r"^(?:export )?(?:async )?(?:function|def) (\w+\(.*?\))", re.MULTILINE)

each_block = pytest.mark.parametrize("before, file, code", BLOCKS, ids=[file for _, file, _ in BLOCKS])


def test_each_client_is_shown():
    assert {file for _, file, _ in BLOCKS} == {f"clients/{path.name}" for path in (ROOT / "clients").iterdir() if path.is_file()}


@each_block
def test_what_is_shown_is_in_the_file(before, file, code):
    assert code in (ROOT / file).read_text()


@each_block
def test_what_is_called_is_shown_or_said_to_be_in_the_file(before, file, code):
    shown = DEFINED.findall(code)
    for signature in DEFINED.findall((ROOT / file).read_text()):
        name, _ = signature.split("(")
        if re.search(rf"\b{name}\(", code) and signature not in shown:
            assert f"`{signature}` is in the file" in before
