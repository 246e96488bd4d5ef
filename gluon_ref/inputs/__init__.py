"""Input forms, one file each: how samples and requests become the arrays at a network's border.

Each file has `fields(facts)`, `collate(inputs, facts)`, `read(requests, facts)` and `write(input, facts, path)`.
"""
