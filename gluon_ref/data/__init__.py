"""Data sets and formats, one file each: `load(path, *, options)` gives Data."""
