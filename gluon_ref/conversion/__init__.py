"""From a network of MXNet's to an ONNX model: the driver, the converters by subject, and the runtime that answers."""
