"""A task as a user's message, in the words that EvalPlus asks chat models with."""

from __future__ import annotations


def chat_request(prompt: str, language: str) -> str:
    """The message that asks for the whole program of a prompt."""
    fence = language.lower()
    return (
        f"Please provide a self-contained {language} script that solves the following problem in a markdown code"
        f" block:\n```{fence}\n{prompt.strip()}\n```"
    )
