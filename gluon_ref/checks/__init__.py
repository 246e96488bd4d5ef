"""What the doctor looks at: a file per group with `check`, which imports no library, and what these share."""
