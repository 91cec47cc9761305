"""The bundled tiny-coder: it loads, it is small, it stops, and it does what its card says."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from playground.models.make_tiny_coder.answers import answer, answers  # noqa: E402
from playground.models.make_tiny_coder.chat import draw_conversation  # noqa: E402
from playground.models.make_tiny_coder.evaluate import Subject, pass_at_1, passes, perplexity, recall  # noqa: E402
from playground.models.make_tiny_coder.held_out import write_held_out  # noqa: E402
from playground.models.make_tiny_coder.prompts import NUMBER_WORDS, PHRASES, draw_prompt  # noqa: E402
from playground.models.make_tiny_coder.tokenizer import END  # noqa: E402
from playground.synthetic.tasks import draw_task, held_out_tasks  # noqa: E402
from playground.synthetic.tasks.task import run_tests  # noqa: E402

MODEL = Path(__file__).parents[2] / "playground" / "models" / "tiny-coder"
MEBIBYTE = 2**20
SAMPLE = 20


@pytest.fixture(scope="module")
def subject() -> Subject:
    return Subject(MODEL)


@pytest.fixture(scope="module")
def figures() -> dict:
    return json.loads((MODEL / "figures.json").read_text(encoding="utf-8"))


def test_the_shape_is_what_the_design_asks_for(subject: Subject) -> None:
    config = subject.model.config
    assert config.model_type == "llama"
    assert config.head_dim == 64
    assert config.num_key_value_heads < config.num_attention_heads
    assert 1024 <= config.vocab_size <= 4096
    assert len(subject.tokenizer) == config.vocab_size
    assert config.max_position_embeddings == 8192


def test_the_folder_is_small() -> None:
    assert sum(file.stat().st_size for file in MODEL.iterdir()) <= 40 * MEBIBYTE


def test_the_figures_hold_on_a_sample(subject: Subject, figures: dict) -> None:
    sample = pass_at_1(subject, SAMPLE)["all"]
    assert sample["passed"] / SAMPLE >= 0.5
    whole = figures["pass_at_1"]["all"]
    assert whole["passed"] / whole["tasks"] >= 0.6


def test_perplexity_is_what_the_card_says(subject: Subject, figures: dict) -> None:
    assert perplexity(subject)["perplexity"] == pytest.approx(figures["perplexity"]["perplexity"], rel=0.02)


def test_a_needle_is_found(subject: Subject, figures: dict) -> None:
    expected = figures["recall"]["256"]
    found = recall(subject, 256, 8)
    assert found["right"] / 8 >= expected["right"] / expected["needles"] - 0.35


def test_a_request_gives_a_right_function_and_stops(subject: Subject) -> None:
    reply = subject.chat("write a function that adds two numbers")
    assert passes(reply, answer("add", None)[1], "add")


def test_the_end_token_stops_a_body(subject: Subject) -> None:
    prompt = 'def add(a: int, b: int) -> int:\n    """Return the sum of a and b."""\n'
    ids = torch.tensor([subject.tokenizer.encode(prompt)])
    out = subject.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=60)
    assert out[0, -1] == subject.tokenizer.eos_token_id
    assert out.shape[1] - ids.shape[1] < 20


def test_a_long_prompt_does_not_collapse(subject: Subject) -> None:
    random_source = random.Random(1)
    context = ""
    while len(subject.tokenizer.encode(context)) < 2000:
        context += draw_task(random_source, held_out=False).source + END
    tasks = list(held_out_tasks(7, 3))
    answers = [task.prompt + subject.complete(context + task.prompt) for task in tasks]
    passed = [passes(text, task.test, task.entry_point) for text, task in zip(answers, tasks, strict=True)]
    assert sum(passed) >= 2


def test_the_chat_template_renders(subject: Subject) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}]
    text = subject.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert text == "<|system|>Be brief.<|end|><|user|>hello<|end|><|assistant|>"
    assert len(subject.tokenizer.encode("<|assistant|>")) == 1


@pytest.mark.parametrize("text", ["x = 1\n    y", "Привет, мир!", "日本 🙂 naïve", "\t\r\n a  b"])
def test_the_tokenizer_gives_back_any_text(subject: Subject, text: str) -> None:
    assert subject.tokenizer.decode(subject.tokenizer.encode(text)) == text


def test_a_prompt_cut_at_the_line_end_has_the_tokens_of_the_whole(subject: Subject) -> None:
    for task in itertools.islice(held_out_tasks(3, 20), 20):
        whole, prompt = subject.tokenizer.encode(task.source), subject.tokenizer.encode(task.prompt)
        assert whole[: len(prompt)] == prompt


def test_the_card_names_licence_data_and_command() -> None:
    card = (MODEL / "README.md").read_text(encoding="utf-8")
    for word in ("Apache-2.0", "python -m playground.models.make_tiny_coder", "Limits", "seed", "pass@1"):
        assert word in card


def test_the_held_out_files_are_what_the_generator_writes(tmp_path: Path) -> None:
    write_held_out(tmp_path)
    for name in ("held_out.jsonl", "held_out.txt"):
        assert (tmp_path / name).read_bytes() == (MODEL / name).read_bytes()


def test_held_out_prompts_never_occur_in_training() -> None:
    held_out = {task.prompt for task in held_out_tasks(5, 150)}
    random_source = random.Random(0)
    for _ in range(2000):
        assert draw_task(random_source, held_out=False).prompt not in held_out
    conversations = "".join(draw_conversation(random_source) for _ in range(500))
    assert not any(prompt in conversations for prompt in held_out)


def test_every_spoken_intent_has_an_answer_that_passes() -> None:
    assert set(PHRASES) == set(answers())
    for intent in answers():
        for number in NUMBER_WORDS:
            run_tests(*answer(intent, number))


def test_spoken_prompts_are_plain_lower_case() -> None:
    source = random.Random(3)
    prompts = [draw_prompt(source).text for _ in range(200)]
    assert all(prompt == prompt.lower() and prompt.replace(" ", "").isalpha() for prompt in prompts)


def held_out_ids(subject: Subject, count: int) -> list:
    lines = (MODEL / "held_out.jsonl").read_text(encoding="utf-8").splitlines()[:count]
    rows = [json.loads(line) for line in lines]
    return [torch.tensor([subject.tokenizer.encode(row["prompt"] + row["canonical_solution"])]) for row in rows]


def all_logits(model: object, ids: list) -> list:
    with torch.inference_mode():
        return [model(one).logits.float() for one in ids]


def agreement(logits: list, base: list) -> float:
    """The share of positions with the same most likely token."""
    same = sum((a.argmax(-1) == b.argmax(-1)).sum().item() for a, b in zip(logits, base, strict=True))
    return same / sum(a.shape[1] for a in base)


def test_it_is_said_where_the_model_with_outliers_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from playground.models import make_outliers

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["make_outliers"])
    make_outliers.main()
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'tiny-coder-outliers'}: channels ")


def test_constructed_outliers_break_plain_int8_and_the_threshold_saves_it(subject: Subject, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    from playground.models.make_outliers import make_outliers

    make_outliers(MODEL, tmp_path)
    ids = held_out_ids(subject, 16)
    base = all_logits(subject.model, ids)
    same = all_logits(AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32), ids)
    assert all(torch.allclose(a, b, atol=1e-3) for a, b in zip(same, base, strict=True))

    def int8(threshold: float) -> float:
        quantization = BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=threshold)
        model = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float16, quantization_config=quantization)
        return agreement(all_logits(model, ids), base)

    assert int8(0.0) < 0.8
    assert int8(6.0) > 0.95
    assert "constructed" in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))["constructed_outliers"]["factor"] == 200.0
