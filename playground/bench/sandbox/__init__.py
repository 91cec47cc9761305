"""Runs model-written code confined: `sandbox` runs it, `confinement` builds the walls, `inside` is what runs within."""
