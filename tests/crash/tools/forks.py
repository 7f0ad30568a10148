"""Workloads and checkers as functions of a Python file, run in a child: no interpreter has to start."""

import importlib.util
import os
import signal
import sys
import time
import traceback


def load(spec):
    """The function that 'FILE:FUNCTION' names. What it needs is imported once, before any fork."""
    path, name = spec.rsplit(":", 1)
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    unique = "forked_" + os.path.splitext(os.path.basename(path))[0]
    mod = sys.modules.get(unique)
    if mod is None:
        found = importlib.util.spec_from_file_location(unique, path)
        mod = sys.modules[unique] = importlib.util.module_from_spec(found)
        found.loader.exec_module(mod)
    return getattr(mod, name)


class Child:
    """A running function; poll, wait and returncode as subprocess.Popen has them."""

    def __init__(self, fn, args, stdout, stderr, before=None):
        sys.stdout.flush()
        self.returncode = None
        self.pid = os.fork()
        if self.pid == 0:
            self._run(fn, args, stdout, stderr, before)

    def _run(self, fn, args, stdout, stderr, before):
        code = 1
        try:
            os.setsid()
            os.dup2(stdout, 1)
            os.dup2(stderr, 2)
            os.closerange(3, 256)
            if before is not None:
                before()
            code = fn(*args) or 0
        except SystemExit as e:
            code = e.code if isinstance(e.code, int) else 1
        except BaseException:
            os.write(2, traceback.format_exc().encode(errors="replace"))
        finally:
            os._exit(code)

    def poll(self):
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout=1e9):
        """The exit code; 'hang' (and it is killed) if it takes too long."""
        end, pause = time.time() + timeout, 0.001
        while self.poll() is None:
            if time.time() > end:
                os.killpg(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                self.returncode = "hang"
            time.sleep(pause)
            pause = min(pause * 2, 0.02)
        return self.returncode
