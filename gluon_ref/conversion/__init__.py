"""From a network of MXNet's to an ONNX model: the converters, one subject a file; the ONNX exporters are their users."""
