"""Where a report comes from: when it was written, by which version, and the commands that train and report the study."""

import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

import collapsar
from analysis.frames.load import Header
from study.record import Home


@dataclass(frozen=True)
class Origin:
    """Time of writing (UTC), version of the platform, home, and the commands; `train` is empty for a notebook's study."""

    written: str
    version: str
    home: str
    train: str
    report: str

    @classmethod
    def of(cls, header: Header, home: Home) -> "Origin":
        """That of a report which is written now. The home's address has its secrets masked."""
        written = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        return cls(written, collapsar.__version__, str(home), training(header, home), reporting(header.name, home))


def training(header: Header, home: Home) -> str:
    """The command that trains all of the study's table; empty where no file declares the study."""
    place = header.declared_in
    if "package" not in place and "file" not in place:
        return ""
    study = place["study"] if "package" in place else f"{place['file']}:{place['study']}"
    scale = [] if header.scale == "laptop" else ["--scale", header.scale]
    refine = [] if header.refine is None else ["--refine", f"{header.refine:g}"]
    return shlex.join(["collapsar", "launch", study, *scale, *refine, "--home", str(home)])


def reporting(name: str, home: Home) -> str:
    """The command that writes the report again."""
    return shlex.join(["collapsar", "report", name, "--home", str(home)])


def facts(origin: Origin, header: Header) -> str:
    """The origin as HTML."""
    said = {"Written": origin.written, "By": f"collapsar {origin.version}", "Scale": header.scale}
    commands = {"Home": origin.home, "Train it by": origin.train, "Report it by": origin.report}
    items = [f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in said.items()]
    items += [f"<dt>{name}</dt><dd><code>{escape(text)}</code></dd>" for name, text in commands.items() if text]
    return f"<dl class='facts'>{''.join(f'<div>{item}</div>' for item in items)}</dl>"
