"""Measures an exported model: pass@1, requests answered, perplexity, recall over distance."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.models.make_tiny_coder.answers import answer
from playground.models.make_tiny_coder.held_out import BETWEEN, SEED, TASKS_FILE, TEXT_FILE
from playground.models.make_tiny_coder.prompts import draw_prompt
from playground.synthetic.haystack import draw_haystack
from playground.synthetic.split import is_held_out

ANSWER_TOKENS = 160
ANSWER_SECONDS = 5.0
RECALL_LENGTHS = {256: 40, 1024: 24, 4096: 10}  # tokens -> needles
REQUESTS = 60


@dataclass
class Subject:
    """A loaded model in float32 and its tokenizer."""

    path: Path

    def __post_init__(self) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(self.path)
        self.model = AutoModelForCausalLM.from_pretrained(self.path, dtype=torch.float32).eval()

    def complete(self, prompt: str, tokens: int = ANSWER_TOKENS) -> str:
        """The greedy continuation of `prompt`, the end token cut off."""
        ids = torch.tensor([self.tokenizer.encode(prompt)])
        with torch.inference_mode():
            out = self.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, do_sample=False)
        return str(self.tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True))

    def chat(self, request: str) -> str:
        """The greedy answer to one user message."""
        messages = [{"role": "user", "content": request}]
        prompt = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return self.complete(str(prompt))


def evaluate(path: Path) -> dict[str, object]:
    """All figures of the card, measured on the files beside the weights."""
    subject = Subject(path)
    return {
        "parameters": subject.model.num_parameters(),
        "pass_at_1": pass_at_1(subject),
        "requests": answered_requests(subject),
        "perplexity": perplexity(subject),
        "recall": {str(length): recall(subject, length, count) for length, count in RECALL_LENGTHS.items()},
    }


def pass_at_1(subject: Subject, limit: int | None = None) -> dict[str, dict[str, int]]:
    """Greedy answers that pass their tests: band -> tasks and passed, and all bands under `all`."""
    lines = (subject.path / TASKS_FILE).read_text(encoding="utf-8").splitlines()[:limit]
    totals: dict[str, dict[str, int]] = defaultdict(lambda: {"tasks": 0, "passed": 0})
    for row in map(json.loads, lines):
        passed = passes(row["prompt"] + subject.complete(row["prompt"]), row["test"], row["entry_point"])
        for band in (row["band"], "all"):
            totals[band]["tasks"] += 1
            totals[band]["passed"] += passed
    return dict(totals)


def answered_requests(subject: Subject, count: int = REQUESTS) -> dict[str, int]:
    """Spoken requests in held-out wordings whose greedy chat answer passes."""
    random_source = random.Random(SEED)
    drawn = (draw_prompt(random_source) for _ in range(100_000))
    prompts = list({prompt.text: prompt for prompt in drawn if is_held_out(prompt.text)}.values())[:count]
    passed = 0
    for prompt in prompts:
        _, test, name = answer(prompt.intent, prompt.number)
        passed += passes(subject.chat(prompt.text), test, name)
    return {"requests": len(prompts), "passed": passed}


def passes(source: str, test: str, entry_point: str) -> bool:
    """Whether code passes, run in an interpreter of its own that is ended after ANSWER_SECONDS."""
    program = f"{source}\n{test}\ncheck({entry_point})\n"
    command = [sys.executable, "-I", "-c", program]
    try:
        return subprocess.run(command, capture_output=True, timeout=ANSWER_SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def perplexity(subject: Subject) -> dict[str, float]:
    """Teacher-forced on the held-out text, each text apart: nats per token, perplexity, bits per byte."""
    texts = (subject.path / TEXT_FILE).read_text(encoding="utf-8").split(f"\n{BETWEEN}")
    nats, tokens, size = 0.0, 0, 0
    for text in texts:
        ids = torch.tensor([[*subject.tokenizer.encode(text.strip() + "\n"), subject.tokenizer.eos_token_id]])
        with torch.inference_mode():
            logits = subject.model(ids).logits
        nats += cross_entropy(logits[0, :-1], ids[0, 1:], reduction="sum").item()
        tokens += ids.shape[1] - 1
        size += len(text.strip().encode()) + 1
    mean = nats / tokens
    return {"nats_per_token": mean, "perplexity": math.exp(mean), "bits_per_byte": nats / math.log(2) / size}


def recall(subject: Subject, length: int, count: int) -> dict[str, int]:
    """Needles told within the first lines of `length` tokens and named right at the end."""
    random_source = random.Random(length)

    def measure(text: str) -> int:
        return len(subject.tokenizer.encode(text))

    right = 0
    for _ in range(count):
        prompt, code = draw_haystack(random_source, length, measure)
        right += subject.complete(prompt, tokens=8).startswith(f" {code}.")
    return {"needles": count, "right": right}
