"""The judge's sentence in the width of a table cell: what is wrong and by how much, without the numbers behind it."""

from __future__ import annotations

import re

from screens.draw.line import width_of

_WHO = r"(?:the )?(canary|baseline)(?:'s pods)?"
_RATES = r"\S+ % vs \S+ % \((\S+)x[^)]*\)"
_FORMS = tuple(
    (re.compile(pattern), short)
    for pattern, short in (
        (r"^(?:[^;]*; )?(\d+) of (\d+) requests", r"\1/\2 requests"),
        (rf"^aborted; over its life errors {_RATES}", r"was err \1×"),
        (r"^aborted; no request", "no requests"),
        (rf"^.*(?:against the evidence|vs before): errors {_RATES}", r"err \1× before"),
        (rf"^errors {_RATES}", r"err \1× base"),
        (rf"^(\S+): slower than \S+ \S+ {_RATES}", r"\1 slow \2×"),
        (rf"^(\S+): .*?{_RATES}", r"\1 \2× base"),
        (r"^(\d+) of (\d+) pods .* in a crash loop", r"crash loop \1/\2"),
        (r"^(\d+) of (\d+) pods .* out of memory", r"OOM killed \1/\2"),
        (r"^(\d+) of (\d+) pods .* cannot start: (?:ErrImagePull|ImagePullBackOff)", r"no image \1/\2"),
        (r"^(\d+) of (\d+) pods .* cannot start", r"cannot start \1/\2"),
        (r"^pods of both arms are", "pods of both"),
        (r"^both arms fail: errors (\S+) %", r"both fail \1 %"),
        (r"^(?:step \d+ is stuck:|the) .*is (?:stuck on an )?inconclusive", "check undecided"),
        (r"^(?:step \d+ is stuck:|the) .*(?:gets|has) no data", "check: no data"),
        (r"^(?:.*; )?this weight cannot show", "weight too low"),
        (rf"^Prometheus cannot scrape {_WHO}", r"\1 targets down"),
        (rf"^Prometheus has no scrape target for {_WHO}", r"\1 not scraped"),
        (rf"^the newest sample of {_WHO} is (\d+) s old", r"\1 stale \2 s"),
        (rf"^.* exists for the \w+, not for {_WHO}", r"\1 has no metric"),
        (r"^no series ", "metric absent"),
        (rf"^no request reached {_WHO} for (\d+) s", r"no traffic \2 s"),
        (rf"^no pod of {_WHO} is ready", r"no \1 pod up"),
        (rf"^{_WHO} are \d+ s old; first samples", "samples due"),
        (r"^the canary gets no traffic yet", "no traffic yet"),
        (r"^the canary serves (?:only )?(\S+) % of the requests at weight (\S+)%", r"gets \1 of \2 %"),
        (r"^(?:\S+: )?(cpu|memory) at (\S+) of its limit", r"\1 at \2"),
        (r"^SLIs are being read", "reading SLIs"),
        (r"^rolled back to .+?, ((?:flipped back|changed to) .+?)(?: \S+ later)?$", r"\1"),
        (r"^RolloutAborted\b", "aborted"),
        (r"^ProgressDeadlineExceeded\b", "deadline exceeded"),
    )
)
_ARMS = (("canary", "C"), ("baseline", "B"))


def brief(reason: str, width: int) -> str:
    """``reason`` whole where it fits ``width`` cells, else its short form; a sentence without one stays as it is."""
    if width_of(reason) <= width:
        return reason
    text = reason.removeprefix("returning version: ")
    for pattern, short in _FORMS:
        found = pattern.match(text)
        if found is not None:
            said = found.expand(short)
            for arm, letter in _ARMS if width_of(said) > width else ():  # the letters that every column head uses
                said = said.replace(arm, letter)
            return said
    return text
