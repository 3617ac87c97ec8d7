#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The name of each wait, who held the lock when it began and who ended it, against what the program knows; durations within 1%.
load helper

@test "mutexes by symbol, in an array, on the heap and with priority inheritance, read-write locks, once: names, holders, wakers" {
	truth -- locks
}

@test "pipes, socket pairs, unix sockets by path and abstract name, TCP on loopback, accept: the other end's process, and who woke" {
	truth -- peers
}

@test "semaphore sets, message queues, file locks, children, poll sets by what they hold, timers by their length" {
	truth -- objects
}

@test "locks inside the kernel: an inode's, and the one on a process's mappings" {
	[ "$(nproc)" -ge 2 ] || skip "there is one CPU"
	truth -- klock
}
