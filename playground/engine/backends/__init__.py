"""The engines: each turns commands into events behind one small interface (`base.Backend`)."""
