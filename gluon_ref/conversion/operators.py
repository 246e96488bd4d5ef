"""Which operators an ONNX model is made of, and since which version each is as it is: what a small runtime needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx

STANDARD = "ai.onnx"


def required(path: Path) -> list[str]:
    """The operators of a model, one line per domain and version, as ONNX Runtime's reduced builds read them.

    Args:
        path: of an .onnx file; one that ONNX Runtime has optimized may hold operators of its own.
    Returns:
        sorted lines such as "ai.onnx;13;Flatten,Gemm".
    """
    model = onnx.load(str(path), load_external_data=False)
    opsets = {one.domain or STANDARD: one.version for one in model.opset_import}
    found: dict[tuple[str, int], set[str]] = defaultdict(set)
    for node in _nodes(model.graph):
        domain = node.domain or STANDARD
        found[domain, _since(domain, node.op_type, opsets[domain])].add(node.op_type)
    return [f"{domain};{since};{','.join(sorted(names))}" for (domain, since), names in sorted(found.items())]


def _nodes(graph: Any) -> Iterator[Any]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _nodes(attribute.g)


def _since(domain: str, name: str, opset: int) -> int:
    """The version that brought an operator as it is; ONNX Runtime's own operators are all of their domain's first."""
    if domain != STANDARD:
        return 1
    return int(onnx.defs.get_schema(name, max_inclusive_version=opset, domain="").since_version)
