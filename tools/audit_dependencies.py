"""Ask the vulnerability service about every locked package: `make audit-dependencies`, a part of `make lint`.

    python tools/audit_dependencies.py [REQUIREMENTS]

pip-audit does the asking (PyPI's advisories). Exit status 1 if a locked version has a known vulnerability; where the
service cannot be reached, or knows none of the packages (a mirror of PyPI without advisories), one line says that
nothing was audited, and the exit status is 0: a check that needs the internet must not stop who has none.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).resolve().parents[1] / "requirements.lock"
SECONDS = 300


def ask(requirements: Path) -> list[dict[str, Any]] | str:
    """pip-audit's answer for each package, or why there is none."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements), "--no-deps", "--disable-pip"]
    try:
        done = subprocess.run(
            [*command, "--format", "json", "--progress-spinner", "off"], capture_output=True, text=True, timeout=SECONDS
        )
        answer = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        return f"no answer within {SECONDS} s"
    except (ValueError, KeyError, TypeError):
        return (done.stderr.strip().splitlines() or ["no answer"])[-1][:200]
    return list(answer)


def verdict(answer: list[dict[str, Any]] | str) -> tuple[int, list[str]]:
    """Exit status, and what to print."""
    if isinstance(answer, str):
        return 0, [f"dependencies: NOT audited: the vulnerability service is not reachable ({answer})"]
    asked = [package for package in answer if "vulns" in package]
    if not asked:
        return 0, [f"dependencies: NOT audited: the service here knows none of the {len(answer)} locked packages"]
    found = [
        f"{package['name']} {package['version']}: {flaw['id']}, mended in {', '.join(flaw['fix_versions']) or 'no version'}"
        for package in asked
        for flaw in package["vulns"]
    ]
    skipped = f", {len(answer) - len(asked)} unknown to the service" if len(asked) < len(answer) else ""
    summary = f"dependencies: {len(asked)} locked packages audited{skipped}, {len(found)} known vulnerabilities"
    return int(bool(found)), [*found, summary]


def main() -> None:
    """Print the verdict and end with its status."""
    status, lines = verdict(ask(Path(sys.argv[1]) if len(sys.argv) > 1 else LOCK))
    print("\n".join(lines))
    sys.exit(status)


if __name__ == "__main__":
    main()
