"""Networks, one file each: `build(facts, *, options)` gives a HybridBlock; TAKES and GIVES say what it fits.

STARTS, where a file has it, names options that are read only when training starts: files of weights to start from.
"""
