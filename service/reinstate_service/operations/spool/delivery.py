"""How a message goes out: by mail, and to a command."""

from __future__ import annotations

import os
import smtplib
import ssl
import subprocess
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime
from hashlib import sha256

from reinstate_journal.errors import ReinstateError
from reinstate_service.operations.spool.messages import Message
from reinstate_service.operations.spool.settings import Smtp
from reinstate_service.secret import secret

_COMMAND_SECONDS = 60
#: Which every server passes on unchanged.
_SEVEN_BITS = SMTP.clone(cte_type="7bit")


class NotDelivered(ReinstateError):
    """A notification could not be delivered; it is tried again."""

    message = "A notification could not be delivered by {how}: {detail}"
    hint = "Check service.toml; the service tries again every minute."
    retryable = True


def send_mail(smtp: Smtp, recipients: Sequence[str], message: Message) -> None:
    """Mails it. One that is sent again, since a crash hid that it had gone out, has the same
    Message-ID. Raises NotDelivered, SecretMissing."""
    mail = EmailMessage(policy=_SEVEN_BITS)
    mail["From"] = smtp.sender
    mail["To"] = ", ".join(recipients)
    mail["Subject"] = f"reinstate: {message.subject}"
    mail["Date"] = format_datetime(localtime())
    stamp = sha256("\0".join((message.job, message.occasion, message.text)).encode()).hexdigest()
    mail["Message-ID"] = f"<{stamp[:32]}@reinstate.invalid>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: no absence reply comes back
    mail.set_content(message.text + "\n")
    password = secret(smtp.secret, smtp.user) if smtp.secret is not None else ""
    try:
        with _connected(smtp) as server:
            if smtp.user:
                server.login(smtp.user, password)
            # send_message would write ">From" where a line begins with From.
            server.sendmail(smtp.sender, [*recipients], mail.as_bytes())
    except smtplib.SMTPAuthenticationError as error:
        raise NotDelivered(how=smtp.host, detail=f"login refused ({error.smtp_code})") from None
    except (OSError, smtplib.SMTPException) as error:
        raise NotDelivered(how=smtp.host, detail=error) from None


def _connected(smtp: Smtp) -> smtplib.SMTP:
    if smtp.tls == "none":
        return smtplib.SMTP(smtp.host, smtp.port, timeout=smtp.timeout)
    context = ssl.create_default_context(cafile=smtp.ca_file or None)
    if smtp.tls == "required":
        return smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=smtp.timeout, context=context)
    server = smtplib.SMTP(smtp.host, smtp.port, timeout=smtp.timeout)
    try:
        server.starttls(context=context)
    except BaseException:
        server.close()
        raise
    return server


def run_command(command: Sequence[str], message: Message) -> None:
    """Gives the text to the command's stdin; job, occasion and subject are in its environment.

    Raises NotDelivered.
    """
    environment = {
        **os.environ,
        "REINSTATE_JOB": message.job,
        "REINSTATE_OCCASION": message.occasion,
        "REINSTATE_SUBJECT": message.subject,
    }
    try:
        done = subprocess.run(
            command,
            input=message.text + "\n",
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            check=False,
            timeout=_COMMAND_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        detail = getattr(error, "strerror", None) or type(error).__name__
        raise NotDelivered(how=command[0], detail=detail) from None
    if done.returncode != 0:
        raise NotDelivered(how=command[0], detail=f"exit {done.returncode}")
