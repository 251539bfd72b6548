"""What is read off a running device."""
import pathlib
import time

from figures import BenchError


def resident_mb(process):
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise BenchError(f"no process {process.pid}")


def metric(device, name):
    """One of the device's /metrics."""
    for line in device.get("/metrics").splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise BenchError(f"no {name} in /metrics")


def stored_bytes(device):
    """What a device's folder takes; it should be stopped."""
    return sum(path.stat().st_size for path in device.folder.rglob("*") if path.is_file())


def start_ms(device):
    """Stops the device; milliseconds until it serves again."""
    device.stop()
    started = time.perf_counter()
    device.start()
    return (time.perf_counter() - started) * 1e3
