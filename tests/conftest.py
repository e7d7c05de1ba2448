"""What all tests share: the settings of hypothesis, and the shared test data with the rule about their absence."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
ABSENT = "the shared test data are absent"

settings.register_profile(
    "entente",
    deadline=None,
    max_examples=50,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no fault
)
settings.load_profile("entente")


class SharedDataRule:
    """Where the shared test data are required, no test may be skipped because they are absent."""

    def __init__(self) -> None:
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note each test that was skipped for that reason."""
        if report.skipped and ABSENT in str(report.longrepr):
            self.skipped.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run if there was one."""
        if self.skipped and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name the tests that failed the run."""
        for name in self.skipped:
            terminalreporter.write_line(f"FAILED {name}: skipped, but the shared test data are required here", red=True)


def pytest_configure(config: pytest.Config) -> None:
    """Apply the rule where the data are required, and let programs that tests start be ended by Ctrl-C.

    A run that was started in the background may have inherited that SIGINT is ignored; its children would too.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.environ.get("ENTENTE_REQUIRE_SHARED"):
        config.pluginmanager.register(SharedDataRule(), "shared-data-rule")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder of the shared test data; skip the test, or fail it where they are required, without them."""
    place = Path(os.environ.get("ENTENTE_SHARED_DATA") or ROOT.parent / "shared" / "data")
    if not place.is_dir():
        absent = pytest.fail if os.environ.get("ENTENTE_REQUIRE_SHARED") else pytest.skip
        absent(f"{ABSENT}: no folder {place.name} beside this checkout, nor where ENTENTE_SHARED_DATA says")
    return place
