"""Time of a pull under a rate limit, beside the ideal for its number of requests.

The emulator enforces the limit as Notion documents it: a fixed window per connection. The ideal sends a full window's
requests at once, waits for the next window, and so on: it needs a whole
window's time for each window but the last, and the time of the last window's answers. Start-up of the command is left out on both sides.
"""

import argparse

from bench.harness import Emulator, Home, Result, command, scratch

__all__ = ["ideal", "measure"]

WORKSPACE = "generated:pages=150,rows=200,blocks=2500,depth=3,data_sources=2,long_pages=2,seed=11"


def ideal(requests: int, *, limit: int, window: int, last_window: float) -> float:
    """Seconds that `requests` need at least when `limit` may be sent per window."""
    return (requests - 1) // limit * window + last_window


def measure(workspace: str = WORKSPACE, *, limit: int = 180, window: int = 60, latency: int = 100) -> Result:
    with scratch() as folder:
        with Emulator(workspace, latency=latency) as unlimited:
            home = Home(folder / "unlimited")
            home.connect(unlimited)
            free = home.pull("--fidelity", "blocks")
        with Emulator(workspace, latency=latency, rate=f"{limit}/{window}") as limited:
            home = Home(folder / "limited")
            home.connect(limited, rate=f"{limit}/{window}")
            pulled = home.pull("--fidelity", "blocks")
    in_last_window = pulled.made - (pulled.made - 1) // limit * limit
    unlimited_seconds = float(free.report["seconds"])
    seconds = float(pulled.report["seconds"])
    share = in_last_window / free.made
    best = ideal(pulled.made, limit=limit, window=window, last_window=unlimited_seconds * share)
    refused = int(pulled.report["requests"]["rate_limited"])
    row = (
        str(pulled.made), f"{unlimited_seconds:.1f} s", f"{best:.1f} s", f"{seconds:.1f} s",
        f"{seconds / best:.3f}", f"{refused / pulled.made:.2%}",
    )  # fmt: skip
    return Result(
        f"A pull under {limit} requests in {window} s",
        command(),
        ("requests", "without a limit", "ideal", "measured", "quotient", "refused"),
        [row],
        f"Workspace `{workspace}`, {latency} ms latency. What `connect` asked counts in the first window.",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", default=WORKSPACE)
    parser.add_argument("--limit", type=int, default=180)
    parser.add_argument("--window", type=int, default=60, help="seconds")
    parser.add_argument("--latency", type=int, default=100, help="milliseconds")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    measure(arguments.workspace, limit=arguments.limit, latency=arguments.latency).show(
        as_json=arguments.json
    )


if __name__ == "__main__":
    main()
