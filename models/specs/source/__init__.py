"""The source of a user's class or function, with just what it stands on, and the way back from a source to the thing.

`source_of` finds it and proves that it makes the same thing again; `define` makes it. No worker needs the user's files.
"""

from models.specs.source.checksum import changed_files, checksum, declared
from models.specs.source.define import define, is_defining
from models.specs.source.find import Source, change_since, source_of
from models.specs.source.opened_files import opened_files
from models.specs.source.text import why_unparsed

__all__ = [
    "Source",
    "change_since",
    "changed_files",
    "checksum",
    "declared",
    "define",
    "is_defining",
    "opened_files",
    "source_of",
    "why_unparsed",
]
