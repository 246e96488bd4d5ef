"""Whether images are decoded as fast as networks train on them: `python benchmarks/decoding.py`, some minutes.

Writes made-up photographs, smooth shapes with noise, as JPEGs in folders and in a RecordIO file: of 32x32, of 224x224,
and of 640x480 that are resized to 224x224. Takes them in batches as training does, and by Pillow alone, and decodes
them by MXNet's and OpenCV's functions and by ImageRecordIter. Then nets of recipes train on arrays of those sizes.
Images a second of the processor, user and system, medians of rounds in turns: neighbours on the machine disturb these
less than the clock. Writes results/decoding.md and decoding.json.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from gluon_ref import catalog
from gluon_ref.backend import mx
from gluon_ref.data import image_folder, recordio
from gluon_ref.inputs import _pixels, image
from gluon_ref.layers import settle
from gluon_ref.machine import processors, threads
from gluon_ref.records import Batch, Data, Facts

RESULTS = Path(__file__).parent / "results"
ROUNDS, BATCH = 5, 64
# Label -> height and width of the files, side that networks see, number of images.
SETS = {"32x32": ((32, 32), 32, 1920), "224x224": ((224, 224), 224, 256), "640x480 to 224x224": ((480, 640), 224, 128)}
# Net, its options, side, batch.
NETS: tuple[tuple[str, dict[str, Any], int, int], ...] = (
    ("resnet", {"depth": 14, "width": 32}, 32, 64),
    ("cnn", {}, 32, 64),
    ("mlp", {}, 32, 64),
    ("backbone", {"network": "resnet18_v1b"}, 224, 16),
)


def photograph(random: np.random.RandomState, height: int, width: int) -> bytes:
    """A JPEG of quality 90: smooth shapes with some noise, so that it takes about as many bytes as a photograph."""
    coarse = random.randint(0, 256, (max(2, height // 8), max(2, width // 8), 3)).astype(np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
    noisy = np.clip(smooth + random.randint(-4, 5, smooth.shape), 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(noisy).save(file, "JPEG", quality=90)
    return file.getvalue()


def write(folder: Path, contents: list[bytes]) -> Path:
    """Images in two class folders, and in a RecordIO file beside them, which is returned."""
    record = mx.recordio.MXRecordIO(str(folder.with_suffix(".rec")), "w")
    for number, content in enumerate(contents):
        path = folder / "ab"[number % 2] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        record.write(mx.recordio.pack(mx.recordio.IRHeader(0, number % 2, number, 0), content))
    record.close()
    return folder.with_suffix(".rec")


def decoders(folder: Path, contents: list[bytes], side: int, whole: bool) -> dict[str, Callable[[], int]]:
    """Name -> what decodes images once and says how many.

    Args:
        folder: of the files, with a RecordIO file beside it.
        contents: of the files.
        side: of the images that come out.
        whole: the files have that size already.
    """
    record = str(folder.with_suffix(".rec"))
    options: dict[str, Any] = {} if whole else {"size": (side, side)}
    folders = [image_folder.load(str(folder), **options) for _ in range(2)]
    folders[1].train.survey.native[:] = False

    def taking(data: Data) -> int:
        count = len(data.train)
        for start in range(0, count, BATCH):
            image.collate(data.train.take(np.arange(start, min(start + BATCH, count)))[0], data.facts)
        return count

    def looking() -> int:
        data = image_folder.load(str(folder), **options)
        return len(data.train) + len(data.held_out)

    def imdecode() -> int:
        for content in contents:
            found = mx.image.imdecode(content)
            (found if whole else mx.image.imresize(found, side, side)).wait_to_read()
        return len(contents)

    def opencv() -> int:
        for content in contents:
            found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
            found = found if whole else cv2.resize(found, (side, side), interpolation=cv2.INTER_LINEAR)
            np.ascontiguousarray(found[:, :, ::-1].transpose(2, 0, 1))
        return len(contents)

    def iterator() -> int:
        size = {"path_imgrec": record, "data_shape": (3, side, side), "batch_size": BATCH}
        edge = {} if whole else {"resize": side}
        for batch in mx.io.ImageRecordIter(**size, **edge, preprocess_threads=threads(), round_batch=False):
            batch.data[0].wait_to_read()
        return len(contents)

    return {
        "image_folder, batches": partial(taking, folders[0]),
        "image_folder, batches by Pillow": partial(taking, folders[1]),
        "recordio, batches": partial(taking, recordio.load(record, **options)),
        "image_folder, the first look": looking,
        "mx.image.imdecode": imdecode,
        "cv2.imdecode": opencv,
        "mx.io.ImageRecordIter": iterator,
    }


def trainer(name: str, options: dict[str, Any], side: int, size: int) -> Callable[[], int]:
    """What trains a net on a few batches and says on how many images."""
    random = np.random.RandomState(0)
    facts = Facts("image", "label", (3, side, side), labels=tuple("0123456789"), mean=(120.0,) * 3, std=(60.0,) * 3)
    net = catalog.find("models", name).build(facts, **options)
    net.initialize(mx.init.Xavier())
    settle(net, image.fields(facts), mx.cpu())
    net.hybridize(static_alloc=True)
    updates = mx.gluon.Trainer(net.collect_params(), "adam", kvstore=None)
    objective = catalog.find("tasks", "classify").build(facts).objectives[0]
    targets = mx.nd.array(random.randint(0, 10, size), dtype="int32")
    batch = Batch((mx.nd.array(image.imagine(facts, size, random), dtype="float32"),), targets, size)

    def steps() -> int:
        count = 2 if side > 100 else 10
        for _ in range(count):
            with mx.autograd.record():
                loss = objective.loss(net, batch)
            loss.backward()
            updates.step(size)
        mx.nd.waitall()
        return count * size

    return steps


def speeds(workers: dict[str, Callable[[], int]]) -> dict[str, dict[str, float]]:
    """Images a second of the processor and by the clock, medians of rounds in turns; the first round does not count."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in workers}
    for _ in range(ROUNDS + 1):
        for name, work in workers.items():
            clock, processor = time.perf_counter(), time.process_time()
            count = work()
            found[name].append((count / (time.process_time() - processor), count / (time.perf_counter() - clock)))
    told = {}
    for name, rounds in found.items():
        by_processor, by_clock = zip(*rounds[1:])
        told[name] = {
            "processor": statistics.median(by_processor),
            "least": min(by_processor),
            "most": max(by_processor),
            "clock": statistics.median(by_clock),
        }
    return told


