"""Our C++: compiled when compile=on first needs it, and kept by inductor's cache."""
