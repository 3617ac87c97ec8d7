#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command on a terminal of its own and types at it. usage: terminal.py PROMPT=TYPED... -- COMMAND...

Each time PROMPT appears, in the order given, TYPED is written ("^C" is Ctrl-C; else with a newline). Prints what the terminal showed; exits with
the command's status."""
import os
import pty
import select
import sys
import time

split = sys.argv.index("--")
steps = [step.split("=", 1) for step in sys.argv[1:split]]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[split + 1], sys.argv[split + 1:])
shown, seen, deadline = b"", 0, time.time() + 30
while time.time() < deadline:
    if not select.select([terminal], [], [], 0.1)[0]:
        continue
    try:
        part = os.read(terminal, 4096)
    except OSError:  # the last process has closed it
        break
    if not part:
        break
    shown += part
    if steps and steps[0][0].encode() in shown[seen:]:
        seen = len(shown)
        typed = steps.pop(0)[1]
        time.sleep(0.3)
        os.write(terminal, b"\x03" if typed == "^C" else typed.encode() + b"\n")
sys.stdout.buffer.write(shown)
status = os.waitpid(pid, 0)[1]
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
