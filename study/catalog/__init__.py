"""The studies that come with the project: a package each, with a `table`, its `claims` and its `figures`."""
