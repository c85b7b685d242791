"""The code in README.md is what the tests run."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"<!-- (clients/\S+) -->\n```\w+\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_each_client_is_shown():
    assert {file for file, _ in BLOCKS} == {f"clients/{path.name}" for path in (ROOT / "clients").iterdir() if path.is_file()}


@pytest.mark.parametrize("file, code", BLOCKS, ids=[file for file, _ in BLOCKS])
def test_what_is_shown_is_in_the_file(file, code):
    assert code in (ROOT / file).read_text()
