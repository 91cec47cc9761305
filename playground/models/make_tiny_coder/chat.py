"""Conversations: spoken requests, functions to complete, a little small talk."""

from __future__ import annotations

import random

from playground.models.make_tiny_coder.answers import answer
from playground.models.make_tiny_coder.prompts import draw_prompt
from playground.models.make_tiny_coder.tokenizer import END
from playground.synthetic.split import is_held_out
from playground.synthetic.tasks import draw_task
from playground.synthetic.tasks.task import run_tests

SYSTEM = "You write small Python functions."
COMPLETE = (
    "Complete this function:",
    "Complete this code:",
    "Finish this function:",
    "Please complete:",
    "complete this function",
)
ABOUT = "I am tiny-coder, a very small model. I write small Python functions."
SMALL_TALK = {
    ("hello", "hi", "hey", "good morning"): f"Hello! {ABOUT}",
    ("who are you", "what are you", "what is your name", "what can you do", "help"): ABOUT,
    ("thanks", "thank you", "great", "well done"): "You are welcome. What should I write next?",
    ("bye", "goodbye", "see you"): "Goodbye!",
    (
        "привет",
        "здравствуйте",
        "добрый день",
    ): "Привет! Я tiny-coder, очень маленькая модель. Я пишу небольшие функции на Python.",
    ("кто ты", "что ты умеешь"): "Я tiny-coder. Я пишу небольшие функции на Python.",
    ("спасибо",): "Пожалуйста. Что написать дальше?",
}


def draw_conversation(random_source: random.Random) -> str:
    """One conversation of one to three exchanges, in the chat template's form."""
    text = f"<|system|>{SYSTEM}{END}" if random_source.random() < 0.2 else ""
    for _ in range(random_source.choices((1, 2, 3), (8, 2, 1))[0]):
        request, reply = random_source.choices((_spoken, _complete, _small_talk), (12, 5, 1))[0](random_source)
        text += f"<|user|>{request}{END}<|assistant|>{reply}{END}"
    return text.removesuffix(END)  # the packing ends every document


def _spoken(random_source: random.Random) -> tuple[str, str]:
    prompt = draw_prompt(random_source)
    while is_held_out(prompt.text):
        prompt = draw_prompt(random_source)
    source, test, name = answer(prompt.intent, prompt.number)
    run_tests(source, test, name)
    return _as_typed(random_source, prompt.text), source


def _complete(random_source: random.Random) -> tuple[str, str]:
    task = draw_task(random_source, held_out=False)
    return f"{random_source.choice(COMPLETE)}\n{task.prompt}", task.source


def _small_talk(random_source: random.Random) -> tuple[str, str]:
    said, reply = random_source.choice(list(SMALL_TALK.items()))
    return _as_typed(random_source, random_source.choice(said)), reply


def _as_typed(random_source: random.Random, text: str) -> str:
    """A text with or without capital and full stop, as people and recognisers write them."""
    if random_source.random() < 0.4:
        text = text[0].upper() + text[1:]
    return text + random_source.choice(("", "", ".", "?" if text.lower().startswith("can") else "."))
