"""kan_np beside pykan, jaxKAN, mlp-kan and scikit-learn, in one run on one core.

    python -m benchmarks.peers --check

Checks that each library computes the same function where it can, then times loss and gradient, and whole
fits, in turn with ours; every library has a process of its own with one thread. Peers are installed into
throw-away environments in the folder for temporary files. One that cannot be had is said to be missing, and
its bars are left out.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack

from benchmarks._common import positive, show_bars
from benchmarks.peers.environments import PEERS, PeerError
from benchmarks.peers.families import measure_families
from benchmarks.peers.fits import measure_fits
from benchmarks.peers.gradients import measure_gradients, measure_piecewise_linear
from benchmarks.peers.process import Worker, peer_worker
from benchmarks.peers.results import Findings


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="exit 1 when a bar is missed")
    parser.add_argument("--only", type=_names, default=list(PEERS), help=f"some of {','.join(PEERS)}")
    parser.add_argument("--peer-python", help="a Python for the peers that it has, in place of environments")
    parser.add_argument("--repeats", type=positive, default=9, help="rounds of gradients (default 9)")
    parser.add_argument("--fits", type=positive, default=3, help="rounds of whole fits (default 3)")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in PEERS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no peer {', '.join(unknown)}; there are {', '.join(PEERS)}")
    return names


def main() -> int:
    arguments = _options()
    findings = Findings()
    with ExitStack() as stack:
        ours = stack.enter_context(Worker("kan_np"))
        peers = {}
        for name in arguments.only:
            try:
                peers[name] = stack.enter_context(peer_worker(name, arguments.peer_python))
            except PeerError as error:
                findings.unmeasured.append(f"{name}, all its ratios: {error}")
        for name, worker in {"kan_np": ours, **peers}.items():
            versions = worker.ask("describe")["versions"].items()
            print(f"{name}: " + ", ".join(f"{package} {version}" for package, version in versions))
        measure_gradients(ours, peers, arguments.repeats, findings)
        if "mlp-kan" in peers:
            measure_piecewise_linear(ours, peers["mlp-kan"], arguments.repeats, findings)
        measure_families(ours, peers, arguments.repeats, findings)
        measure_fits(ours, peers, arguments.fits, findings)
    if findings.unmeasured:
        print("\nNot measured:\n  " + "\n  ".join(findings.unmeasured))
    return show_bars(findings.bars, check=arguments.check)


if __name__ == "__main__":
    raise SystemExit(main())
