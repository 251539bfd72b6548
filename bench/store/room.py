"""What an acknowledgement of `local` costs the store, beside a bare append and fdatasync on the same disk."""
from figures import gather


def run(bench):
    rounds, _ = bench.in_turn(3, lambda: bench.program("store_bench", "--seconds", 0.1 if bench.quick else 2))
    for figure in gather(rounds):
        bench.show(figure)
