"""What the training loop itself is asked: the recipe's section `train`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .errors import require


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the training loop itself is asked.

    Args:
        epochs: passes over the training part, 1 or more.
        batch_size: samples per batch, 1 or more; shared out over the devices; of each worker in a launched run.
        accumulate: batches whose gradients are added up for one update, 1 or more.
        seed: of weights, order, augmentation and dropout; the same seed gives the same weights.
        clip_norm: largest global norm of the gradient of the mean loss, above 0, or none.
        ema: decay of a running average of the weights, which is then what is measured and kept, in [0, 1); 0 for none.
        patience: stop after that many epochs without a better held-out figure; 0 for never.
        freeze: regular expression; parameters whose name it matches from the start stay as they are.
        factors: PATTERN=FACTOR, each for the learning rate of the parameters that PATTERN matches.
        precision: of the arithmetic; bfloat16 on a CPU that has it, or float16 on GPUs; the weights stay float32.
        hybridize: compile the network with static memory; off, it runs line by line for debugging.
        device: cpu, cpu:N for N contexts on the CPU, or gpu:0,1 for those GPUs.
        kvstore: how several devices add their gradients: on the host (local), on a device, or by nccl; and how the
            workers of a launched run do: all together (dist_sync, dist_device_sync), or each on its own (dist_async).
        checkpoint_steps: updates between two checkpoints within an epoch; 0 for none by number.
        checkpoint_minutes: minutes after which a checkpoint is written within an epoch; 0 for none by time.
        log_steps: updates between two lines of log.jsonl within an epoch, 1 or more.
        log_norms: put the norms of gradient and parameters into those lines.
        track: write the log for these too: tensorboard, mlflow.
    """

    epochs: int = 10
    batch_size: int = 64
    accumulate: int = 1
    seed: int = 0
    clip_norm: float | None = None
    ema: float = 0.0
    patience: int = 0
    freeze: str = ""
    factors: tuple[str, ...] = ()
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    hybridize: bool = True
    device: str = "cpu"
    kvstore: Literal["local", "device", "nccl", "dist_sync", "dist_device_sync", "dist_async"] = "device"
    checkpoint_steps: int = 0
    checkpoint_minutes: float = 10.0
    log_steps: int = 50
    log_norms: bool = False
    track: tuple[Literal["tensorboard", "mlflow"], ...] = ()

    def check(self) -> None:
        """Refuse values out of range.

        Raises:
            OptionError: naming the first.
        """
        for key in ("epochs", "batch_size", "accumulate", "log_steps"):
            value = getattr(self, key)
            require(value >= 1, "train", key, value, "1 or more", 10)
        for key in ("patience", "checkpoint_steps", "checkpoint_minutes"):
            value = getattr(self, key)
            require(value >= 0, "train", key, value, "0 or more", 10)
        require(0 <= self.seed < 2**31, "train", "seed", self.seed, "0 to 2147483647", 0)
        require(0 <= self.ema < 1, "train", "ema", self.ema, "a share from 0 to below 1", 0.999)
        clip = self.clip_norm
        require(clip is None or clip > 0, "train", "clip_norm", clip, "above 0, or none", 1.0)
