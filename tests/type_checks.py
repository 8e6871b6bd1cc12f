"""How signatures are checked while tests run: as a type checker reads them, for which an int is a float."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
