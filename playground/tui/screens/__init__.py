"""One file per screen, its stylesheet next to it."""
