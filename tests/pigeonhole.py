"""Pigeonhole's own compiler and interpreter, run on scripts and messages: for tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from reinstate_service.destination.maildir.layout import NAMESPACE
from system.dovecot import MAIL_OWNER

SIEVEC, SIEVE_TEST = shutil.which("sievec"), shutil.which("sieve-test")
needs_pigeonhole = pytest.mark.skipif(
    SIEVEC is None or SIEVE_TEST is None,
    reason="needs Pigeonhole: apt-get install dovecot-sieve (make test does it)",
)
#: What the maildir destination announces, and nothing else.
STOCK = " ".join(NAMESPACE.sieve)


def refusal(script: str, folder: Path, extensions: str = STOCK) -> str | None:
    """What sievec has against the script, if only these extensions are there."""
    path = folder / "compiled.sieve"
    path.write_bytes(script.encode("utf-8", "surrogateescape"))
    done = subprocess.run(
        [str(SIEVEC), "-x", extensions, str(path), str(path.with_suffix(".svbin"))],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr if done.returncode else None


def outcome(script: str, message: str, folder: Path, extensions: str = STOCK) -> str:
    """What the script does with the message, as sieve-test tells it. `folder` must be one that
    the mail owner can enter."""
    uid, gid = MAIL_OWNER if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    configuration = folder / "dovecot.conf"
    configuration.write_text(
        f"protocols =\nssl = no\nmail_uid = {uid}\nmail_gid = {gid}\n"
        f"first_valid_uid = {uid}\nfirst_valid_gid = {gid}\n"
        f"mail_location = maildir:{folder}/Maildir\n"
        "plugin {\n  sieve_vacation_min_period = 0\n}\n"
    )
    path, mail = folder / "run.sieve", folder / "message"
    path.write_bytes(script.encode())
    mail.write_bytes(message.replace("\n", "\r\n").encode())
    for one in (path, mail, configuration):
        one.chmod(0o644)
    done = subprocess.run(
        [
            *(str(SIEVE_TEST), "-c", str(configuration), "-C", "-x", extensions),
            *("-f", "sender@elsewhere.test", "-r", "me@example.test", str(path), str(mail)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stderr}\n{script}"
    return done.stdout
