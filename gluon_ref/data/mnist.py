"""MNIST: handwritten digits, 28x28 grey, 10 classes, 60,000 for training and 10,000 held out; idx files in a folder.

The folder holds four files, each gzipped (.gz) or not:

    DIR/train-images-idx3-ubyte.gz    DIR/t10k-images-idx3-ubyte.gz
    DIR/train-labels-idx1-ubyte.gz    DIR/t10k-labels-idx1-ubyte.gz

    gluonref train cnn --data mnist:DIR --set data.download=true

fetches those that are missing.
"""

from __future__ import annotations

from ..downloading import Remote
from ..records import Data, Facts
from ._idx import folder

LABELS = tuple("0123456789")
ADDRESS = "https://ossci-datasets.s3.amazonaws.com/mnist/"
FILES = tuple(
    Remote(ADDRESS + name, sha256, size_bytes)
    for name, sha256, size_bytes in (
        ("train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9_912_422),
        ("train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881),
        ("t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877),
        ("t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542),
    )
)


def load(path: str, known: Facts | None = None, *, download: bool = False, download_timeout_s: float = 600.0) -> Data:
    """Images as uint8 (1, 28, 28) with labels 0 to 9.

    Args:
        path: a folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
            t10k-labels-idx1-ubyte, each gzipped (.gz) or not.
        known: of the images a network was trained on: then nothing is fetched.
        download: fetch the files that are missing, 12 MB, into the folder, which is made.
        download_timeout_s: most that each file may take, above 0.
    Raises:
        PathError, DataError: for files that are missing, unreadable, altered or do not belong together.
        MachineError: for files that cannot be fetched.
    Source: Y. LeCun, C. Cortes and C. Burges, The MNIST database of handwritten digits, 1998.
    """
    return folder("mnist", path, LABELS, FILES, download=download and not known, timeout_s=download_timeout_s)
