#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Each state against what the program itself measured, within 1% and 50 us a wait, under the name that a person expects.
load helper

@test "lock: a mutex held 50 ms at a time is waited for as long as each thread measured, under its name" {
	truth -- lock
}

@test "sleep: every call that waits for a timer alone" {
	truth -- sleep
}

@test "socket: a server that answers after a known delay, under its address" {
	truth -- socket_delay
}

@test "pipe: a reader fed at known times, and the writer of a full pipe" {
	truth -- pipe_feed
}

@test "child: children awaited by wait4 and waitid, vfork and a clone3 that waits as vfork does" {
	truth -- child
}

@test "sync: joining threads is waiting for their end" {
	truth -- join
}

@test "sync: condition variable, semaphore, barrier and eventfd, each under its name" {
	truth -- condvar
}

@test "disk: synced writes and reads past the page cache" {
	truth -- fdisk
}

@test "lock: file locks of both kinds" {
	truth -- flock
}

@test "pipe: a terminal at which someone types" {
	truth -- terminal
}

@test "stopped: SIGSTOP and SIGCONT during a sleep and during a poll, which go on as what they were" {
	truth -- stop
}

@test "other: waiting for a signal" {
	truth -- signals
}

@test "poll, select and epoll: what the set holds decides what the wait is" {
	truth -- poll_sets
}

@test "without syscall hooks the states stay: lock, sleep, socket, pipe, child, poll and select sets" {
	truth --no-syscalls -- lock
	truth --no-syscalls -- sleep no-epoll
	truth --no-syscalls -- socket_delay
	truth --no-syscalls -- pipe_feed
	truth --no-syscalls -- child
	truth --no-syscalls -- poll_sets no-epoll
}
