"""The source of a user's class or function, with just what it stands on, and the way back from a source to the thing.

`source_of` finds it and proves that it makes the same thing again; `define` makes it. No worker needs the user's files.
"""

from models.specs.source.checksum import checksum, declared, declared_files, is_changed
from models.specs.source.define import define, is_defining, modules_of, no_arguments
from models.specs.source.environment_reads import environment_reads
from models.specs.source.find import Source, change_since, source_of
from models.specs.source.opened_files import opened_files
from models.specs.source.text import why_unparsed
from models.specs.source.users_modules import users_modules_hidden

__all__ = [
    "Source",
    "change_since",
    "checksum",
    "declared",
    "declared_files",
    "define",
    "environment_reads",
    "is_changed",
    "is_defining",
    "modules_of",
    "no_arguments",
    "opened_files",
    "source_of",
    "users_modules_hidden",
    "why_unparsed",
]
