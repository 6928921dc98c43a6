"""Logs: a JSON object a line where they should be, told by request, and without what is secret."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from scicity.operation import logs
from tests.operation.running import district, environment, scicity


def record(message: str, *values: object, **extra: Any) -> logging.LogRecord:
    return logging.getLogger("scicity.test").makeRecord(
        "scicity.test", logging.WARNING, "", 1, message, values, None, extra=extra
    )


def test_a_line_is_one_json_object_with_what_was_told() -> None:
    line = logs.Json().format(record("moved %s\nand more", 3, told={"moved": {"pm25": 3}}, request="not a word of it"))
    assert "\n" not in line
    told = json.loads(line)
    assert told["message"] == "moved 3\nand more" and told["told"] == {"moved": {"pm25": 3}} and told["level"] == "warning"
    assert "not a word" not in line


@pytest.mark.parametrize("form", [logs.Json(), logs.Plain()])
@pytest.mark.parametrize(
    "said",
    [
        "postgresql://scicity:{}@db.example/records is away",
        "mqtt://scicity:{}@broker.example:1883 refuses",
        "refused: Authorization: Bearer gateway.{}",
        "conninfo password={} host=db",
        '{{"password": "{}"}}',
        "the token was {}",  # known by the setting that holds it
        "the key of the store was {}",
    ],
)
def test_no_secret_is_written(form: logging.Formatter, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "s3cret-of-somebody"
    if "the token" in said:
        monkeypatch.setenv("SCICITY_METRICS_TOKEN", secret)
    if "the key" in said:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    assert secret not in form.format(record(said.format(secret)))
    try:
        raise OSError(said.format(secret))
    except OSError:
        failed = record("it failed")
        failed.exc_info = sys.exc_info()
    line = form.format(failed)
    assert secret not in line and "OSError" in line


@pytest.mark.parametrize(("sent", "kept"), [("proxy-0123456789", True), ("short", False), ("a b\r\nSet-Cookie: x=1", False)])
def test_a_request_is_known_by_its_id_in_answer_and_log(sent: str, kept: bool) -> None:
    lines, headers = [], {}

    def application(_: dict[str, Any], start: Any) -> list[bytes]:
        lines.append(json.loads(logs.Json().format(record("within"))))
        start("200 OK", [("Content-Type", "text/plain")])
        return [b""]

    environment = {"HTTP_X_REQUEST_ID": sent, "wsgi.input": BytesIO()}
    logs.with_request_id(application)(environment, lambda _, told: headers.update(told))
    assert lines[0]["request"] == headers["X-Request-ID"] and (headers["X-Request-ID"] == sent) is kept
    assert "request" not in json.loads(logs.Json().format(record("outside")))


@pytest.mark.slow
def test_a_process_writes_json_lines_when_it_is_asked_to(tmp_path: Path) -> None:
    """`collect` on a state in which nothing was loaded: no connection, and it ends."""
    folder = district(tmp_path, 9)
    told = "import logging; from scicity.operation import logs; logs.begin('here'); logging.getLogger('scicity.a').info('well')"
    done = scicity(tmp_path / "state", "collect", "--district", str(folder), SCICITY_LOG="json")
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["told"] for line in done.stderr.splitlines()] == [{"connections": []}]
    assert done.stdout == ""
    said = environment(tmp_path / "state", SCICITY_LOG="json")
    line = subprocess.run([sys.executable, "-c", told], env=said, capture_output=True, text=True, check=True).stderr
    assert json.loads(line) | {"time": "", "pid": 0} == {
        "time": "", "level": "info", "process": "here", "pid": 0, "logger": "scicity.a", "message": "well",
    }  # fmt: skip
