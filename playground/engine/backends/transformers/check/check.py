"""`CheckModel`: every finding on a checkpoint, the cheap ones first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from playground.engine.backends.base import Cancelled, EngineError, Progress
from playground.engine.backends.transformers.architecture import refuse_config
from playground.engine.backends.transformers.check.files import check_files
from playground.engine.backends.transformers.check.generation import check_generation
from playground.engine.backends.transformers.check.headers import check_headers
from playground.engine.backends.transformers.check.template import check_template
from playground.engine.backends.transformers.check.values import check_values
from playground.engine.backends.transformers.check.vocabulary import check_vocabulary
from playground.engine.backends.transformers.check.weights import check_weights
from playground.engine.checkpoint.checkpoint import Checkpoint, inspect
from playground.engine.checkpoint.config import read_config
from playground.protocol.commands import CheckModel
from playground.protocol.events import CheckFinding, ModelChecked
from playground.protocol.fault import error_line

Part = Callable[[Checkpoint, Progress], Iterator[CheckFinding]]
PARTS: tuple[Part, ...] = (
    *(check_files, check_headers, check_weights, check_values, check_vocabulary, check_template),
    check_generation,
)


def check(command: CheckModel, progress: Progress) -> ModelChecked:
    """Run all checks; a checkpoint that cannot be loaded at all ends them."""
    progress("checking")
    try:
        checkpoint = inspect(command.model, False, command.allow_pickle, progress)
        refuse_config(read_config(checkpoint, trust_remote_code=False), trust_remote_code=False)
    except Cancelled:
        raise
    except Exception as error:
        return ModelChecked(model=command.model, findings=[_fault("loadable", error)], loadable=False)
    kind = checkpoint.config["model_type"]
    findings = [CheckFinding(name="loadable", verdict="pass", evidence=f"an architecture that runs here: {kind}")]
    for part in PARTS:
        findings += _guarded(part, checkpoint, progress)
    return ModelChecked(model=command.model, findings=findings)


def _guarded(part: Part, checkpoint: Checkpoint, progress: Progress) -> list[CheckFinding]:
    """The findings of one check; an exception in it is a finding too."""
    try:
        return list(part(checkpoint, progress))
    except Cancelled:
        raise
    except Exception as error:  # transformers raises anything over a config or a tokenizer that it does not understand
        return [_fault(part.__name__.removeprefix("check_"), error)]


def _fault(name: str, error: Exception) -> CheckFinding:
    advice = error.advice if isinstance(error, EngineError) else "fetch the checkpoint again"
    return CheckFinding(name=name, verdict="fail", evidence=error_line(error), advice=advice)
