"""Networks, one file each: `build(facts, *, options)` gives a HybridBlock; TAKES and GIVES say what it fits."""
