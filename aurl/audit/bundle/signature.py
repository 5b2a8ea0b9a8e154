"""Sign a bundle with an SSH key, and say who signed one.

`ssh-keygen` does both, as it does for git.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from aurl.system.errors import AurlError, one_line

NAMESPACE = "aurl-bundle"  # a signature for another purpose does not count here
MOST_BYTES = 1 << 16


def sign(content: bytes, key: Path) -> bytes:
    """Sign contents with a private key, or a public one of the agent's.

    Raises: AurlError where there is no key, or no `ssh-keygen`.
    """
    if not key.is_file():
        raise AurlError(f"--sign {key}: no such file; name an SSH key, such as ~/.ssh/id_ed25519")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "metadata"
        path.write_bytes(content)
        _ssh_keygen(["-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(path)], b"", f"--sign {key}")
        return path.with_name("metadata.sig").read_bytes()


def signer(content: bytes, signature: bytes | None, signers: Path | None) -> str:
    """Say who signed contents, in words; a signature that does not fit is an error.

    Args:
        signers: a file of allowed signers; None to name the key alone.
    Raises: AurlError where the signature does not fit, or no allowed signer made it.
    """
    if signature is None:
        if signers is not None:
            raise AurlError("--signers: the bundle is not signed")
        return "not signed"
    if len(signature) > MOST_BYTES:
        raise AurlError("the bundle's signature is too large to be one")
    if shutil.which("ssh-keygen") is None:
        return "signed (not checked: no ssh-keygen here)"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "metadata.sig"
        path.write_bytes(signature)
        where = "the bundle's signature"
        said = _ssh_keygen(["-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(path)], content, where)
        key = next((word for word in said.split() if word.startswith("SHA256:")), "an unknown key")
        if signers is None:
            return f"signed by key {key} (whose it is: --signers FILE)"
        principals = _ssh_keygen(
            ["-Y", "find-principals", "-f", str(signers), "-s", str(path)], b"", f"--signers {signers}"
        )
        name = principals.splitlines()[0]
        _ssh_keygen(["-Y", "verify", "-f", str(signers), "-I", name, "-n", NAMESPACE, "-s", str(path)], content, where)
        return f"signed by {name}"


def _ssh_keygen(arguments: list[str], content: bytes, what: str) -> str:
    try:
        done = subprocess.run(["ssh-keygen", *arguments], input=content, capture_output=True)
    except OSError as error:
        raise AurlError(f"ssh-keygen cannot be started ({error.strerror}); install OpenSSH") from None
    if done.returncode:
        reason = one_line(done.stderr.decode(errors="replace") or done.stdout.decode(errors="replace"), 200)
        raise AurlError(f"{what}: {reason}")
    return done.stdout.decode(errors="replace")
