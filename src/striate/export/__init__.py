"""A model as a file for other programs: ONNX, in float32 and in int8, written only where it answers the same."""
