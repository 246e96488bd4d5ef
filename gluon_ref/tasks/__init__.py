"""Tasks, one file each: `build(facts, *, options)` gives a Task."""
