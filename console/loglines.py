"""What the console's own log says of requests that make no sense, and of what is away."""

from __future__ import annotations

import logging

from django.core.exceptions import BadRequest, SuspiciousOperation

from console.outages import away, one_line


class NoTracebackOfRefusals(logging.Filter):
    """A line, not a traceback of a hundred: anybody can send broken forms, and an outage is met everywhere."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass; one of a refused request without its traceback, one of an outage with its cause."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and away(error):
            record.msg, record.args = f"{record.getMessage()}: {one_line(error)}", ()
        elif not isinstance(error, BadRequest | SuspiciousOperation):
            return True
        record.exc_info = record.exc_text = None
        return True
