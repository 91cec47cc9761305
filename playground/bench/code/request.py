"""Requests for tasks, in the words with which EvalPlus asks chat models."""

from __future__ import annotations

import msgspec

from playground.bench.code.programs import stops
from playground.bench.code.settings import Settings
from playground.bench.code.task import Task
from playground.protocol.commands import ChatMessage, GenerationRequest


def sampled_request(name: str, task: Task, sample: int, settings: Settings) -> GenerationRequest:
    """The request for one sample of a task; each sample has a seed of its own."""
    sampling = settings.sampling
    seed = None if sampling.seed is None else sampling.seed + sample
    ends = [*sampling.stop, *stops(task, settings.prompting)]
    sampling = msgspec.structs.replace(sampling, seed=seed, stop=ends)
    if settings.prompting == "chat":
        messages = [ChatMessage(role="user", content=task.request)]
        return GenerationRequest(request_id=name, messages=messages, sampling=sampling)
    return GenerationRequest(request_id=name, prompt=task.prompt, sampling=sampling)


def chat_request(prompt: str, language: str) -> str:
    """The user's message that asks for the whole program of a prompt."""
    fence = language.lower()
    return (
        f"Please provide a self-contained {language} script that solves the following problem in a markdown code"
        f" block:\n```{fence}\n{prompt.strip()}\n```"
    )
