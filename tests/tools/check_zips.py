"""Looks into the packages of `cargo lambda build --output-format zip`: each has to hold a bootstrap that Lambda can start."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

EXECUTABLE = 0o111 << 16


def main(functions):
    metadata = subprocess.check_output(["cargo", "metadata", "--locked", "--no-deps", "--format-version=1"])
    built = Path(json.loads(metadata)["target_directory"]) / "lambda"
    for function in functions:
        with zipfile.ZipFile(built / function / "bootstrap.zip") as package:
            [file] = package.infolist()
            assert file.filename == "bootstrap" and file.external_attr & EXECUTABLE == EXECUTABLE, file
            assert package.read(file)[:4] == b"\x7fELF", f"{function}: no program for Linux"
            print(f"{function}: {file.compress_size // 1024} KB")


main(sys.argv[1:])
