"""Hashes, signatures and sealed bodies, beside the same work by the libraries' usual interfaces."""
from figures import gather


def run(bench):
    rounds, _ = bench.in_turn(3, lambda: bench.program("crypto_bench", "--runs", 2 if bench.quick else 15))
    for figure in gather(rounds):
        bench.show(figure)
