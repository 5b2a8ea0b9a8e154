"""Name what is wrong with the parts of a container."""

CUT = "the file is cut off"
HOLE = "bytes inside the file are damaged or missing"
