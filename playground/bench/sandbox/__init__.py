"""Model-written code behind walls. `sandbox` runs it, `confinement` builds the walls, `inside` is what runs in them."""
