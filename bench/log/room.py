"""What events cost: to verify a caught-up feed, to write and seal, to hold, to send, to order and to judge."""
from figures import gather


def run(bench):
    rounds, _ = bench.in_turn(3, lambda: bench.program("log_bench", "--events", 20_000 if bench.quick else 1_000_000))
    for figure in gather(rounds):
        bench.show(figure)
