"""Masking the secrets in addresses.

An address may carry a password (`postgresql://user:password@host/db`), a key (`s3://KEY:SECRET@bucket`) or a token. It is
used as it is given, and masked wherever it is printed, written into a record or sent to MLflow.
"""

import re

_WITH_PASSWORD = re.compile(r"://[^/@\s:?#]*:(?!\d+(?:[/?#\s]|$))(?:[^\s/?#]*@|[^@\s]*@)")
"""Up to the last @ before the path, and beyond it if the secret itself holds a slash; `host:5000/` holds no password."""

_WITH_TOKEN = re.compile(r"(?<=http)(s?)://[^/@\s:?#]+@", re.IGNORECASE)
_IN_QUERY = re.compile(
    r"([?&][\w.-]*(?:pass|pwd|secret|token|credential|signature|(?:access|account|api)[_-]?key)[\w.-]*=|[?&]sig=)[^&\s]+",
    re.IGNORECASE,
)


def masked(text: str, mask: str = "***@") -> str:
    """The text with `mask` in place of the user and password, or the token, of every address in it."""
    text = _WITH_PASSWORD.sub(f"://{mask}", text)
    text = _WITH_TOKEN.sub(rf"\1://{mask}", text)
    return _IN_QUERY.sub(r"\1***", text)
