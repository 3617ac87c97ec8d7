#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command as a terminal's foreground job, and presses Ctrl-C once a `sleep` runs in it. usage: interrupt.py COMMAND...

Exits with the command's status, 128+n for a signal.
"""
import glob
import os
import signal
import subprocess
import sys
import time


def sleeps_in(group):
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(stat) as file:
                name, fields = file.read().rsplit(")", 1)
        except OSError:
            continue  # it ended meanwhile
        if name.endswith("(sleep") and int(fields.split()[2]) == group:
            return True
    return False


def main(command):
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    job = subprocess.Popen(command, start_new_session=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for _ in range(200):
            time.sleep(0.05)
            if sleeps_in(job.pid) or job.poll() is not None:
                break
        time.sleep(0.3)
        os.killpg(job.pid, signal.SIGINT)
        status = job.wait(20)
    finally:
        if job.poll() is None:
            os.killpg(job.pid, signal.SIGKILL)
    return status if status >= 0 else 128 - status


sys.exit(main(sys.argv[1:]))
