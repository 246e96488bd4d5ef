"""What the doctor looks at: a file per group, each with `check`, which gives findings and imports no library."""
