"""bitsandbytes' LLM.int8() layer with less overhead around its product on a CPU: the same numbers in a third of the
operations.

Its own forward goes through an autograd function and five custom operators, which take longer than the product of a
small layer. This layer calls the operations inside them; the product itself is bitsandbytes' own for this CPU.
"""

from __future__ import annotations

from typing import Any

import torch
from bitsandbytes.nn.modules import Linear8bitLt
from torch import Tensor

# bitsandbytes' factors for codes: 1 / 127, and 1 / 127 squared.
ONE_CODE, TWO_CODES = 7.874015718698502e-3, 6.200124e-05


class Int8Linear(Linear8bitLt):
    """A `Linear8bitLt` whose weight is already quantized. Off a CPU, and with gradients, it behaves as its base
    class."""

    state: Any  # annotated as optional codes, which always exist once the weight is quantized

    def forward(self, x: Tensor) -> Tensor:
        """States [..., in] to [..., out]."""
        if x.device.type != "cpu" or torch.is_grad_enabled() or self.training or not x.numel():
            plain: Tensor = super().forward(x)
            return plain
        states, state, bias = x.reshape(-1, self.in_features), self.state, self.bias
        codes, scales, columns = quantize_rows(states.half(), state.threshold)
        state.idx = columns
        products = torch.ops.bitsandbytes.int8_linear_matmul.default(codes, state.CB)
        output: Tensor = (products * (scales.unsqueeze(-1) * state.SCB)).mul_(TWO_CODES)
        if bias is not None:
            output += bias.to(x.dtype)
        output = output.to(x.dtype)
        if columns is not None and len(columns):
            weight = (state.CB[:, columns] * state.SCB.unsqueeze(-1)).mul_(ONE_CODE).to(x.dtype)
            output = output.addmm(states[:, columns], weight.t())
        return output.view(*x.shape[:-1], self.out_features)


def quantize_rows(rows: Tensor, threshold: float) -> tuple[Tensor, Tensor, Tensor | None]:
    """Float16 [R, in] as int8 codes, the largest magnitude of each row [R], and with a threshold the columns that hold
    a value of at least that, whose codes are zero."""
    sizes, columns = rows.abs(), None
    if threshold > 0:
        over = sizes >= threshold
        if over.any():
            columns = over.any(0).nonzero().view(-1)
            sizes.masked_fill_(over, 0)
        else:
            columns = torch.empty(0, dtype=torch.long)
    largest = sizes.amax(1).float()
    codes = (rows * (127.0 / largest.unsqueeze(-1))).round_().to(torch.int8)
    if columns is not None and len(columns):
        codes[:, columns] = 0
    return codes, largest, columns
