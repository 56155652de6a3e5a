from launcher.model import Secret


class _Half:
    begin = b""
    done = True
    leftover = b""
    failure: str | None = None

    def feed(self, chunk: bytes) -> bytes:
        return b""


class SignIn(_Half):
    def __init__(self, password: Secret | None) -> None: ...


class Welcome(_Half):
    def __init__(self, *, password: Secret | None = None, challenge: bytes = b"") -> None: ...


class Refusal(_Half):
    def __init__(self, reason: str) -> None: ...
