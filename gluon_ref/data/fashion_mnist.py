"""Fashion-MNIST: clothing, 28x28 grey, 10 classes, 60,000 for training and 10,000 held out; idx files in a folder.

The folder holds four files, each gzipped (.gz) or not:

    DIR/train-images-idx3-ubyte.gz    DIR/t10k-images-idx3-ubyte.gz
    DIR/train-labels-idx1-ubyte.gz    DIR/t10k-labels-idx1-ubyte.gz

    gluonref train cnn --data fashion_mnist:DIR --set data.download=true

fetches those that are missing.
"""

from __future__ import annotations

from ..downloading import Remote
from ..records import Data, Facts
from ._idx import folder

LABELS = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
ADDRESS = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
FILES = tuple(
    Remote(ADDRESS + name, sha256, size_bytes)
    for name, sha256, size_bytes in (
        ("train-images-idx3-ubyte.gz", "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26_421_880),
        ("train-labels-idx1-ubyte.gz", "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29_515),
        ("t10k-images-idx3-ubyte.gz", "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4_422_102),
        ("t10k-labels-idx1-ubyte.gz", "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5_148),
    )
)


def load(path: str, known: Facts | None = None, *, download: bool = False, download_timeout_s: float = 600.0) -> Data:
    """Images as uint8 (1, 28, 28) with labels 0 to 9.

    Args:
        path: a folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
            t10k-labels-idx1-ubyte, each gzipped (.gz) or not.
        known: of the images a network was trained on: then nothing is fetched.
        download: fetch the files that are missing, 31 MB, into the folder, which is made.
        download_timeout_s: most that each file may take, above 0.
    Raises:
        PathError, DataError: for files that are missing, unreadable, altered or do not belong together.
        MachineError: for files that cannot be fetched.
    Source: H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST, 2017, https://arxiv.org/abs/1708.07747
    """
    return folder(
        "fashion_mnist", path, LABELS, FILES, download=download and not known, timeout_s=download_timeout_s, mirror=True
    )
