"""What a bundle answers by where gluon_ref is not: its program, carried as it is; needs numpy and onnxruntime alone."""
