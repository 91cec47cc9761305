"""Weights of linear layers in every form that they may take, and adapters on top of them."""
