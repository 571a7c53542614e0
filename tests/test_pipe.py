"""The command line in a pipe whose reader has read enough."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("arguments", [["--help"], ["deblur", "--help"]])
def test_a_reader_that_stops_is_no_error(arguments):
    command = [sys.executable, "-u", "-m", "gvd_jax", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141
