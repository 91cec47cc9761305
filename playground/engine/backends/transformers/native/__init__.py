"""Our C++: compiled when compile=on first needs it, and cached by inductor."""
