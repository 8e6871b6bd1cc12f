"""Machines made of this one: each has its own network, processes, files and sshd, all gone with its first process.

Linux namespaces over one kernel, which only root may make. A host sees this machine's files below a layer of its own in
memory, and an empty /tmp. The laptop, through which the hosts' network runs, is one of them.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

BOOT = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs {folder}
mkdir {folder}/own {folder}/work {folder}/all
mount -t overlay overlay -o lowerdir=/,upperdir={folder}/own,workdir={folder}/work {folder}/all
cd {folder}/all
mount --rbind /dev dev
mount -t tmpfs tmpfs dev/shm
for place in tmp run; do mount -t tmpfs tmpfs $place; done
mkdir -p shared old run/sshd
mount --bind {shared} shared
mount -t proc proc proc
rm -rf root/.ssh root/.bashrc root/.profile root/.ray root/collapsar
mkdir -m 700 root/.ssh
cp {key}* run/
cp run/key.pub root/.ssh/authorized_keys
touch root/.bashrc
pivot_root . old
umount -l old
hostname {name}
ip link set lo up
printf '[global]\\nno-index = true\\nno-build-isolation = false\\n' > /etc/pip.conf
{sshd} -D -h /run/key -o UsePAM=no -o PidFile=none -o PermitRootLogin=yes -o StrictModes=no &
echo up
wait $!
"""

NEEDED = ("unshare", "nsenter", "ip", "ssh", "ssh-keygen", "rsync")


def obstacle() -> str | None:
    """Why there can be no hosts here; None where there can."""
    if sys.platform != "linux" or os.geteuid():
        return "hosts of their own need Linux and root"
    if missing := [name for name in NEEDED if not shutil.which(name)]:
        return f"hosts of their own need {', '.join(missing)}"
    return None if _sshd().exists() else "hosts of their own need sshd (openssh-server)"


def _sshd() -> Path:
    return Path("/usr/sbin/sshd")


class Host:
    """One machine. `run` is what a person at its keyboard does."""

    def __init__(self, name: str, folder: Path, shared: Path, key: Path) -> None:
        self.name = name
        (folder / name).mkdir()
        boot = BOOT.format(folder=folder / name, shared=shared, name=name, key=key, sshd=_sshd())
        self._process = subprocess.Popen(
            ["unshare", "--net", "--pid", "--mount", "--uts", "--ipc", "--fork", "bash", "-c", boot],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout
        said = ""
        while (line := self._process.stdout.readline()) and line != "up\n":
            said += line
        if not line:
            raise OSError(f"no host can be made here: {said}")
        self.pid = int(Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text())

    def net(self, *words: object) -> None:
        """Carry out `ip …` in the host's network, with the process numbers of this machine."""
        subprocess.run(["nsenter", "-t", str(self.pid), "--net", "ip", *map(str, words)], check=True)

    def start(self, command: str, **options) -> subprocess.Popen[str]:
        """A command in a login shell on the host."""
        inside = ["nsenter", "-t", str(self.pid), "--net", "--pid", "--mount", "--uts", "--ipc"]
        clean = {name: os.environ[name] for name in ("LANG",) if name in os.environ}
        clean |= {
            "HOME": "/root",
            "TERM": "dumb",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        }
        return subprocess.Popen([*inside, "bash", "-c", f"cd; {command}"], env=clean, text=True, **options)

    def run(self, command: str, patience_s: float = 300) -> subprocess.CompletedProcess[str]:
        with self.start(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            try:
                output, _ = process.communicate(timeout=patience_s)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(command, process.returncode, output)

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)  # the kernel takes the rest of its process numbers along
        self._process.wait(timeout=30)
        assert self._process.stdout
        self._process.stdout.close()


class Network:
    """A laptop and hosts, named and numbered; `cut` takes one off, as a broken cable does."""

    def __init__(self, folder: Path, names: Sequence[str], prefix: str) -> None:
        self.shared, key = folder / "shared", folder / "key"
        self.shared.mkdir()
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        self.laptop = Host("laptop", folder, self.shared, key)
        self.laptop.net("link", "add", "switch", "type", "bridge")
        self.laptop.net("addr", "add", f"{prefix}.254/24", "dev", "switch")
        self.laptop.net("link", "set", "switch", "up")
        self.laptop.run("cp /run/key .ssh/id_ed25519")
        self.hosts: dict[str, Host] = {}
        for number, name in enumerate(names, start=1):
            host = self.hosts[name] = Host(name, folder, self.shared, key)
            self.laptop.net("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", host.pid)
            self.laptop.net("link", "set", name, "master", "switch", "up")
            host.net("addr", "add", f"{prefix}.{number}/24", "dev", "eth0")
            host.net("link", "set", "eth0", "up")
            host.net("route", "add", "default", "via", f"{prefix}.254")

    def cut(self, name: str) -> None:
        self.laptop.net("link", "set", name, "down")

    def mend(self, name: str) -> None:
        self.laptop.net("link", "set", name, "up")

    def end(self) -> None:
        for host in (*self.hosts.values(), self.laptop):
            host.end()


@contextlib.contextmanager
def network(folder: Path, names: Sequence[str], prefix: str = "192.0.2") -> Iterator[Network]:
    made = Network(folder, names, prefix)
    try:
        yield made
    finally:
        made.end()
