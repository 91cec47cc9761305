"""An engine without a model: the real loop, scheduler, blocks and timers around answers that are written down."""