def alike(contents: list[bytes]) -> float:
    """Share of the images of which MXNet and OpenCV make the very same pixels as Pillow does."""
    same = 0
    with _pixels.guarded():
        for content in contents:
            mine = _pixels.array(_pixels.decode(content))
            theirs = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1].transpose(2, 0, 1)
            same += (mine == theirs).all() and (mine == mx.image.imdecode(content).asnumpy().transpose(2, 0, 1)).all()
    return float(same) / len(contents)


def main() -> None:
    """Measure, print and keep."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="gluonref-decoding-") as scratch:
        for label, ((height, width), side, count) in SETS.items():
            random = np.random.RandomState(0)
            contents = [photograph(random, height, width) for _ in range(count)]
            folder = Path(scratch, label.split()[0])
            write(folder, contents)
            found[label] = {
                "size_bytes": sum(map(len, contents)) / count,
                "alike": alike(contents),
                "speeds": speeds(decoders(folder, contents, side, (height, width) == (side, side))),
            }
    nets = {
        f"{name}, {side}x{side}, batch {size}": trainer(name, options, side, size) for name, options, side, size in NETS
    }
    found["training"] = {"speeds": speeds(nets)}
    lines = [
        f"`python benchmarks/decoding.py`, {processors()} cores, threads: {threads()}, load {os.getloadavg()[0]:.1f}; "
        f"images a second, medians of {ROUNDS}.",
        "",
        "| images | by | a processor second | least, most | by the clock |",
        "| --- | --- | --- | --- | --- |",
    ]
    for label, one in found.items():
        told = f"{label}, {one['size_bytes']:,.0f} bytes" if "size_bytes" in one else label
        for name, speed in one["speeds"].items():
            least = f"{speed['least']:,.0f}, {speed['most']:,.0f}"
            lines.append(f"| {told} | {name} | {speed['processor']:,.0f} | {least} | {speed['clock']:,.0f} |")
    shares = ", ".join(f"{one['alike']:.3f} of {label}" for label, one in found.items() if "alike" in one)
    lines += ["", f"MXNet and OpenCV make the very same pixels as Pillow of {shares}, before any resizing."]
    text = "\n".join(lines) + "\n"
    print(text)
    (RESULTS / "decoding.md").write_text(text, encoding="utf-8")
    (RESULTS / "decoding.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
