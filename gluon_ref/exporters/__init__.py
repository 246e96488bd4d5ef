"""Export formats, one file each: `write(net, fields, folder)` and `open(folder)`, which gives a function of arrays."""
