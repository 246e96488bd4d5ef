"""What a bundle says to people: how inputs become arrays, step by step, and its README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..bundled.box import ARRAYS
from ..records import Facts

SPLITS = {
    "character": "split into characters (Unicode code points)",
    "marked": "split into characters (Unicode code points), <s> put before the first and </s> after the last",
    "word": "split into words at white space",
}
EXAMPLES = {
    "image": "picture.png",
    "vector": "rows.csv",
    "text": '"some text"',
    ARRAYS: "inputs.npz",
}


def steps(facts: Facts) -> list[str]:
    """From what a person has to the model's inputs, for whoever writes it again in another language."""
    return STEPS[facts.takes](facts)


def _image(facts: Facts) -> list[str]:
    channel, height, width = facts.shape
    colours = "grey: (19595 R + 38470 G + 7471 B + 32768) >> 16" if channel == 1 else "red, green, blue"
    return [
        "turned upright as EXIF says; transparent pixels and 16 bits per channel are refused",
        f"made {colours}",
        f"resized to {width} wide and {height} high, bilinear over all pixels that one covers (Pillow's BILINEAR)",
        f"float32, raw values 0 to 255, {channel} x {height} x {width} (channel, height, width), batch in front",
        "nothing else: mean and deviation are in the model",
    ]


def _vector(facts: Facts) -> list[str]:
    found = []
    for at, name in enumerate(facts.columns):
        values = facts.categories[at] if facts.categories else ()
        if values:
            found.append(
                f"{name}: {len(values)} numbers, 1 at its place among its categories, else 0; all 0 for any other"
            )
        elif name in facts.gaps:
            found.append(f"{name}: the number, or where it is missing that column's mean; then 1 if missing, else 0")
        else:
            found.append(f"{name}: the number")
    return [
        *found,
        f"float32, {facts.shape[0]} numbers in that order, batch in front",
        "nothing else: mean and deviation are in the model",
    ]


def _text(facts: Facts) -> list[str]:
    kept = f"the first {facts.length} kept, marks not counted" if facts.length else "all kept"
    return [
        SPLITS.get(facts.split, SPLITS["character"]),
        kept,
        "tokens: the place of each in vocabulary.json, 1 where it has none; int32, padded at the end "
        "with 0, batch in front",
        "length: how many tokens, int32",
    ]


def _arrays(facts: Facts) -> list[str]:
    return ["not known: the inputs in bundle.json are given as arrays, batch in front"]


STEPS = {"image": _image, "vector": _vector, "text": _text, ARRAYS: _arrays}


def page(document: Mapping[str, Any], facts: Facts) -> str:
    """README.md.

    Args:
        document: of bundle.json.
        facts: by which inputs are read.
    """
    inputs = ", ".join(f"{one['name']} {one['dtype']} {_shape(one)}" for one in document["inputs"])
    outputs = ", ".join(one["name"] for one in document["outputs"])
    example = EXAMPLES[facts.takes]
    rows = {
        "model.onnx": f"the network, ONNX opset {document['opset']}; inputs {inputs}; outputs {outputs}",
        "bundle.json": "inputs and outputs, versions, and a checksum of each file, which predict.py checks",
        "preprocessing.json": "how an input becomes the model's arrays: steps for people, facts for programs",
        **({"labels.json": "names of the scores, in order"} if facts.labels else {}),
        **({"vocabulary.json": "the tokens, in order"} if facts.vocab else {}),
        "predict.py, reader/": "the program",
    }
    table = "\n".join(f"| {name} | {told} |" for name, told in rows.items())
    return f"""# {document.get("model", "A model")}, exported from MXNet

```
pip install numpy onnxruntime
python predict.py {example}
python predict.py --json {example}
python bundle.zip {example}          without unzipping
```

It needs numpy and onnxruntime{", and Pillow for images other than PNG" if facts.takes == "image" else ""}.

| file | what it is |
| --- | --- |
{table}
"""


def _shape(field: Mapping[str, Any]) -> str:
    batch = str(field.get("batch") or "batch")
    return "(" + ", ".join([batch, *("any" if size == -1 else str(size) for size in field["shape"])]) + ")"
