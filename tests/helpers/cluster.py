"""A real Slurm on this machine for as long as a block or a command lasts: `python tests/helpers/cluster.py COMMAND ...`.

Debian's packages `slurm-wlm` and `munge` are enough: no root, no systemd, no cgroups, no accounting database.
Everything (keys, state, logs) lies in a temporary folder, the daemons listen on free ports of the loopback,
and all of it is gone afterwards. A machine's own Slurm is not touched: SLURM_CONF points to this one.
"""

import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

DAEMONS = ("munged", "slurmctld", "slurmd")
WHERE = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
SECONDS = 30.0

CONFIG = """\
ClusterName=aurltest
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MinJobAge=36000
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=1
InactiveLimit=0
KillWait=3
SlurmdTimeout={node_timeout}
ReturnToService=2
GresTypes=gpu
SlurmdParameters=config_overrides
"""


@dataclass(frozen=True)
class Record:
    """One job as the controller knows it: state, what it is for, start and end (Unix time), nodes, GPUs, restarts."""

    job: int
    state: str
    comment: str
    start: float
    end: float
    nodes: str
    gpus: int
    restarts: int


@dataclass
class Cluster:
    """A running Slurm: its folder, the environment that finds it, its nodes' names."""

    folder: Path
    nodes: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *command: str) -> str:
        """The output of a command of this Slurm."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=SECONDS)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def start_node(self, name: str) -> None:
        """Start a node's daemon, and wait until jobs can be sent to it."""
        self._daemon("slurmd", "-f", str(self.folder / "slurm.conf"), "-N", name)
        deadline = time.monotonic() + SECONDS
        while self.run("sinfo", "-h", "-n", name, "-o", "%t").strip() not in ("idle", "mix", "alloc"):
            if time.monotonic() > deadline:
                raise RuntimeError(f"node {name} does not come up; {self.tail(f'slurmd-{name}.log')}")
            with suppress(RuntimeError):  # it was lost before, and its daemon is back
                self.run("scontrol", "update", f"NodeName={name}", "State=RESUME")
            time.sleep(0.2)

    def lose_node(self, name: str) -> None:
        """What a power failure does: the node's daemon and everything that it started are killed at once."""
        pid = int((self.folder / f"slurmd-{name}.pid").read_text())
        started = [child for step in self._steps(name) for child in (step, *step.children(recursive=True))]
        for process in [psutil.Process(pid), *started]:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def records(self) -> list[Record]:
        """Every job that was submitted, in the order in which they started (those that wait: the time of asking)."""
        found = []
        for line in self.run("scontrol", "--oneliner", "show", "job").splitlines():
            values = dict(part.split("=", 1) for part in line.split() if "=" in part)
            if "JobId" not in values:
                continue
            start, end = (_seconds(values.get(key, "Unknown")) for key in ("StartTime", "EndTime"))
            gpus = sum(
                int(count)
                for count in re.findall(r"gpu:(\d+)", values.get("TresPerJob", "") + values.get("TresPerNode", ""))
            )
            found.append(Record(int(values["JobId"]), values["JobState"], values.get("Comment", ""), start, end,
                                values["NodeList"], gpus, int(values["Restarts"])))  # fmt: skip
        return sorted(found, key=lambda record: record.start)

    def tail(self, log: str) -> str:
        """The last lines of a daemon's log."""
        path = self.folder / log
        return "\n".join(path.read_text(errors="replace").splitlines()[-15:]) if path.is_file() else f"no {log}"

    def _steps(self, node: str) -> list[psutil.Process]:
        """The step managers (slurmstepd) of a node: they outlive its daemon, and hold its log open."""
        log, found = str(self.folder / f"slurmd-{node}.log"), []
        for process in psutil.process_iter(["name"]):
            with suppress(psutil.Error):
                if process.info["name"] == "slurmstepd" and any(file.path == log for file in process.open_files()):
                    found.append(process)
        return found

    def _daemon(self, name: str, *arguments: str) -> None:
        path = shutil.which(name, path=WHERE)
        done = subprocess.run([str(path), *arguments], env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{name} does not start: {done.stderr.strip() or done.stdout.strip()}")


def missing() -> str:
    """Why there can be no Slurm here; empty if there can."""
    absent = [name for name in (*DAEMONS, "sbatch", "mungekey") if shutil.which(name, path=WHERE) is None]
    return f"not installed: {', '.join(absent)} (apt-get install slurm-wlm munge)" if absent else ""


@contextmanager
def cluster(nodes: int = 1, cpus: int = 4, gpus: int = 1, node_timeout: int = 15) -> Iterator[Cluster]:
    """Start Slurm with nodes of `cpus` cores and `gpus` GPUs each (declared; the device is /dev/null); stop it after.

    Raises: RuntimeError if a daemon does not start, with its last lines.
    """
    folder = Path(tempfile.mkdtemp(prefix="aurl-slurm-"))
    host, names = socket.gethostname().split(".")[0], tuple(f"node{number}" for number in range(1, nodes + 1))
    made = Cluster(folder, names)
    made.environment = {**os.environ, "PATH": f"{folder}/bin:{WHERE}", "SLURM_CONF": str(folder / "slurm.conf")}
    try:
        folder.chmod(0o755)
        _wrap_clients(folder)
        (folder / "state").mkdir()
        config = [CONFIG.format(host=host, port=_free_port(), user=getpass.getuser(), folder=folder,
                                node_timeout=node_timeout)]  # fmt: skip
        for name in names:
            (folder / f"spool-{name}").mkdir()
            config.append(f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={_free_port()} CPUs={cpus}"
                          f" RealMemory=16000 Gres=gpu:{gpus}\n")  # fmt: skip
        config.append(f"PartitionName=main Nodes={','.join(names)} Default=YES MaxTime=INFINITE State=UP\n")
        (folder / "slurm.conf").write_text("".join(config))
        (folder / "gres.conf").write_text("Name=gpu File=/dev/null\n" if gpus == 1 else f"Name=gpu Count={gpus}\n")
        (folder / "cgroup.conf").write_text("CgroupAutomount=no\n")
        subprocess.run([str(shutil.which("mungekey", path=WHERE)), "--create", f"--keyfile={folder}/munge.key"],
                       check=True, capture_output=True)  # fmt: skip
        made._daemon(
            "munged", f"--key-file={folder}/munge.key", f"--socket={folder}/munge.socket", f"--pid-file={folder}/munged.pid",
            f"--log-file={folder}/munged.log", f"--seed-file={folder}/munge.seed", "--num-threads=2",
        )  # fmt: skip
        made._daemon("slurmctld", "-f", str(folder / "slurm.conf"))
        deadline = time.monotonic() + SECONDS
        while (
            "UP"
            not in subprocess.run(["scontrol", "ping"], env=made.environment, capture_output=True, text=True).stdout
        ):
            if time.monotonic() > deadline:
                raise RuntimeError(f"slurmctld does not answer; {made.tail('slurmctld.log')}")
            time.sleep(0.2)
        for name in names:
            made.start_node(name)
        yield made
    finally:
        _stop(made)
        shutil.rmtree(folder, ignore_errors=True)


def _wrap_clients(folder: Path) -> None:
    """Commands that find this Slurm even where an executor takes every SLURM_ variable out of their environment."""
    (folder / "bin").mkdir()
    for name in ("srun", "squeue", "scontrol", "sbatch", "scancel", "sinfo"):
        path = folder / "bin" / name
        path.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which(name, path=WHERE)} "$@"\n')
        path.chmod(0o755)


def _stop(made: Cluster) -> None:
    """End every job and daemon, in that order; kill what does not go."""
    with suppress(Exception):
        made.run("scancel", "--full", f"--user={getpass.getuser()}")
    pids = [
        made.folder / name for name in (*(f"slurmd-{node}.pid" for node in made.nodes), "slurmctld.pid", "munged.pid")
    ]
    steps = [step for node in made.nodes for step in made._steps(node)]
    doomed = [*steps, *(child for step in steps for child in step.children(recursive=True))]
    for path in pids:
        with suppress(OSError, ValueError, psutil.NoSuchProcess):
            doomed.append(psutil.Process(int(path.read_text())))
    psutil.wait_procs(steps, timeout=5)
    for process in doomed:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGTERM)
    for process in psutil.wait_procs(doomed, timeout=10)[1]:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _seconds(moment: str) -> float:
    return time.mktime(time.strptime(moment, "%Y-%m-%dT%H:%M:%S")) if moment[:1].isdigit() else time.time()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    if reason := missing():
        sys.exit(f"no Slurm: {reason}")
    with cluster(nodes=int(os.environ.get("NODES", "1"))) as running:
        sys.exit(subprocess.run(sys.argv[1:], env=running.environment).returncode)
