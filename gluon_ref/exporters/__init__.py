"""Export formats, one file each: `write(source, folder, **options)` and `open(folder, fields)`, a function."""
