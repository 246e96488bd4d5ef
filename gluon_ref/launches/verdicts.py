"""When an attempt has failed, and by whom: each check looks at all processes and names the one to blame."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .members import Member, workers
from .records import Ending, Timing

SHELL_FAILED = 255  # as ssh ends when it has no connection, or no longer


@dataclass
class Scene:
    """All that a check looks at.

    Args:
        members: in the order of starting.
        timing: limits.
        began: when the attempt did, by the monotonic clock.
        met: when all workers had told their rank; None until then.
    """

    members: Sequence[Member]
    timing: Timing
    began: float
    met: float | None = None


def judge(scene: Scene, now: float) -> Ending | None:
    """The first of the checks that finds somebody."""
    if scene.met is None and all(one.rank is not None for one in workers(scene.members)):
        scene.met = now
    for check in CHECKS:
        found = check(scene, now)
        if found:
            return found
    return None


def died(scene: Scene, now: float) -> Ending | None:
    """Somebody ended other than with exit code 0."""
    ended = sorted((one for one in scene.members if one.ended is not None), key=lambda one: one.ended or 0)
    for one in ended:
        if one.broken:
            return Ending(1, _where(one), f"cannot be started ({one.broken})", again=False)
        if one.status is None and one.inbox.ended:
            if one.process.poll() is not None or now - (one.ended or now) > scene.timing.gather_s:
                return _agentless(one)
            continue
        if one.status:
            code = one.status if one.status > 0 else 128 - one.status
            how = f"ended with exit code {code}" if one.status > 0 else f"ended by {_signal(-one.status)}"
            return Ending(code, _where(one), f"{how}{_after(one)}", again=code != 2 and one.again)
    return None


def asleep(scene: Scene, now: float) -> Ending | None:
    """The launcher itself stood still, and the agents have ended what they held."""
    if not any(one.deaf for one in scene.members):
        return None
    given = f"gave its agents no sign of life for {scene.timing.silence_s:g} s, so that they ended all"
    return Ending(1, "launch", given, "a launcher that runs", mend="leave it running: not even Ctrl-Z is for it")


def silent(scene: Scene, now: float) -> Ending | None:
    """An agent gave no sign of life: it, or its host, or the way to it is gone."""
    limit = scene.timing.silence_s
    for one in scene.members:
        if one.status is None and one.heard is not None and now - one.heard > limit:
            host = frozenset({one.seat.host.name} - {""})
            return Ending(1, _where(one), f"no sign of life for {limit:g} s{_after(one)}", lost=host)
    return None


def cut(scene: Scene, now: float) -> Ending | None:
    """The network between two hosts is gone, whatever the pipes to their agents do.

    If the scheduler's host misses all others, of which there are two or more, it is the one that was cut off.
    """
    hub, limit = scene.members[0], scene.timing.silence_s
    reports = [since for one in scene.members for since in one.lost.values()]
    if not reports or now - min(reports) < scene.timing.gather_s:
        return None
    lost = {scene.members[index].seat.host.name for index in hub.lost if index < len(scene.members)}
    lost |= {one.seat.host.name for one in scene.members[1:] if one.lost}
    others = {one.seat.host.name for one in scene.members} - {hub.seat.host.name}
    lost -= {hub.seat.host.name}
    if not lost or (lost == others and len(others) > 1):
        lost = {hub.seat.host.name}
    there = [one for one in scene.members if one.seat.host.name in lost]
    names = ", ".join(one.name for one in there)
    begun = any(one.pid is not None for one in there)
    given = f"cut off: nothing heard over the network for {limit:g} s ({names})"
    mend = "" if begun else "check its address in the hosts file, and that no firewall stands between"
    where = f"launch: host {', '.join(sorted(lost))}"
    return Ending(1, where, given, lost=frozenset(lost), unreached=not begun, mend=mend)


def early(scene: Scene, now: float) -> Ending | None:
    """A server or the scheduler has ended, as if all were done, while workers still work."""
    if all(one.status is not None or one.done for one in workers(scene.members)):
        return None
    for one in scene.members:
        if one.seat.role != "worker" and one.status == 0 and now - (one.ended or now) > scene.timing.end_s:
            return Ending(1, _where(one), "ended with exit code 0 while workers still work")
    return None


def unmet(scene: Scene, now: float) -> Ending | None:
    """Not all workers have told their rank in time."""
    limit = scene.timing.rendezvous_s
    if scene.met is not None or now - scene.began < limit:
        return None
    missing = [one for one in workers(scene.members) if one.rank is None]
    unheard = {one.seat.host.name for one in scene.members if one.heard is None}
    names = ", ".join(one.place for one in missing)
    mend = "look at what they printed, or pass a longer --rendezvous-timeout"
    return Ending(
        1,
        "launch: rendezvous",
        f"{len(missing)} of {len(workers(scene.members))} workers missing after {limit:g} s ({names})",
        "all of them to meet by then",
        lost=frozenset(unheard - {""}),
        mend=mend,
    )


def stalled(scene: Scene, now: float) -> Ending | None:
    """No worker got on for too long; the one to blame did not for longest, or several that did until the same moment.

    Steps tell less than time: not all are told, so that who tells a lower one may be further on.
    """
    limit, busy = scene.timing.stall_s, [one for one in workers(scene.members) if one.status is None]
    if scene.met is None or not limit or not busy:
        return None
    if now - max(max(one.moved or 0, scene.met) for one in busy) < limit:
        return None
    oldest = min(one.moved or 0 for one in busy)
    behind = [one for one in busy if (one.moved or 0) - oldest < scene.timing.pulse_s / 2]
    names = ", ".join(f"{one.place}{_after(one)}" for one in behind)
    mend = "see what it waits for; or pass a longer --stall-timeout, 0 for none"
    return Ending(1, "launch", f"no worker got on for {limit:g} s, last of all {names}", mend=mend)


def _agentless(one: Member) -> Ending:
    """The agent is gone, or there was none."""
    status = one.process.poll()
    host = frozenset({one.seat.host.name} - {""})
    why = one.complaint or _end(status)
    if one.heard is None:
        where = f"launch: host {one.seat.host.name}" if one.seat.host.name else _where(one)
        mend = "check the hosts file, --shell, and that --python has this package there"
        expected = "a shell that leads there and starts Python"
        return Ending(
            1, where, f"no agent could be started there ({why})", expected, lost=host, unreached=True, mend=mend
        )
    if status is not None and status < 0:
        return Ending(128 - status, _where(one), f"its agent ended by {_signal(-status)}{_after(one)}")
    lost = host if status == SHELL_FAILED else frozenset[str]()
    return Ending(1, _where(one), f"the connection to its agent ended ({why}){_after(one)}", lost=lost)


def _end(status: int | None) -> str:
    if status is None:
        return "it closed its output"
    return f"exit code {status}" if status >= 0 else _signal(-status)


def _where(one: Member) -> str:
    return f"launch: {one.place}"


def _after(one: Member) -> str:
    """Its last step, and what it said itself."""
    step = "" if one.step is None else f" after step {one.step}"
    return step + (f" ({one.failed})" if one.failed else "")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


CHECKS: tuple[Callable[[Scene, float], Ending | None], ...] = (asleep, died, silent, cut, early, unmet, stalled)
